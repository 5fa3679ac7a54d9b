/**
 * ComBat: each batch adds to a feature and stretches its residuals; both are estimated and, in `applyCombat`, taken out.
 *
 *     x = mean + covariates * slopes + sd * (location of the batch + root(scale of the batch) * e)
 *
 * Mean is the intercept of all batches, weighted by their rows; sd^2 the mean square of the residuals; with a reference batch both are
 * that batch's.
 *
 * @see Johnson, Li, Rabinovic, Biostatistics 8(1):118-127 (2007), doi:10.1093/biostatistics/kxj037
 * @see Fortin et al., NeuroImage 167:104-120 (2018), doi:10.1016/j.neuroimage.2017.11.024
 */
import { ConfigError, InputError, RefusedError, UnfittableError } from '../errors.ts'
import type { Prior } from '../kernels/empirical-bayes.ts'
import {
  emptyEstimates,
  FEATURE_STATES,
  fitGroupsInto,
  type GroupedEstimates,
} from '../kernels/grouped-regression.ts'
import { HUBER } from '../kernels/winsorize.ts'
import { columnNames } from './coding.ts'
import {
  counted,
  type Features,
  levelsOf,
  listed,
  type Note,
  type PerFeature,
  type SampleTable,
} from './data.ts'
import { type Design, designOf } from './design.ts'
import { type BatchEffect, COMBAT_MODEL_VERSION, type CombatModel, orNull, toPerFeature } from './model.ts'
import { fitSmoothInto, type Smooth, type SmoothOptions, smoothDesign } from './smooth.ts'
import { adjustInPlace, borrows, type Compat, type Variant } from './variants.ts'
import { estimatesWithin, leftAlone, type Within } from './within.ts'

export interface FitOptions {
  readonly variant: Variant
  /** For `eb` only. */
  readonly compat: Compat
  /** Batch that the others are brought to. */
  readonly reference: string | null
  /** What to do with a batch of one row: take out its location only, or refuse. */
  readonly singleRow: 'mean-only' | 'refuse'
  /** Batch that the batch of each row lies within, and is brought to; not with a reference. */
  readonly within?: readonly string[]
  /** Which covariates have a smooth effect in place of a straight one. */
  readonly smooth?: SmoothOptions
  /** Name and version of the program, written into the model. */
  readonly software: string
}

/**
 * @throws {InputError} for covariates or batches that are missing, infinite values, repeated names
 * @throws {UnfittableError} when there is too little: one batch, more unknowns than rows, one feature where variants need several
 * @throws {RefusedError} when covariates cannot be told from batches; for a batch of one row with `refuse`
 * @throws {ConfigError} for options that do not go together
 */
export function fitCombat(features: Features, samples: SampleTable, options: FitOptions): CombatModel {
  const { variant, compat, reference, software } = options
  if (compat !== null && variant !== 'eb')
    throw new ConfigError(
      `--compat ${compat} is the stopping rule of --variant eb, not of ${variant}.`,
      'Leave one of them out.',
    )
  requireFinite(features, samples)
  const design = designOf(samples, reference)
  const notes = singleRows(design, samples, options, variant !== 'mean-only')
  const { grouped, batches, sizes } = design
  const { smooth: asked } = options
  const smoothed =
    asked === undefined || asked.columns.length === 0 ? null : smoothDesign(samples, design, asked)
  const codings = smoothed?.codings ?? design.codings
  const estimates = emptyEstimates(features.names.length, batches.length, columnNames(codings).length)
  const resistance = variant === 'robust' ? HUBER : null
  let smooth: Smooth | undefined
  if (smoothed === null) fitGroupsInto(estimates, 0, features.values, grouped, design.reference, resistance)
  else smooth = fitSmoothInto(estimates, features, smoothed, design.reference, resistance)
  notes.push(...(smoothed?.notes ?? []))
  notes.push(...featureNotes(estimates, features, samples, design))
  const fitted = estimates.state.filter((state) => state === 0).length
  if (fitted === 0)
    throw new UnfittableError(
      `${samples.source}: none of ${counted(features.names.length, 'feature')} can be harmonized.\n` +
        notes.map(({ text }) => `  ${text}`).join('\n'),
      'Check that the columns hold measurements of every batch.',
    )
  if (fitted === 1 && borrows(variant))
    throw new UnfittableError(
      `${samples.source}: there is one feature to harmonize, and ${variant} learns from what several have in common.`,
      'Use --variant no-eb.',
    )
  const nested = options.within === undefined ? null : nesting(design, samples, options.within)
  const inside = nested === null ? null : estimatesWithin(estimates, nested.of, nested.names.length)
  const model = modelOf({ variant, compat, reference, software }, features, samples, {
    codings,
    estimates,
    batches: batches.map((name, g) => {
      const from = inside?.estimates ?? estimates
      const effect = batchEffect(name, sizes[g] ?? 0, from, g, g === design.reference, variant, compat)
      return nested?.alone(g) === true ? leftAlone(effect) : effect
    }),
    notes,
  })
  return {
    ...model,
    ...(nested === null || inside === null ? {} : { within: withinOf(nested, inside, features) }),
    ...(smooth === undefined ? {} : { smooth }),
  }
}

interface Nesting {
  readonly names: readonly string[]
  /** Of each batch, the place of what it lies within. */
  readonly of: readonly number[]
  /** Whether a batch is the only one there. */
  readonly alone: (batch: number) => boolean
}

function nesting({ batches }: Design, { batch }: SampleTable, outer: readonly string[]): Nesting {
  const names = levelsOf(outer)
  const of = batches.map((name) => names.indexOf(outer[batch.indexOf(name)] ?? ''))
  return { names, of, alone: (g) => of.filter((other) => other === of[g]).length === 1 }
}

function withinOf(
  { names, of }: Nesting,
  { mean, variance }: ReturnType<typeof estimatesWithin>,
  features: Features,
): Within {
  const count = features.names.length
  const list = (values: Float64Array, k: number): PerFeature => toPerFeature(part(values, k, count))
  return { outer: names.map((name, k) => ({ name, mean: list(mean, k), variance: list(variance, k) })), of }
}

/** What the models of all variants say of their fit. */
export function modelOf(
  options: Pick<CombatModel, 'variant' | 'compat' | 'reference' | 'software'>,
  features: Features,
  samples: SampleTable,
  {
    codings,
    estimates,
    batches,
    notes,
  }: {
    readonly codings: CombatModel['covariates']
    readonly estimates: Pick<GroupedEstimates, 'features' | 'mean' | 'variance' | 'slopes'>
    readonly batches: readonly BatchEffect[]
    readonly notes: readonly Note[]
  },
): CombatModel {
  const { variant, compat, reference, software } = options
  return {
    kind: 'combat',
    version: COMBAT_MODEL_VERSION,
    software,
    variant,
    compat,
    batchColumn: samples.batchName,
    reference,
    rows: samples.batch.length,
    covariates: codings,
    features: features.names,
    mean: toPerFeature(estimates.mean),
    variance: toPerFeature(estimates.variance),
    slopes: columnNames(codings).map((column, q) => ({
      column,
      values: toPerFeature(part(estimates.slopes, q, estimates.features)),
    })),
    batches,
    notes,
  }
}

/** One batch of the estimates, adjusted. */
export function batchEffect(
  name: string,
  rows: number,
  { features, location, scale, counts }: Pick<GroupedEstimates, 'features' | 'location' | 'scale' | 'counts'>,
  at: number,
  isReference: boolean,
  variant: Variant,
  compat: Compat,
): BatchEffect {
  const moments = {
    location: part(location, at, features).slice(),
    scale: part(scale, at, features).slice(),
    counts: part(counts, at, features),
  }
  const prior = adjustInPlace(moments, variant, compat)
  for (let f = 0; f < features; f++) {
    if (Number.isNaN(moments.location[f])) moments.scale[f] = Number.NaN
    else if (isReference) [moments.location[f], moments.scale[f]] = [0, 1]
  }
  const measured = { location: part(location, at, features), scale: part(scale, at, features) }
  return effectOf(name, rows, prior, measured, moments)
}

type Moments = Pick<GroupedEstimates, 'location' | 'scale'>

/** @param measured as estimated; @param taken as taken out; of one batch, by feature */
export function effectOf(
  name: string,
  rows: number,
  prior: Prior,
  measured: Moments,
  taken: Moments,
): BatchEffect {
  return {
    name,
    rows,
    estimated: 'fit',
    prior: {
      locationMean: orNull(prior.locationMean),
      locationVariance: orNull(prior.locationVariance),
      scaleMean: orNull(prior.scaleMean),
      scaleVariance: orNull(prior.scaleVariance),
    },
    estimatedLocation: toPerFeature(measured.location),
    estimatedScale: toPerFeature(measured.scale),
    location: toPerFeature(taken.location),
    scale: toPerFeature(taken.scale),
  }
}

export function part(values: Float64Array, k: number, length: number): Float64Array {
  return values.subarray(k * length, (k + 1) * length)
}

export function requireFinite({ names, rows, values }: Features, { source, rowName }: SampleTable): void {
  for (let at = 0; at < values.length; at++)
    if (values[at] === Number.POSITIVE_INFINITY || values[at] === Number.NEGATIVE_INFINITY)
      throw new InputError(
        `${source}: "${names[Math.floor(at / rows)]}" is infinite at ${rowName(at % rows)}.`,
        'Leave the cell empty where nothing was measured.',
      )
}

/** @throws {RefusedError} for batches of one row, where the options refuse them */
export function singleRows(
  { batches, sizes }: Design,
  { source, batchName }: SampleTable,
  options: Pick<FitOptions, 'reference' | 'singleRow'>,
  takesScale: boolean,
): Note[] {
  const single = batches.filter((_, g) => sizes[g] === 1)
  if (single.length === 0) return []
  if (options.reference !== null && single.includes(options.reference))
    throw new RefusedError(
      `${source}: the reference ${batchName} "${options.reference}" has one row: a variance cannot be estimated from it.`,
      'Choose a larger reference.',
    )
  if (options.singleRow === 'refuse')
    throw new RefusedError(
      `${source}: ${batchName} ${listed(single)} ${single.length === 1 ? 'has one row' : 'have one row each'}.`,
      'Leave it out, or take out its location alone with --single-subject mean-only.',
    )
  return [
    {
      code: 'single-row-batch',
      text:
        `${batchName} ${listed(single)}: one row each, so that what belongs to the ${batchName} cannot be told from what belongs to the ` +
        `person${takesScale ? '; the location alone is taken out, the scale stays' : ''}.`,
      batches: single,
    },
  ]
}

export const REASONS: Readonly<Record<Exclude<(typeof FEATURE_STATES)[number], 'fitted'>, string>> = {
  empty: 'has no value where one is needed',
  constant: 'has the same value everywhere',
  'constant-in-group': 'has the same value at all rows of a batch',
  explained: 'is fully explained by the covariates: nothing is left that batches could differ in',
  confounded: 'lacks so many values that batches and covariates cannot be told apart in the rest',
}

/** Which features are passed through as they are. */
export function passedThrough(
  state: Uint8Array,
  names: readonly string[],
  reasons: typeof REASONS = REASONS,
): Note[] {
  return FEATURE_STATES.flatMap((name, code): Note[] => {
    if (name === 'fitted') return []
    const which = names.filter((_, f) => state[f] === code)
    if (which.length === 0) return []
    const text = `Passed through as it is, because it ${reasons[name]}: ${listed(which)}.`
    return [{ code: `${name}-feature`, text, features: which }]
  })
}

/** Which features are passed through, and where single effects could not be estimated. */
export function featureNotes(
  { state, location, scale, counts, features: count }: GroupedEstimates,
  { names }: Features,
  { batchName }: SampleTable,
  { batches, sizes }: Design,
): Note[] {
  const notes = passedThrough(state, names)
  batches.forEach((batch, g) => {
    const at = (values: Float64Array, f: number): number => values[g * count + f] ?? Number.NaN
    const fitted = (f: number): boolean => state[f] === 0
    const without = names.filter((_, f) => fitted(f) && Number.isNaN(at(location, f)))
    if (without.length > 0)
      notes.push({
        code: 'no-value-in-batch',
        text: `No value at ${batchName} ${batch}, which can therefore not be harmonized there: ${listed(without)}.`,
        features: without,
        batches: [batch],
      })
    const unscaled = names.filter((_, f) => fitted(f) && at(counts, f) > 0 && Number.isNaN(at(scale, f)))
    if (unscaled.length > 0 && (sizes[g] ?? 0) > 1)
      notes.push({
        code: 'no-scale-in-batch',
        text: `Too few values at ${batchName} ${batch} for a scale; the location alone is taken out there: ${listed(unscaled)}.`,
        features: unscaled,
        batches: [batch],
      })
  })
  return notes
}
