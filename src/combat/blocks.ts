/**
 * ComBat of more features than memory holds: blocks of features are estimated first, which leaves the priors of all; then each block is
 * drawn towards them. Who hands in the blocks keeps the estimates in between.
 */
import { ConfigError, UnfittableError } from '../errors.ts'
import type { Prior } from '../kernels/empirical-bayes.ts'
import {
  emptyEstimates,
  FEATURE_STATES,
  fitGroupsInto,
  type GroupedEstimates,
} from '../kernels/grouped-regression.ts'
import { addMoments, type StreamedMoments, streamedMoments, varianceOf } from '../kernels/streamed-moments.ts'
import { HUBER } from '../kernels/winsorize.ts'
import { columnNames } from './coding.ts'
import { counted, type Note, type SampleTable } from './data.ts'
import { type Design, designOf } from './design.ts'
import { type FitOptions, part, REASONS, singleRows } from './fit.ts'
import type { AnyVariant } from './repeated.ts'
import { adjustByPriorInPlace, type BlockVariant, borrows } from './variants.ts'

export interface BlockFit {
  readonly design: Design
  readonly variant: BlockVariant
  readonly columns: number
  readonly notes: readonly Note[]
  /** Over the features so far, of each batch, as estimated. */
  readonly location: readonly StreamedMoments[]
  readonly scale: readonly StreamedMoments[]
  /** How many features are in each of FEATURE_STATES. */
  readonly states: Float64Array
  /** Of each batch, fitted features without a value there, and without a scale. */
  readonly absent: Float64Array
  readonly unscaled: Float64Array
}

/** @throws {ConfigError} for variants that need all features at once, or that are for tables */
export function blockVariant(variant: AnyVariant): BlockVariant {
  switch (variant) {
    case 'eb':
    case 'no-eb':
    case 'mean-only':
    case 'robust':
      return variant
    case 'nonparametric':
      throw new ConfigError(
        '--variant nonparametric compares each voxel with each other: its time grows with the square of their number.',
        'Use --variant eb for maps.',
      )
    case 'covbat':
    case 'traveling':
    case 'longitudinal':
      throw new ConfigError(
        `--variant ${variant} is for tables.`,
        'For maps there are eb, no-eb, mean-only and robust; or harmonize a table of regions.',
      )
    default:
      return variant satisfies never
  }
}

/** @throws as `fitCombat`, for the rows and their covariates */
export function beginBlocks(
  samples: SampleTable,
  variant: BlockVariant,
  { reference, singleRow }: Pick<FitOptions, 'reference' | 'singleRow'>,
): BlockFit {
  const design = designOf(samples, reference)
  const groups = design.batches.length
  return {
    design,
    variant,
    columns: columnNames(design.codings).length,
    notes: singleRows(design, samples, { reference, singleRow }, variant !== 'mean-only'),
    location: Array.from({ length: groups }, streamedMoments),
    scale: Array.from({ length: groups }, streamedMoments),
    states: new Float64Array(FEATURE_STATES.length),
    absent: new Float64Array(groups),
    unscaled: new Float64Array(groups),
  }
}

/** @param values of some features, one after the other; `Features.values` */
export function fitBlock(fit: BlockFit, values: Float64Array): GroupedEstimates {
  const { design, variant } = fit
  const { grouped, batches, reference } = design
  const count = values.length / grouped.rows
  const estimates = emptyEstimates(count, batches.length, fit.columns)
  fitGroupsInto(estimates, 0, values, grouped, reference, variant === 'robust' ? HUBER : null)
  if (variant === 'mean-only') estimates.scale.fill(Number.NaN)
  for (const state of estimates.state) fit.states[state] = (fit.states[state] ?? 0) + 1
  batches.forEach((_, g) => {
    const [location, scale] = [part(estimates.location, g, count), part(estimates.scale, g, count)]
    addMoments(fit.location[g] as StreamedMoments, location)
    addMoments(fit.scale[g] as StreamedMoments, scale)
    for (let f = 0; f < count; f++) {
      if (estimates.state[f] !== 0) continue
      if (Number.isNaN(location[f])) fit.absent[g] = (fit.absent[g] ?? 0) + 1
      else if (Number.isNaN(scale[f])) fit.unscaled[g] = (fit.unscaled[g] ?? 0) + 1
    }
  })
  return estimates
}

/** @throws {UnfittableError} when no feature was fitted, or one where variants need several */
export function priorsOf({ states, variant, location, scale }: BlockFit, source: string): readonly Prior[] {
  const fitted = states[0] ?? 0
  if (fitted === 0 || (fitted === 1 && borrows(variant)))
    throw new UnfittableError(
      fitted === 0
        ? `${source}: no voxel of the mask can be harmonized: ${FEATURE_STATES.flatMap((name, k) => ((states[k] ?? 0) > 0 && name !== 'fitted' ? `each of ${counted(states[k] ?? 0, 'voxel')} ${REASONS[name]}` : [])).join('; ')}.`
        : `${source}: there is one voxel to harmonize, and ${variant} learns from what several have in common.`,
      fitted === 0 ? 'Check images and mask.' : 'Use --variant no-eb, or a larger mask.',
    )
  return location.map((own, g) => {
    const scales = scale[g] ?? streamedMoments()
    return {
      locationMean: own.count > 0 ? own.mean : Number.NaN,
      locationVariance: varianceOf(own),
      scaleMean: scales.count > 0 ? scales.mean : Number.NaN,
      scaleVariance: varianceOf(scales),
    }
  })
}

/** What is taken out, in place of what was estimated: as `batchEffect` does. */
export function adjustBlockInPlace(
  { design, variant }: Pick<BlockFit, 'design' | 'variant'>,
  priors: readonly Prior[],
  { features, location, scale, counts }: Pick<GroupedEstimates, 'features' | 'location' | 'scale' | 'counts'>,
): void {
  priors.forEach((prior, g) => {
    const own = {
      location: part(location, g, features),
      scale: part(scale, g, features),
      counts: part(counts, g, features),
    }
    adjustByPriorInPlace(own, prior, variant)
    for (let f = 0; f < features; f++) {
      if (Number.isNaN(own.location[f])) own.scale[f] = Number.NaN
      else if (g === design.reference) {
        own.location[f] = 0
        own.scale[f] = 1
      } else if (Number.isNaN(own.scale[f])) own.scale[f] = 1
    }
  })
}

/** Which voxels are passed through, and where effects could not be estimated: counted, since there may be millions. */
export function blockNotes(
  { notes, states, absent, unscaled, design, variant }: BlockFit,
  batchName: string,
): readonly Note[] {
  const passed = FEATURE_STATES.flatMap((name, k): Note[] => {
    const n = states[k] ?? 0
    if (name === 'fitted' || n === 0) return []
    return [
      {
        code: `${name}-feature`,
        text: `Passed through as measured: ${counted(n, 'voxel')}; each ${REASONS[name]}.`,
      },
    ]
  })
  const partly = design.batches.flatMap((batch, g): Note[] => [
    ...((absent[g] ?? 0) > 0
      ? [
          {
            code: 'no-value-in-batch',
            text: `No value at ${batchName} ${batch}, where it can therefore not be harmonized: ${counted(absent[g] ?? 0, 'voxel')}.`,
            batches: [batch],
          },
        ]
      : []),
    ...((unscaled[g] ?? 0) > 0 && (design.sizes[g] ?? 0) > 1 && variant !== 'mean-only'
      ? [
          {
            code: 'no-scale-in-batch',
            text: `Too few values at ${batchName} ${batch} for a scale; the location alone is taken out there: ${counted(unscaled[g] ?? 0, 'voxel')}.`,
            batches: [batch],
          },
        ]
      : []),
  ])
  return [...notes, ...passed, ...partly]
}
