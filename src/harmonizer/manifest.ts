/** `manifest.json` of a bundle: what it does, for which images, from which data, and the hash of every other file in it. */
import * as z from 'zod'
import {
  CONTRASTS,
  PREPARATION_FIELDS,
  type Preparation,
  type PreparationField,
} from '../domain/preparation.ts'
import type { Translation } from '../domain/translation.ts'
import { InputError } from '../errors.ts'
import { sha256 } from '../files.ts'
import { CURVES_OF_PASS, type LocalToneModel } from '../inference/local-tone-model.ts'
import type { DescriptorLimits } from './descriptor-guard.ts'
import type { FeatureLimits } from './feature-guard.ts'
import type { Rung } from './ladder.ts'
import { furtherPassSchema, isOfAnyScanner, type Model, modelSchema } from './method.ts'
import { type UncertaintyModel, uncertaintySchema } from './uncertainty-model.ts'

export const MANIFEST_SCHEMA = 'attune-harmonizer/1'

/** Lowest and highest accepted value. */
export type Range = readonly [low: number, high: number]

/** What images of one domain must look like to be accepted: the range seen in training, widened (see guards.ts). */
export interface DomainLimits {
  /** Number of training scans that the limits come from. */
  readonly scans: number
  /** Median and 99th percentile of the raw intensities in the mask. */
  readonly median: Range
  readonly p99: Range
  /** Field of view in mm along the axes nearest to R, A and S. */
  readonly extentMm: readonly [Range, Range, Range]
  /** Edge lengths of a voxel in mm. */
  readonly voxelMm: Range
  /** Volume of the mask in ml: a head, not a hand. */
  readonly maskMl: Range
  /** What kind of image it must be; bundles of older versions have none. */
  readonly descriptors?: DescriptorLimits | undefined
  /**
   * Universal harmonizers: what the harmonized image must be like in the box of `local-tone` (see result-guard.ts), and the
   * noise and the faces that cut the head in the image that comes in.
   */
  readonly result?: DescriptorLimits | undefined
  /** Universal harmonizers with a pass for the tone: how unlike the scans of training that pass may find an image. */
  readonly unlikeness?: number | undefined
  /** Of `residual-unet`: what its network must see in an image; bundles of older versions have none. */
  readonly features?: FeatureLimits | undefined
  /** What was done to the training images before, as far as it is known; bundles of older versions have none. */
  readonly preparation?: Preparation | undefined
}

/** A method, and for universal harmonizers further passes. */
export type Steps = readonly [Model, ...LocalToneModel[]]

export interface Manifest {
  readonly schema: typeof MANIFEST_SCHEMA
  readonly rung: Rung
  /** Domains that the bundle was trained to bring to `target`. */
  readonly sources: readonly string[]
  readonly target: string
  /** Where one contrast is made from another, as was declared when it was trained; harmonizers have none. */
  readonly translation?: Translation | undefined
  /**
   * What is done to an image, in order, with every parameter (network weights: network.onnx). Universal harmonizers take several passes, each
   * over what the one before has made.
   */
  readonly steps: Steps
  readonly guards: Readonly<Record<string, DomainLimits>>
  /** How far outputs may lie from the target, where people were left out to measure it. */
  readonly uncertainty?: UncertaintyModel | undefined
  readonly training: TrainingFacts
  /** Versions of what made it. No clock: same data, seed and engine, same bytes. */
  readonly versions: Readonly<Record<string, string>>
  /** SHA-256 of every other file of the bundle, by name. */
  readonly files: Readonly<Record<string, string>>
}

export interface TrainingFacts {
  readonly cohort: { readonly name: string; readonly sha256: string }
  /** Subjects whose images were seen: never to be validated on. Their names, or in a copy without names what `namelessly` gives. */
  readonly subjects: readonly string[]
  readonly pairs: number
  readonly seed: number
  readonly engine: string
  readonly options: Readonly<Record<string, string | number | boolean>>
  /** The bundle that training went on from, where it did not start from scratch. */
  readonly start?: { readonly name: string; readonly sha256: string } | undefined
}

/** A subject in a manifest that names nobody: the same for the same cohort, and still known to who has the cohort. */
export function namelessly(subject: string, cohortSha256: string): string {
  return `sha256:${sha256(`${cohortSha256}/${subject}`)}`
}

/** Which of these subjects the training has seen. */
export function seenInTraining(
  { subjects, cohort }: Pick<TrainingFacts, 'subjects' | 'cohort'>,
  candidates: readonly string[],
): readonly string[] {
  return candidates.filter(
    (subject) => subjects.includes(subject) || subjects.includes(namelessly(subject, cohort.sha256)),
  )
}

const range = z
  .tuple([z.number(), z.number()])
  .refine(([low, high]) => low <= high, 'low must not exceed high')
const curve = z.strictObject({ mean: z.array(z.number()).nonempty(), most: z.number().positive() })
const descriptorLimits = z.strictObject({
  people: z.number().int().positive(),
  histogram: curve,
  radial: curve,
  noise: range.optional(),
  fwhmMm: range.optional(),
  cut: z.array(z.number()).length(6),
})
const featureLimits = z
  .strictObject({
    people: z.number().int().positive(),
    mean: z.array(z.number()).nonempty(),
    sd: z.array(z.number().positive()).nonempty(),
    most: z.number().positive(),
  })
  .refine(({ mean, sd }) => mean.length === sd.length, 'mean and sd must be equally long')
const preparation = z.partialRecord(
  z.enum(Object.keys(PREPARATION_FIELDS) as PreparationField[]),
  z.string().min(1),
)
const hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hexadecimal')
const fileName = z
  .string()
  .regex(/^(folds\/)?[a-z0-9-]+\.[a-z]+$/, 'must be a plain file name, or one in folds/')

const manifestSchema: z.ZodType<Manifest> = z.strictObject({
  schema: z.literal(MANIFEST_SCHEMA),
  rung: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(4), z.literal(5)]),
  sources: z.array(z.string().min(1)),
  target: z.string().min(1),
  translation: z.strictObject({ from: z.enum(CONTRASTS), to: z.enum(CONTRASTS) }).optional(),
  steps: z
    .tuple([modelSchema], furtherPassSchema)
    .refine(
      (passes) => passes.length <= CURVES_OF_PASS.length,
      `must be at most ${CURVES_OF_PASS.length} passes`,
    )
    .refine(
      ([first, ...further]) => further.length === 0 || isOfAnyScanner(first),
      'only a universal harmonizer takes several passes',
    ),
  guards: z.record(
    z.string(),
    z.strictObject({
      scans: z.number().int().positive(),
      median: range,
      p99: range,
      extentMm: z.tuple([range, range, range]),
      voxelMm: range,
      maskMl: range,
      descriptors: descriptorLimits.optional(),
      result: descriptorLimits.optional(),
      unlikeness: z.number().min(0).optional(),
      features: featureLimits.optional(),
      preparation: preparation.optional(),
    }),
  ),
  uncertainty: uncertaintySchema.optional(),
  training: z.strictObject({
    cohort: z.strictObject({ name: z.string(), sha256: hash }),
    subjects: z.array(z.string()),
    pairs: z.number().int().nonnegative(),
    seed: z.number().int(),
    engine: z.string(),
    options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    start: z.strictObject({ name: z.string(), sha256: hash }).optional(),
  }),
  versions: z.record(z.string(), z.string()),
  files: z.record(fileName, hash),
})

/**
 * @param source the file's path, for messages
 * @throws {InputError} naming each field that is wrong; for a newer schema, saying so
 */
export function parseManifest(text: string, source: string): Manifest {
  let input: unknown
  try {
    input = JSON.parse(text)
  } catch (cause) {
    throw new InputError(`${source} is not JSON.`, 'Copy the bundle again.', { cause })
  }
  const schema = typeof input === 'object' && input !== null && 'schema' in input ? input.schema : undefined
  if (schema !== MANIFEST_SCHEMA)
    throw new InputError(
      `${source} has schema ${JSON.stringify(schema)}; this attune reads "${MANIFEST_SCHEMA}".`,
      'Use the attune that wrote it, or train again.',
    )
  const result = manifestSchema.safeParse(input)
  if (result.success) return result.data
  throw new InputError(
    `${source} is not a valid manifest:\n${z.prettifyError(result.error)}`,
    'Copy the bundle again; do not edit it by hand.',
  )
}
