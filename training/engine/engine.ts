/** Which TensorFlow.js backend trains. The recipes are written once, on the functions of tfjs-core, for all of them. */
// The union package registers the gradients, which the CommonJS build of tfjs-core leaves out; both share one tfjs-core.
import '@tensorflow/tfjs'
import * as tf from '@tensorflow/tfjs-core'
import { AttuneError } from '../../src/errors.ts'
import { fixGradients, fixWasmKernels } from './gradient-fixes.ts'
import { startCpu, startWasm } from './javascript.ts'
import { startNative } from './native.ts'
import { refuseOperations } from './refused-ops.ts'
import { registerWasmKernels } from './wasm-kernels.ts'

/** From fastest to slowest; `cpu` is the reference for tests. */
export const engineNames = ['native', 'wasm', 'cpu'] as const
export type EngineName = (typeof engineNames)[number]
export type EngineChoice = 'auto' | EngineName

export interface Engine {
  readonly name: EngineName
  /** tfjs-core with this backend current. */
  readonly tf: typeof tf
  /** What computes, for provenance: equal seeds give equal bytes on one version of one engine. */
  readonly version: string
}

/** Each registers its backend, makes it current and returns its version. */
const starters: Record<EngineName, () => Promise<string>> = {
  native: startNative,
  wasm: startWasm,
  cpu: startCpu,
}

/**
 * Starts the engine asked for, or with 'auto' the fastest that starts, and logs one line that says which and why.
 * @throws {MissingError} when the engine asked for by name cannot start here
 */
export async function startEngine(choice: EngineChoice, log: (line: string) => void): Promise<Engine> {
  const misses: string[] = []
  for (const name of choice === 'auto' ? engineNames : [choice]) {
    try {
      const version = await starters[name]()
      fixGradients()
      if (name === 'wasm') {
        fixWasmKernels()
        registerWasmKernels()
      }
      refuseOperations(name)
      log(`engine: ${name} (${choice === 'auto' ? misses.join(' ') || version : `as asked, ${version}`})`)
      return { name, tf, version }
    } catch (error) {
      if (choice !== 'auto' || name === 'cpu' || !(error instanceof AttuneError)) throw error
      misses.push(`${error.what} ${error.remedy}`)
    }
  }
  throw new TypeError('engineNames ends with cpu, which starts or throws')
}

/** Whether an engine can train here: `detail` is its version, or what it lacks. */
export interface EngineState {
  readonly name: EngineName
  readonly available: boolean
  readonly detail: string
}

/** Starts every engine in turn, to say what can train here. */
export async function listEngines(): Promise<readonly EngineState[]> {
  const states: EngineState[] = []
  for (const name of engineNames) {
    try {
      states.push({ name, available: true, detail: await starters[name]() })
    } catch (error) {
      if (!(error instanceof AttuneError)) throw error
      states.push({ name, available: false, detail: `${error.what} ${error.remedy}` })
    }
  }
  return states
}
