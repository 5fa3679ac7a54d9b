/** The loop that every recipe shares: gradients by the engine, Adam on plain arrays, checkpoints whose continuation takes the same steps. */
import { setImmediate } from 'node:timers/promises'
import type * as TensorFlow from '@tensorflow/tfjs-core'
import { ConfigError } from '../../src/errors.ts'
import { adamStepInto } from './adam.ts'
import {
  type CheckpointPlace,
  readCheckpoint,
  type Trainable,
  type TrainingState,
  writeCheckpoint,
} from './checkpoint.ts'

type Tf = typeof TensorFlow

export interface StepProgress {
  readonly step: number
  readonly steps: number
  readonly loss: number
  readonly secondsLeft: number
}

/** Who hears of the steps, and where their state is kept. */
export interface StepHooks {
  readonly onStep?: (progress: StepProgress) => void
  readonly log?: (line: string) => void
  readonly checkpoint?: CheckpointPlace
}

/** `B`: what one step sees. */
export interface Optimization<B> {
  /** At the start, with their shapes. */
  readonly tensors: Readonly<
    Record<string, { readonly values: Float32Array; readonly shape: readonly number[] }>
  >
  readonly steps: number
  readonly learningRate: number
  /** What a step sees, counted from 0: the same whenever it is asked for. */
  readonly batchAt: (step: number) => B | Promise<B>
  /** Called inside `tf.tidy`. */
  readonly loss: (variables: Readonly<Record<string, TensorFlow.Variable>>, batch: B) => TensorFlow.Scalar
  /** How much faster than the others a tensor learns. */
  readonly rateOf?: (name: string) => number
  /** Ties a checkpoint to settings and scans. */
  readonly key: string
  readonly hooks: StepHooks
}

const CHECKPOINT_EVERY = 25
const LOSS_EVERY = 10
/** Share of the newest loss in the smoothed one. */
const NEWEST = 0.05

/**
 * @returns the state after the last step
 * @throws {ConfigError} when the checkpoint to resume belongs to another training, or the loss is no longer a number
 */
export async function optimize<B>(tf: Tf, task: Optimization<B>): Promise<TrainingState> {
  const { steps, key, rateOf = () => 1 } = task
  const { checkpoint, onStep } = task.hooks
  const start = await startingState(task)
  const variables = Object.fromEntries(
    Object.entries(task.tensors).map(([name, { shape }]) => [
      name,
      tf.variable(tf.tensor((start.tensors[name] as Trainable).values, [...shape])),
    ]),
  )
  const history = [...start.loss]
  let recent = start.recentLoss
  const began = performance.now()
  let waited = 0
  for (let step = start.step; step < steps; step++) {
    const asked = performance.now()
    const batch = await task.batchAt(step)
    waited += performance.now() - asked
    const { value, grads } = tf.variableGrads(() => task.loss(variables, batch))
    const loss = (await value.data())[0] ?? Number.NaN
    value.dispose()
    if (!Number.isFinite(loss))
      throw new ConfigError(
        `The loss is ${loss} at step ${step + 1}.`,
        'Lower learningRate in the settings of the method.',
      )
    for (const [name, variable] of Object.entries(variables)) {
      const gradient = grads[variable.name] as TensorFlow.Tensor
      const { values, first, second } = start.tensors[name] as Trainable
      const rate = rateAt(task, step) * rateOf(name)
      adamStepInto(values, { first, second }, await gradient.data(), rate, step + 1)
      const moved = tf.tensor(values, variable.shape)
      variable.assign(moved)
      tf.dispose([gradient, moved])
    }
    recent = Number.isNaN(recent) ? loss : (1 - NEWEST) * recent + NEWEST * loss
    const done = step + 1
    if (done % LOSS_EVERY === 0 || done === steps) history.push({ step: done, loss: recent })
    const secondsPerStep = (performance.now() - began) / 1000 / (done - start.step)
    // before the checkpoint: what a resumed training does not repeat has been heard of
    onStep?.({ step: done, steps, loss: recent, secondsLeft: (steps - done) * secondsPerStep })
    await setImmediate() // signals and servers are heard between two steps: no await above waits for the system
    if (checkpoint !== undefined && done % CHECKPOINT_EVERY === 0 && done < steps)
      await writeCheckpoint(checkpoint.path, key, {
        step: done,
        tensors: start.tensors,
        loss: history,
        recentLoss: recent,
      })
  }
  tf.dispose(Object.values(variables))
  const share = (100 * waited) / (performance.now() - began)
  if (steps > start.step) task.hooks.log?.(`waited ${share.toFixed(0)} % of the time for what the steps see`)
  return { step: steps, tensors: start.tensors, loss: history, recentLoss: recent }
}

type Schedule = Pick<Optimization<unknown>, 'learningRate' | 'steps'>

/** Warm-up over 20 steps, then half a cosine down to a twentieth. */
function rateAt({ learningRate: top, steps }: Schedule, step: number): number {
  const cosine = 0.525 + 0.475 * Math.cos((Math.PI * step) / steps)
  return top * cosine * Math.min(1, (step + 1) / 20)
}

type StateSource = Pick<Optimization<unknown>, 'tensors' | 'steps' | 'key' | 'hooks'>

async function startingState({ tensors, steps, key, hooks }: StateSource): Promise<TrainingState> {
  const { checkpoint, log } = hooks
  if (checkpoint?.resume) {
    const found = await readCheckpoint(checkpoint.path, key)
    if (found) {
      log?.(`resumed after step ${found.step} of ${steps}`)
      return found
    }
  }
  const fresh = Object.entries(tensors).map(([name, { values }]): [string, Trainable] => [
    name,
    {
      values: values.slice(),
      first: new Float32Array(values.length),
      second: new Float32Array(values.length),
    },
  ])
  return { step: 0, tensors: Object.fromEntries(fresh), loss: [], recentLoss: Number.NaN }
}
