/** What was found of an uncertainty map. */
import * as z from 'zod'

export interface UncertaintyResult {
  /** What the intervals are meant to hold. */
  readonly level: number
  /** People left out in training, whose errors gave the widths. */
  readonly calibratedOn: number
  readonly calibrated: boolean
  /** People tested here. */
  readonly people: number
  readonly families: number
  readonly rows: readonly WidthRow[]
  /** Of half width with absolute error, voxel by voxel, mean over people. */
  readonly spearman?: number
  /** Mean absolute difference of scan and rescan on the target scanner, in units of the range; absent without rescans. */
  readonly rescan?: number
}

/** Means over people, of the mean over their scans. */
export interface WidthRow {
  /** `overall`, `tissue LABEL`, `edges` or `lesions`. */
  readonly place: string
  /** Share of voxels whose target value lies in the interval. */
  readonly covered: number
  /** 95 %, from a bootstrap over families. */
  readonly confidence?: { readonly low: number; readonly high: number; readonly families: number }
  /** Share of the voxels of the mask. */
  readonly share: number
  readonly people: number
  /** Mean half width and mean absolute error, in units of the range. */
  readonly halfWidth: number
  readonly error: number
}

const count = z.int().min(0)
export const uncertaintyResultSchema: z.ZodType<UncertaintyResult> = z.strictObject({
  level: z.number(),
  calibratedOn: count,
  calibrated: z.boolean(),
  people: count,
  families: count,
  rows: z.array(
    z.strictObject({
      place: z.string(),
      covered: z.number(),
      confidence: z.exactOptional(z.strictObject({ low: z.number(), high: z.number(), families: count })),
      share: z.number(),
      people: count,
      halfWidth: z.number(),
      error: z.number(),
    }),
  ),
  spearman: z.exactOptional(z.number()),
  rescan: z.exactOptional(z.number()),
})
