/** A ComBat of voxel maps: estimates are maps themselves, in files beside the JSON that this describes. */
import * as z from 'zod'
import { InputError } from '../errors.ts'
import type { Coding } from './coding.ts'
import type { Note } from './data.ts'
import { type BatchEffect, codingSchema, noteSchema, priorSchema } from './model.ts'
import type { BlockVariant } from './variants.ts'

/** Changes when the meaning of a field does. */
export const MAPS_MODEL_VERSION = 1
/** The file of the folder that this describes. */
export const MAPS_MODEL_FILE = 'combat-maps.json'

/** Over the voxels, as taken out. */
interface Spread {
  readonly mean: number
  readonly sd: number | null
}

export interface MapsBatch extends Pick<BatchEffect, 'name' | 'rows' | 'prior'> {
  /** Names of maps: as measured, and as taken out. */
  readonly estimatedLocation: string
  readonly estimatedScale: string
  readonly location: string
  readonly scale: string
  readonly taken: { readonly location: Spread; readonly scale: Spread }
}

/** Maps are float64 NIfTI files on the grid of the mask: 0 outside of it, NaN inside where there is no estimate. */
export interface CombatMapsModel {
  readonly kind: 'combat-maps'
  readonly version: typeof MAPS_MODEL_VERSION
  readonly software: string
  readonly variant: BlockVariant
  readonly batchColumn: string
  readonly reference: string | null
  readonly rows: number
  readonly covariates: readonly Coding[]
  /** Voxels of the mask, and how many of them are harmonized. */
  readonly voxels: number
  readonly harmonized: number
  readonly mask: string
  readonly mean: string
  readonly variance: string
  readonly slopes: readonly { readonly column: string; readonly map: string }[]
  readonly batches: readonly MapsBatch[]
  /** SHA-256 of each map. */
  readonly files: Readonly<Record<string, string>>
  readonly notes: readonly Note[]
}

/** A plain name: a map lies beside its model and nowhere else. */
const map = z.string().regex(/^[a-z0-9-]+\.nii$/)
const spread = z.strictObject({ mean: z.number(), sd: z.number().nullable() })
const schema: z.ZodType<CombatMapsModel> = z.strictObject({
  kind: z.literal('combat-maps'),
  version: z.literal(MAPS_MODEL_VERSION),
  software: z.string(),
  variant: z.enum(['eb', 'no-eb', 'mean-only', 'robust']),
  batchColumn: z.string(),
  reference: z.string().nullable(),
  rows: z.int().positive(),
  covariates: z.array(codingSchema),
  voxels: z.int().positive(),
  harmonized: z.int().positive(),
  mask: map,
  mean: map,
  variance: map,
  slopes: z.array(z.strictObject({ column: z.string(), map })),
  batches: z
    .array(
      z.strictObject({
        name: z.string(),
        rows: z.int().positive(),
        prior: priorSchema,
        estimatedLocation: map,
        estimatedScale: map,
        location: map,
        scale: map,
        taken: z.strictObject({ location: spread, scale: spread }),
      }),
    )
    .min(1),
  files: z.record(map, z.string().regex(/^[0-9a-f]{64}$/)),
  notes: z.array(noteSchema),
})

/** @throws {InputError} when it is no such model, of another version, or names a map without its hash */
export function parseMapsModel(input: unknown, source: string): CombatMapsModel {
  const head = z.looseObject({ kind: z.literal('combat-maps'), version: z.number() }).safeParse(input)
  if (head.success && head.data.version !== MAPS_MODEL_VERSION)
    throw new InputError(
      `${source}: is a ComBat model of maps of version ${head.data.version}; this attune reads version ${MAPS_MODEL_VERSION}.`,
      'Fit it again, or use the version of attune that wrote it.',
    )
  const result = schema.safeParse(input)
  if (!result.success)
    throw new InputError(
      `${source}: is not a ComBat model of maps:\n${z.prettifyError(result.error)}`,
      'Give a folder that attune combat fit --images wrote.',
    )
  const lost = mapsOf(result.data).find((name) => result.data.files[name] === undefined)
  if (lost !== undefined)
    throw new InputError(
      `${source}: names the map ${lost}, and not its hash.`,
      'The file was changed after attune wrote it: fit again.',
    )
  return result.data
}

/** Every map of a model. */
export function mapsOf({ mask, mean, variance, slopes, batches }: CombatMapsModel): readonly string[] {
  return [
    mask,
    mean,
    variance,
    ...slopes.map((slope) => slope.map),
    ...batches.flatMap((batch) => [
      batch.estimatedLocation,
      batch.estimatedScale,
      batch.location,
      batch.scale,
    ]),
  ]
}
