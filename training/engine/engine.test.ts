import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as tf from '@tensorflow/tfjs-core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MissingError } from '../../src/errors.ts'
import { packageFile } from '../../src/package-root.ts'
import { checkEngine } from './check.ts'
import { type EngineName, engineNames, startEngine } from './engine.ts'
import { nativeFolder } from './native-folder.ts'
import { installNative } from './native-install.ts'

const silent = () => {}
const withNative = existsSync(nativeFolder())
if (!withNative) process.stdout.write('native engine is not installed: its tests are skipped\n')
const installed = engineNames.filter((name) => name !== 'native' || withNative)

describe.each(installed)('the %s engine', (name) => {
  it('finds the known gradient and solution of least squares', async () => {
    const { gradientError, solutionError } = await checkEngine(await startEngine(name, silent), silent)
    expect(gradientError).toBeLessThan(1e-6)
    expect(solutionError).toBeLessThan(1e-5)
  })

  it('takes relu for flat below and at 0, and for the identity above', async () => {
    await startEngine(name, silent)
    const cube = (x: tf.Tensor) => tf.sum(tf.pow(tf.relu(x), tf.scalar(3)))
    const points = tf.tensor1d([-2, 0, 0.5, 3])
    expect([...(await tf.grad(cube)(points).data())]).toEqual([0, 0, 0.75, 27])
  })

  it('has the gradient of relu that central differences give', async () => {
    await startEngine(name, silent)
    const weights = tf.tensor1d([0.3, -1.2, 2.5, 0.7])
    const f = (x: tf.Tensor) => tf.sum(tf.mul(tf.square(tf.relu(x)), weights))
    const x = [1.5, -0.75, 0.25, 2]
    const gradient = await tf.grad(f)(tf.tensor1d(x)).data()
    for (const [i, expected] of gradient.entries()) {
      const at = (h: number) => f(tf.tensor1d(x.map((v, j) => (i === j ? v + h : v)))).dataSync()[0]!
      expect((at(1 / 64) - at(-1 / 64)) * 32).toBeCloseTo(expected, 3)
    }
  })

  it('differentiates relu twice', async () => {
    await startEngine(name, silent)
    const slope = tf.grad((x: tf.Tensor) => tf.sum(tf.square(tf.relu(x)))) // 2 relu(x)
    const squared = tf.grad((x: tf.Tensor) => tf.sum(tf.square(slope(x)))) // of 4 relu(x)^2
    expect([...(await squared(tf.tensor1d([-1, 0.5, 2])).data())]).toEqual([0, 4, 16])
  })

  it('loads in silence, on one copy of tfjs-core', async () => {
    expect(await loadElsewhere(name)).toEqual({ stdout: '1', stderr: '' })
  })
})

/** Starts the engine in a fresh process, computes, and prints how many copies of tfjs-core were loaded. */
async function loadElsewhere(name: EngineName): Promise<{ stdout: string; stderr: string }> {
  const script = `
    import { createRequire } from 'node:module'
    import { startEngine } from ${JSON.stringify(packageFile('training/engine/engine.ts'))}
    const { tf } = await startEngine('${name}', () => {})
    await tf.grad((x) => tf.sum(tf.relu(x)))(tf.tensor1d([1, 2])).data()
    const files = Object.keys(createRequire(import.meta.url).cache)
    process.stdout.write(String(files.filter((file) => /tfjs-core.dist.tf-core/.test(file)).length))
  `
  const tsx = createRequire(import.meta.url).resolve('tsx')
  return promisify(execFile)(process.execPath, ['--import', tsx, '--input-type=module', '-e', script])
}

describe('without the native engine', () => {
  let empty = ''
  beforeEach(async () => {
    empty = await mkdtemp(join(tmpdir(), 'attune-'))
    vi.stubEnv('ATTUNE_ENGINE_DIR', empty)
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await rm(empty, { recursive: true })
  })

  it('auto takes wasm and says what native would give', async () => {
    const lines: string[] = []
    const { name } = await startEngine('auto', (line) => lines.push(line))
    expect(name).toBe('wasm')
    expect(lines).toEqual([
      expect.stringMatching(/^engine: wasm \(native is not installed.*engine install native/),
    ])
  })

  it('native, asked for by name, is refused with the way to get it', async () => {
    await expect(startEngine('native', silent)).rejects.toThrow(MissingError)
    await expect(startEngine('native', silent)).rejects.toThrow(/engine install native/)
  })

  it('install names all the tools that are missing, and leaves nothing behind', async () => {
    vi.stubEnv('PATH', empty)
    const refusal = installNative(silent)
    await expect(refusal).rejects.toThrow(MissingError)
    if (process.platform === 'linux' && process.arch === 'x64')
      await expect(refusal).rejects.toThrow(/g\+\+ and pip for Python 3 .*apt-get install g\+\+ python3-pip/s)
  })
})
