/** The engines that need no installation: WebAssembly, and plain JavaScript as the reference for tests. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { MissingError } from '../../src/errors.ts'

/** @throws {MissingError} when this machine cannot run the WebAssembly kernels */
export async function startWasm(): Promise<string> {
  const { setWasmPaths, version_wasm } = await import('@tensorflow/tfjs-backend-wasm')
  const main = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')
  setWasmPaths(join(dirname(main), '/'))
  const started = await tf.setBackend('wasm').catch(() => false)
  passOverBanner() // of the cpu backend, which lends kernels (gradient-fixes.ts)
  if (!started)
    throw new MissingError('The wasm engine does not start on this machine.', 'Use --engine cpu (slow).')
  return `tfjs-backend-wasm ${version_wasm}`
}

export async function startCpu(): Promise<string> {
  const { version_cpu } = await import('@tensorflow/tfjs-backend-cpu')
  await tf.setBackend('cpu')
  passOverBanner()
  return `tfjs-backend-cpu ${version_cpu}`
}

/** The cpu backend prints an advertisement at its first tensor, except in production mode. */
function passOverBanner(): void {
  const cpu = tf.findBackend('cpu')
  tf.env().set('PROD', true)
  cpu.disposeData(cpu.write(new Float32Array(1), [1], 'float32'))
  tf.env().set('PROD', false)
}
