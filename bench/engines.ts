/**
 * Steps of the network of `local-tone`, forward, backward and Adam, on each engine, and in PyTorch where ATTUNE_PYTHON
 * has it: the same weights, batch and threads, turn about in one run.
 */
import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type * as TensorFlow from '@tensorflow/tfjs-core'
import {
  CELL_MM,
  CELLS,
  curveIncrements,
  PER_AXIS,
  type Weights,
  weightShapes,
} from '../models/local-tone/network.ts'
import { MissingError } from '../src/errors.ts'
import { random } from '../src/kernels/random.ts'
import { packageFile } from '../src/package-root.ts'
import { type EngineName, listEngines, startEngine } from '../training/engine/engine.ts'
import { adamStepInto } from '../training/parts/adam.ts'
import { COARSE, featureCount } from '../training/parts/features.ts'
import { fixed, median, publish, say } from './result.ts'
import { workplace } from './workplace.ts'

const THREADS = 2
const ROUNDS = 3
const WARM_UP = 3
/** Steps timed in each round; the reference engine needs seconds for one. */
const STEPS: Readonly<Record<EngineName | 'PyTorch', number>> = { native: 40, PyTorch: 40, wasm: 12, cpu: 1 }
const BATCH = 2
const BINS = 12
const DOMAINS = 4
const RATE = 4e-3
const BOUNDS = { slopeRatio: 4, perMm: 0.01 }

export async function engines(words: readonly string[]): Promise<void> {
  process.env['TF_NUM_INTRAOP_THREADS'] = String(THREADS)
  process.env['OMP_NUM_THREADS'] = String(THREADS)
  const problem = drawProblem()
  const measured = new Map<string, Measured[]>()
  const available = (await listEngines()).filter((engine) => engine.available)
  for (let round = 1; round <= ROUNDS; round++)
    for (const { name } of available) {
      if (name === 'cpu' && round > 1) continue
      say(`${name}, round ${round}`)
      keep(name, await stepsOn(name, problem))
      if (name !== 'native') continue
      for (const channelsLast of [false, true]) {
        const label = `PyTorch${channelsLast ? ', channels last' : ''}`
        say(`${label}, round ${round}`)
        keep(label, await stepsInPyTorch({ ...problem, channelsLast }))
      }
    }
  const inPyTorch = [...measured].flatMap(([name, runs]) => (name.startsWith('PyTorch') ? [runs] : []))
  const best = Math.min(...inPyTorch.map(perStep))
  const leastCpu = Math.min(...inPyTorch.map((runs) => median(runs.map(({ cpu }) => cpu))))
  await publish('engines', `Training steps of local-tone's network, ${THREADS} threads`, words, [
    {
      columns: [
        'engine',
        'version',
        'threads',
        'ms a step',
        'least',
        'CPU ms a step',
        'steps/s',
        'speed over the faster PyTorch',
        'the same by CPU time',
        'loss, step 1',
        `loss, step ${WARM_UP}`,
      ],
      rows: [...measured].map(([name, runs]) => {
        const ms = perStep(runs)
        const [first] = runs as [Measured]
        return [
          name,
          first.version,
          String(name === 'wasm' || name === 'cpu' ? 1 : THREADS),
          fixed(ms, 1),
          fixed(Math.min(...runs.flatMap(({ times }) => times)), 1),
          fixed(median(runs.map(({ cpu }) => cpu)), 1),
          fixed(1000 / ms, 2),
          fixed(best / ms, 3),
          fixed(leastCpu / median(runs.map(({ cpu }) => cpu)), 3),
          fixed(first.losses[0], 6),
          fixed(first.losses[WARM_UP - 1], 6),
        ]
      }),
      notes: [
        `Batch ${BATCH}, features [16, 20, 16, ${problem.features.shape.at(-1)}], ${BINS} bins; forward, backward, Adam. Median of ${ROUNDS} rounds of steps (cpu: one), after ${WARM_UP} to warm up; engines by turns.`,
        'Both take the whole batch at once. attune convolves by three 3x3 convolutions of slabs and computes Adam in JavaScript, as its trainer does; PyTorch uses conv3d and its own Adam. CPU ms: user and system, all threads, mean over the steps of a round, the median of the rounds; what others do on the machine moves it less than the wall time.',
      ],
    },
  ])

  function keep(name: string, run: Measured): void {
    measured.set(name, [...(measured.get(name) ?? []), run])
  }
}

interface Measured {
  readonly version: string
  /** Milliseconds of each step after the warm-up. */
  readonly times: readonly number[]
  /** Milliseconds of CPU time per step after the warm-up, all threads. */
  readonly cpu: number
  readonly losses: readonly number[]
}

const perStep = (runs: readonly Measured[]): number => median(runs.map(({ times }) => median(times)))

interface Part {
  readonly shape: readonly number[]
  readonly values: readonly number[]
}

type Problem = ReturnType<typeof drawProblem>

/** Weights, images and goals from one seed. */
function drawProblem() {
  const rng = random(1, 'engines')
  const part = (shape: readonly number[], value: () => number): Part => {
    const length = shape.reduce((product, n) => product * n, 1)
    return { shape, values: Array.from({ length }, () => Math.fround(value())) }
  }
  const channels = featureCount(BINS + 1, DOMAINS)
  const weights = Object.fromEntries(
    Object.entries(weightShapes(channels, BINS, DOMAINS)).map(([name, shape]) => {
      const spread =
        name.startsWith('conv') && name.endsWith('kernel')
          ? Math.sqrt((2 * (shape.at(-1) ?? 1)) / shape.reduce((p, n) => p * n, 1))
          : 0.1
      return [name, part(shape, () => spread * rng.normal())]
    }),
  )
  const cells = CELLS[0] * CELLS[1] * CELLS[2]
  return {
    weights,
    features: part([BATCH, ...COARSE, channels], () => rng.uniform()),
    increments: part([BINS], () => rng.between(0.05, 0.15)),
    goal: part([BATCH, cells, BINS], () => rng.between(0.05, 0.15)),
    domains: Array.from({ length: BATCH }, () => rng.integer(DOMAINS)),
    bins: BINS,
    cells: CELLS,
    cellMm: CELL_MM,
    perAxis: PER_AXIS,
    rate: RATE,
    ...BOUNDS,
  }
}

/** The trainer's own way: gradients by tfjs, Adam on plain arrays, weights back to the engine. */
async function stepsOn(name: EngineName, problem: Problem): Promise<Measured> {
  const { tf, version } = await startEngine(name, () => {})
  const tensor = ({ shape, values }: Part): TensorFlow.Tensor => tf.tensor([...values], [...shape], 'float32')
  const trained = Object.entries(problem.weights).map(([key, part]) => {
    const values = Float32Array.from(part.values)
    const moments = { first: new Float32Array(values.length), second: new Float32Array(values.length) }
    return { key, values, moments, variable: tf.variable(tensor(part)) }
  })
  const weights = Object.fromEntries(
    trained.map(({ key, variable }) => [key, variable]),
  ) as unknown as Weights
  const features = tensor({
    ...problem.features,
    shape: [BATCH * COARSE[0], ...problem.features.shape.slice(2)],
  })
  const goal = tensor(problem.goal)
  const increments = tensor({
    shape: [BATCH, BINS],
    values: problem.domains.flatMap(() => problem.increments.values),
  })
  const loss = (): TensorFlow.Scalar => {
    const found = curveIncrements(
      tf,
      weights,
      features as TensorFlow.Tensor4D,
      increments as TensorFlow.Tensor2D,
      problem.domains,
      BOUNDS,
    )
    return tf.mean(tf.square(tf.sub(found, goal)))
  }
  const times: number[] = []
  const losses: number[] = []
  let usage = process.cpuUsage()
  for (let step = 1; step <= WARM_UP + STEPS[name]; step++) {
    if (step === WARM_UP + 1) usage = process.cpuUsage()
    const began = performance.now()
    const { value, grads } = tf.variableGrads(loss)
    losses.push((await value.data())[0] ?? Number.NaN)
    for (const { values, moments, variable } of trained) {
      const gradient = grads[variable.name] as TensorFlow.Tensor
      adamStepInto(values, moments, await gradient.data(), RATE, step)
      const moved = tf.tensor(values, variable.shape)
      variable.assign(moved)
      tf.dispose([gradient, moved])
    }
    value.dispose()
    times.push(performance.now() - began)
  }
  const { user, system } = process.cpuUsage(usage)
  tf.dispose([...trained.map(({ variable }) => variable), features, goal, increments])
  return { version, times: times.slice(WARM_UP), cpu: (user + system) / 1000 / STEPS[name], losses }
}

/** @throws {MissingError} when ATTUNE_PYTHON names no Python with PyTorch */
async function stepsInPyTorch(problem: Problem & { readonly channelsLast: boolean }): Promise<Measured> {
  const path = join(workplace, 'engines.json')
  await mkdir(workplace, { recursive: true })
  await writeFile(path, JSON.stringify(problem))
  const script = packageFile('bench/python/local_tone_steps.py')
  const steps = WARM_UP + STEPS.PyTorch
  const python = process.env['ATTUNE_PYTHON'] ?? 'python3'
  const { status, stdout, stderr } = spawnSync(
    python,
    [script, path, String(WARM_UP), String(steps), String(THREADS)],
    {
      encoding: 'utf8',
    },
  )
  if (status !== 0)
    throw new MissingError(
      `${python} ran no PyTorch: ${stderr}`,
      'Set ATTUNE_PYTHON to a Python that has torch.',
    )
  const { version, times, cpu, losses } = JSON.parse(stdout) as Measured
  return { version, times: times.slice(WARM_UP), cpu, losses }
}
