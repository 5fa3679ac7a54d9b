/** The state of a training on disk: written whole or not at all, and tied to the settings and scans that made it. */
import { readFile, rm } from 'node:fs/promises'
import * as z from 'zod'
import { ConfigError } from '../../src/errors.ts'
import { sha256, writeFileAtomic } from '../../src/files.ts'
import { decodeFloats, encodeFloats } from '../../src/kernels/float-text.ts'
import type { Moments } from './adam.ts'

/** One trainable tensor with the state of its optimizer. */
export interface Trainable extends Moments {
  readonly values: Float32Array
}

export interface TrainingState {
  /** Steps done. */
  readonly step: number
  readonly tensors: Readonly<Record<string, Trainable>>
  /** Smoothed loss so far, and what it is now. */
  readonly loss: readonly { readonly step: number; readonly loss: number }[]
  readonly recentLoss: number
}

/** Where the state is kept while a training runs, and what ties it to its scans. */
export interface CheckpointPlace {
  readonly path: string
  /** Go on from the file where there is one; otherwise start anew and replace it. */
  readonly resume: boolean
  /** Hash of the cohort. */
  readonly cohort: string
}

/** Float32 values; a length that is no multiple of 4 bytes is damage. */
const floats32 = z.base64().refine((text) => Buffer.byteLength(text, 'base64') % 4 === 0)

const stored = z.strictObject({
  schema: z.literal('attune-checkpoint/1'),
  key: z.string(),
  step: z.int().positive(),
  recentLoss: z.number(),
  loss: z.array(z.strictObject({ step: z.number(), loss: z.number() })),
  tensors: z.record(z.string(), z.strictObject({ values: floats32, first: floats32, second: floats32 })),
})

/** Two trainings with equal keys take the same steps. */
export function checkpointKey(parts: object): string {
  return sha256(JSON.stringify(parts))
}

export async function writeCheckpoint(path: string, key: string, state: TrainingState): Promise<void> {
  const tensors = Object.fromEntries(
    Object.entries(state.tensors).map(([name, { values, first, second }]) => [
      name,
      { values: encodeFloats(values), first: encodeFloats(first), second: encodeFloats(second) },
    ]),
  )
  const content: z.infer<typeof stored> = {
    schema: 'attune-checkpoint/1',
    key,
    step: state.step,
    recentLoss: state.recentLoss,
    loss: [...state.loss],
    tensors,
  }
  await writeFileAtomic(path, JSON.stringify(content))
}

/**
 * @returns `undefined` where there is no checkpoint
 * @throws {ConfigError} when the file is damaged, or belongs to other settings, scans or another engine
 */
export async function readCheckpoint(path: string, key: string): Promise<TrainingState | undefined> {
  const remedy = 'Repeat the settings of the interrupted training, or start anew without --resume.'
  let input: unknown
  try {
    input = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new ConfigError(`${path} cannot be read as a checkpoint.`, remedy, { cause })
  }
  const { success, data } = stored.safeParse(input)
  if (!success) throw new ConfigError(`${path} is not a checkpoint of this version.`, remedy)
  if (data.key !== key)
    throw new ConfigError(
      `${path} belongs to a training with other settings, scans or another engine.`,
      remedy,
    )
  const tensors = Object.fromEntries(
    Object.entries(data.tensors).map(([name, { values, first, second }]) => [
      name,
      { values: decodeFloats(values), first: decodeFloats(first), second: decodeFloats(second) },
    ]),
  )
  return { step: data.step, recentLoss: data.recentLoss, loss: data.loss, tensors }
}

/** What is trained after the first network: the residual over it, or further passes. */
const LATER_STAGES = ['residual', 2, 3] as const
export type LaterStage = (typeof LATER_STAGES)[number]

/** Where a later stage of a training keeps its state, beside that of the first. */
export function laterStage(place: CheckpointPlace, stage: LaterStage): CheckpointPlace {
  return { ...place, path: besidePath(place.path, stage) }
}

function besidePath(path: string, stage: LaterStage): string {
  return `${path}-${stage}`
}

/** Of every stage. */
export async function removeCheckpoint(path: string): Promise<void> {
  for (const file of [path, ...LATER_STAGES.map((stage) => besidePath(path, stage))])
    await rm(file, { force: true })
}
