/**
 * Steps of attune's networks, forward, backward and Adam, on each engine, and in PyTorch where ATTUNE_PYTHON has it: the same weights, batch
 * and threads, turn about in one run.
 */
import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type * as TensorFlow from '@tensorflow/tfjs-core'
import { MissingError } from '../src/errors.ts'
import { packageFile } from '../src/package-root.ts'
import { type EngineName, listEngines, startEngine } from '../training/engine/engine.ts'
import { adamStepInto } from '../training/parts/adam.ts'
import { type NetworkProblem, networkProblems, type Part } from './engine-networks.ts'
import { fixed, median, publish, type Section, say } from './result.ts'
import { workplace } from './workplace.ts'

const THREADS = 2
const ROUNDS = 3
const WARM_UP = 3

export async function engines(words: readonly string[]): Promise<void> {
  process.env['TF_NUM_INTRAOP_THREADS'] = String(THREADS)
  process.env['OMP_NUM_THREADS'] = String(THREADS)
  const sections: Section[] = []
  for (const problem of networkProblems()) sections.push(tableOf(problem, await measure(problem)))
  await publish('engines', `Training steps, ${THREADS} threads`, words, sections)
}

interface Measured {
  readonly version: string
  /** Milliseconds of each step after the warm-up. */
  readonly times: readonly number[]
  /** Milliseconds of CPU time per step after the warm-up, all threads. */
  readonly cpu: number
  readonly losses: readonly number[]
}

/** Engines by turns, so that what else the machine does falls on all. */
async function measure(problem: NetworkProblem): Promise<ReadonlyMap<string, readonly Measured[]>> {
  const measured = new Map<string, Measured[]>()
  const keep = (name: string, run: Measured): void => {
    measured.set(name, [...(measured.get(name) ?? []), run])
  }
  const available = (await listEngines()).filter(
    (engine) => engine.available && problem.steps[engine.name] > 0,
  )
  for (let round = 1; round <= ROUNDS; round++)
    for (const { name } of available) {
      // the reference engine needs minutes for a step
      if (name === 'cpu' && round > 1) continue
      say(`${problem.name}, ${name}, round ${round}`)
      keep(name, await stepsOn(name, problem))
      if (name !== 'native') continue
      for (const channelsLast of [false, true]) {
        const label = `PyTorch${channelsLast ? ', channels last' : ''}`
        say(`${problem.name}, ${label}, round ${round}`)
        keep(label, await stepsInPyTorch(problem, channelsLast))
      }
    }
  return measured
}

const perStep = (runs: readonly Measured[]): number => median(runs.map(({ times }) => median(times)))
const cpuPerStep = (runs: readonly Measured[]): number => median(runs.map(({ cpu }) => cpu))

function tableOf(
  { title, note }: NetworkProblem,
  measured: ReadonlyMap<string, readonly Measured[]>,
): Section {
  const inPyTorch = [...measured].flatMap(([name, runs]) => (name.startsWith('PyTorch') ? [runs] : []))
  const best = Math.min(...inPyTorch.map(perStep))
  const leastCpu = Math.min(...inPyTorch.map(cpuPerStep))
  return {
    title,
    columns: [
      ...['engine', 'version', 'threads', 'ms a step', 'least', 'CPU ms a step', 'steps/s'],
      ...['speed over the faster PyTorch', 'the same by CPU time', 'loss, step 1', `loss, step ${WARM_UP}`],
    ],
    rows: [...measured].map(([name, runs]) => {
      const ms = perStep(runs)
      const [first] = runs as readonly [Measured]
      return [
        name,
        first.version,
        String(name === 'wasm' || name === 'cpu' ? 1 : THREADS),
        fixed(ms, 1),
        fixed(Math.min(...runs.flatMap(({ times }) => times)), 1),
        fixed(cpuPerStep(runs), 1),
        fixed(1000 / ms, 2),
        fixed(best / ms, 3),
        fixed(leastCpu / cpuPerStep(runs), 3),
        fixed(first.losses[0], 6),
        fixed(first.losses[WARM_UP - 1], 6),
      ]
    }),
    notes: [
      `Forward, backward, Adam. Median of ${ROUNDS} rounds of steps (cpu: one) after ${WARM_UP} to warm up; engines by turns. ${note}`,
      'attune computes Adam in JavaScript, as its trainer does; PyTorch its own. CPU ms: user and system, all threads, mean over the steps of a round, the median of the rounds; what others do on the machine moves it less than the wall time.',
    ],
  }
}

/** The trainer's own way: gradients by tfjs, Adam on plain arrays, weights back to the engine. */
async function stepsOn(name: EngineName, problem: NetworkProblem): Promise<Measured> {
  const { tf, version } = await startEngine(name, () => {})
  const kept: TensorFlow.Tensor[] = []
  const tensor = ({ shape, values }: Part): TensorFlow.Tensor => {
    const made = tf.tensor([...values], [...shape], 'float32')
    kept.push(made)
    return made
  }
  const trained = Object.entries(problem.weights).map(([key, part]) => {
    const values = Float32Array.from(part.values)
    const moments = { first: new Float32Array(values.length), second: new Float32Array(values.length) }
    return { key, values, moments, variable: tf.variable(tensor(part)) }
  })
  const variables = Object.fromEntries(trained.map(({ key, variable }) => [key, variable]))
  const loss = problem.lossOf(tf, variables, tensor)
  const steps = problem.steps[name]
  const times: number[] = []
  const losses: number[] = []
  let usage = process.cpuUsage()
  for (let step = 1; step <= WARM_UP + steps; step++) {
    if (step === WARM_UP + 1) usage = process.cpuUsage()
    const began = performance.now()
    const { value, grads } = tf.variableGrads(loss)
    losses.push((await value.data())[0] ?? Number.NaN)
    for (const { values, moments, variable } of trained) {
      const gradient = grads[variable.name] as TensorFlow.Tensor
      adamStepInto(values, moments, await gradient.data(), problem.rate, step)
      const moved = tf.tensor(values, variable.shape)
      variable.assign(moved)
      tf.dispose([gradient, moved])
    }
    value.dispose()
    times.push(performance.now() - began)
  }
  const { user, system } = process.cpuUsage(usage)
  tf.dispose([...trained.map(({ variable }) => variable), ...kept])
  return { version, times: times.slice(WARM_UP), cpu: (user + system) / 1000 / steps, losses }
}

/** @throws {MissingError} when ATTUNE_PYTHON names no Python with PyTorch */
async function stepsInPyTorch(problem: NetworkProblem, channelsLast: boolean): Promise<Measured> {
  const { weights, rate, settings } = problem
  const path = join(workplace, 'engines.json')
  await mkdir(workplace, { recursive: true })
  await writeFile(path, JSON.stringify({ weights, rate, channelsLast, ...settings }))
  const script = packageFile(`bench/python/${problem.script}`)
  const steps = WARM_UP + problem.steps.PyTorch
  const python = process.env['ATTUNE_PYTHON'] ?? 'python3'
  const { status, stdout, stderr } = spawnSync(
    python,
    [script, path, String(WARM_UP), String(steps), String(THREADS)],
    { encoding: 'utf8' },
  )
  if (status !== 0)
    throw new MissingError(
      `${python} ran no PyTorch: ${stderr}`,
      'Set ATTUNE_PYTHON to a Python that has torch.',
    )
  const { version, times, cpu, losses } = JSON.parse(stdout) as Measured
  return { version, times: times.slice(WARM_UP), cpu, losses }
}
