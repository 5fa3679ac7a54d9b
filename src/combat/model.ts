/** A fitted ComBat as plain data: readable, comparable, saved as JSON. */
import * as z from 'zod'
import { InputError } from '../errors.ts'
import type { LocationScale } from '../kernels/location-scale.ts'
import type { BatchStarts } from './batch-starts.ts'
import type { Coding } from './coding.ts'
import { type Covariance, covarianceSchema, featureListsOf, isWhole } from './covariance.ts'
import type { Note, PerFeature } from './data.ts'
import { type AnyVariant, isRepeated, REPEATED_VARIANTS, type Repeated } from './repeated.ts'
import type { Smooth } from './smooth.ts'
import { type Compat, VARIANTS } from './variants.ts'
import { aroundOuter, type Within } from './within.ts'

/** Changes when the meaning of a field does. */
export const COMBAT_MODEL_VERSION = 1

/** What was found of one batch. Locations are in residual standard deviations of the feature, scales are ratios of variances (for
 * `traveling`, of the noise between scans of one person, over that of all batches or of the reference). */
export interface BatchEffect {
  readonly name: string
  /** How many rows it was estimated from. */
  readonly rows: number
  /** By the fit, with all others; or later, against a model that stayed as it was. */
  readonly estimated: 'fit' | 'apply'
  /** Means and variances of the estimates over the features: what they are drawn towards. Null where there is none. */
  readonly prior: {
    readonly locationMean: number | null
    readonly locationVariance: number | null
    readonly scaleMean: number | null
    readonly scaleVariance: number | null
  }
  /** As measured. */
  readonly estimatedLocation: PerFeature
  readonly estimatedScale: PerFeature
  /** As taken out. */
  readonly location: PerFeature
  readonly scale: PerFeature
}

export interface CombatModel {
  readonly kind: 'combat'
  readonly version: typeof COMBAT_MODEL_VERSION
  /** `attune 0.1.0`. */
  readonly software: string
  readonly variant: AnyVariant
  readonly compat: Compat
  /** Column of batches. */
  readonly batchColumn: string
  /** The batch that the others are brought to, which does not change. */
  readonly reference: string | null
  readonly rows: number
  readonly covariates: readonly Coding[]
  readonly features: readonly string[]
  /** Expected value at the base level and the centre of every covariate; null: the feature is passed through. */
  readonly mean: PerFeature
  /** Residual variance; for `traveling`, how people differ within a batch. */
  readonly variance: PerFeature
  /** Of each coded column (`age`, `sex=M`): change of the feature per unit. */
  readonly slopes: readonly { readonly column: string; readonly values: PerFeature }[]
  readonly batches: readonly BatchEffect[]
  readonly notes: readonly Note[]
  /** For variants that know who came more than once. */
  readonly repeated?: Repeated
  /** For `covbat`. */
  readonly covariance?: Covariance
  /** Where batches begin at a date. */
  readonly starts?: BatchStarts
  /** Where batches lie within others. */
  readonly within?: Within
  /** Where covariates have smooth effects. */
  readonly smooth?: Smooth
}

const perFeature = z.array(z.number().nullable())
export const codingSchema: z.ZodType<Coding> = z.discriminatedUnion('kind', [
  z.strictObject({
    name: z.string(),
    kind: z.literal('continuous'),
    center: z.number(),
    low: z.number(),
    high: z.number(),
  }),
  z.strictObject({
    name: z.string(),
    kind: z.literal('categorical'),
    base: z.string(),
    levels: z.array(z.string()).min(1),
  }),
  z.strictObject({
    name: z.string(),
    kind: z.literal('smooth'),
    knots: z
      .array(z.number())
      .min(2)
      .refine((knots) => knots.every((knot, k) => k === 0 || knot > (knots[k - 1] ?? knot)), 'knots ascend'),
  }),
])
export const priorSchema: z.ZodType<BatchEffect['prior']> = z.strictObject({
  locationMean: z.number().nullable(),
  locationVariance: z.number().nullable(),
  scaleMean: z.number().nullable(),
  scaleVariance: z.number().nullable(),
})
export const noteSchema: z.ZodType<Note> = z.strictObject({
  code: z.string(),
  text: z.string(),
  features: z.exactOptional(z.array(z.string())),
  batches: z.exactOptional(z.array(z.string())),
})
const smooth = z.strictObject({
  penalty: z.enum(['reml', 'gcv', 'fixed']),
  terms: z.array(z.strictObject({ column: z.string(), penalty: perFeature, freedom: perFeature })).min(1),
})
const repeated = z.strictObject({
  subjectColumn: z.string(),
  people: z.int().positive(),
  repeaters: z.int().positive(),
  travelers: z.int().nonnegative(),
  shrunk: z.boolean(),
  method: z.enum(['reml', 'msr']).nullable(),
  reliability: z.array(z.number().min(0).max(1).nullable()),
  within: perFeature,
  effects: z.array(perFeature),
  leftOut: z
    .strictObject({
      people: z.int().positive(),
      folds: z.int().positive(),
      before: perFeature,
      after: perFeature,
    })
    .nullable(),
})
const starts = z.strictObject({
  dateColumn: z.string(),
  starts: z.array(z.strictObject({ batch: z.string(), from: z.iso.date() })).min(1),
})
const within = z.strictObject({
  outer: z.array(z.strictObject({ name: z.string(), mean: perFeature, variance: perFeature })).min(1),
  of: z.array(z.int().nonnegative()),
})
const schema: z.ZodType<CombatModel> = z.strictObject({
  kind: z.literal('combat'),
  version: z.literal(COMBAT_MODEL_VERSION),
  software: z.string(),
  variant: z.enum([...VARIANTS, 'covbat', ...REPEATED_VARIANTS]),
  compat: z.literal('neurocombat').nullable(),
  batchColumn: z.string(),
  reference: z.string().nullable(),
  rows: z.int().positive(),
  covariates: z.array(codingSchema),
  features: z.array(z.string()).min(1),
  mean: perFeature,
  variance: z.array(z.number().positive().nullable()),
  slopes: z.array(z.strictObject({ column: z.string(), values: perFeature })),
  batches: z
    .array(
      z.strictObject({
        name: z.string(),
        rows: z.int().positive(),
        estimated: z.enum(['fit', 'apply']),
        prior: priorSchema,
        estimatedLocation: perFeature,
        estimatedScale: perFeature,
        location: perFeature,
        scale: z.array(z.number().positive().nullable()),
      }),
    )
    .min(1),
  notes: z.array(noteSchema),
  repeated: z.exactOptional(repeated),
  covariance: z.exactOptional(covarianceSchema),
  starts: z.exactOptional(starts),
  within: z.exactOptional(within),
  smooth: z.exactOptional(smooth),
})

/**
 * @param source the file that it was read from, for messages
 * @throws {InputError} when it is no ComBat model, of another version, or its lists differ in length
 */
export function parseCombatModel(input: unknown, source: string): CombatModel {
  const head = z.looseObject({ kind: z.literal('combat'), version: z.number() }).safeParse(input)
  if (head.success && head.data.version !== COMBAT_MODEL_VERSION)
    throw new InputError(
      `${source}: is a ComBat model of version ${head.data.version}; this attune reads version ${COMBAT_MODEL_VERSION}.`,
      'Fit it again, or use the version of attune that wrote it.',
    )
  const result = schema.safeParse(input)
  if (!result.success)
    throw new InputError(
      `${source}: is not a ComBat model:\n${z.prettifyError(result.error)}`,
      'Give a file that attune combat fit wrote.',
    )
  const model = result.data
  const lists = [
    model.mean,
    model.variance,
    ...model.slopes.map(({ values }) => values),
    ...model.batches.flatMap((batch) => [
      batch.estimatedLocation,
      batch.estimatedScale,
      batch.location,
      batch.scale,
    ]),
    ...listsOf(model.repeated),
    ...(model.covariance === undefined ? [] : featureListsOf(model.covariance)),
    ...(model.within?.outer ?? []).flatMap(({ mean, variance }) => [mean, variance]),
    ...(model.smooth?.terms ?? []).flatMap(({ penalty, freedom }) => [penalty, freedom]),
  ]
  const wrong = lists.find((list) => list.length !== model.features.length)
  if (wrong !== undefined)
    throw new InputError(
      `${source}: has ${model.features.length} features, but a list of ${wrong.length} estimates.`,
      'The file was changed after attune wrote it: fit again.',
    )
  if (isRepeated(model.variant) !== (model.repeated !== undefined))
    throw new InputError(
      `${source}: is of variant ${model.variant}, ${model.repeated === undefined ? 'but lacks what it' : 'which knows nothing of what the file'} says of repeated scans.`,
      'The file was changed after attune wrote it: fit again.',
    )
  if (model.repeated !== undefined && model.repeated.effects.length !== model.batches.length)
    throw new InputError(
      `${source}: has ${model.batches.length} batches, but ${model.repeated.effects.length} lists of effects on people's levels.`,
      'The file was changed after attune wrote it: fit again.',
    )
  requireCovariance(model, source)
  const { within: inside } = model
  if (
    inside !== undefined &&
    (inside.of.length !== model.batches.length || inside.of.some((outer) => outer >= inside.outer.length))
  )
    throw new InputError(
      `${source}: does not say of each of ${model.batches.length} batches which one it lies within.`,
      'The file was changed after attune wrote it: fit again.',
    )
  return model
}

function requireCovariance({ variant, covariance, batches }: CombatModel, source: string): void {
  if (
    (variant === 'covbat') === (covariance !== undefined) &&
    (covariance === undefined || isWhole(covariance, batches.length))
  )
    return
  throw new InputError(
    `${source}: is of variant ${variant}, ${covariance === undefined ? 'but has no components' : `and its components do not fit that or its ${batches.length} batches`}.`,
    'The file was changed after attune wrote it: fit again.',
  )
}

function listsOf(repeated: Repeated | undefined): readonly PerFeature[] {
  if (repeated === undefined) return []
  const { reliability, within, effects, leftOut } = repeated
  return [reliability, within, ...effects, ...(leftOut === null ? [] : [leftOut.before, leftOut.after])]
}

export function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value
}

/** NaN becomes null: JSON has no NaN. */
export function toPerFeature(values: Float64Array): PerFeature {
  return Array.from(values, (value) => (Number.isNaN(value) ? null : value))
}

/** Null becomes NaN; lists one after the other. */
export function fromPerFeature(lists: readonly PerFeature[], features: number): Float64Array {
  const out = new Float64Array(lists.length * features)
  lists.forEach((list, k) => {
    list.forEach((value, f) => {
      out[k * features + f] = value ?? Number.NaN
    })
  })
  return out
}

/** The model as its kernel takes it, with the batches in the order of the model. */
export function locationScaleOf(model: CombatModel): LocationScale {
  const features = model.features.length
  const frozen: LocationScale = {
    features,
    mean: fromPerFeature([model.mean], features),
    variance: fromPerFeature([model.variance], features),
    slopes: fromPerFeature(
      model.slopes.map(({ values }) => values),
      features,
    ),
    location: fromPerFeature(
      model.batches.map(({ location }) => location),
      features,
    ),
    scale: fromPerFeature(
      model.batches.map(({ scale }) => scale),
      features,
    ),
  }
  const { within: inside } = model
  return inside === undefined
    ? frozen
    : aroundOuter(
        frozen,
        inside.of,
        fromPerFeature(
          inside.outer.map(({ mean }) => mean),
          features,
        ),
        fromPerFeature(
          inside.outer.map(({ variance }) => variance),
          features,
        ),
      )
}
