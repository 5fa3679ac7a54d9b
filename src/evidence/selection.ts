/** How a method was chosen from the ladder, as data: written by training, shown by the card and the report. */
import * as z from 'zod'

export interface Selection {
  /** `within-subject`: somebody had to be scored on scans that the methods were fitted to, which says nothing of other people. */
  readonly kind: 'leave-one-out' | 'within-subject'
  /** People who link a scanner to the target, families counted as one; of the scanner with the fewest. */
  readonly travelers: number
  /** 0 within subjects. */
  readonly folds: number
  /** Source scans that every method was scored on. */
  readonly scans: number
  /** The strongest rung that was allowed, and why no stronger. */
  readonly limit?: { readonly rung: number; readonly reason: string }
  /** What scans of one person on one scanner differ by, in units of the range; absent where some scanner has no rescan. */
  readonly floor?: number
  /** From the weakest to the strongest. */
  readonly rungs: readonly SelectionRung[]
  readonly remarks: readonly string[]
}

export interface SelectionRung {
  readonly method: string
  readonly rung: number
  /** Fits scored on people they had not seen; 0 where it was not tried, or scored on the people it was fitted to. */
  readonly folds: number
  /** Mean over subjects of the error left on their scans, in units of the reference's range; absent where it was not tried. */
  readonly error?: number
  /** Of that mean; absent below two independent subjects. */
  readonly standardError?: number
  readonly gates: readonly SelectionGate[]
  readonly status: 'chosen' | 'passed-over'
  /** Why, in words. */
  readonly reason: string
}

const GATE_NAMES = [
  'applied',
  'error',
  'noise',
  'order',
  'tissues',
  'lesions',
  'identity',
  'atrophy',
] as const
type GateName = (typeof GATE_NAMES)[number]

export interface SelectionGate {
  readonly id: GateName
  readonly status: 'pass' | 'fail' | 'not-evaluated'
  /** What was found, or why nothing could be. */
  readonly finding: string
}

export const selectionSchema: z.ZodType<Selection> = z.strictObject({
  kind: z.enum(['leave-one-out', 'within-subject']),
  travelers: z.int().min(1),
  folds: z.int().min(0),
  scans: z.int().min(1),
  limit: z.exactOptional(z.strictObject({ rung: z.number(), reason: z.string() })),
  floor: z.exactOptional(z.number()),
  rungs: z
    .array(
      z.strictObject({
        method: z.string(),
        rung: z.number(),
        folds: z.int().min(0),
        error: z.exactOptional(z.number()),
        standardError: z.exactOptional(z.number()),
        gates: z.array(
          z.strictObject({
            id: z.enum(GATE_NAMES),
            status: z.enum(['pass', 'fail', 'not-evaluated']),
            finding: z.string(),
          }),
        ),
        status: z.enum(['chosen', 'passed-over']),
        reason: z.string(),
      }),
    )
    .min(1),
  remarks: z.array(z.string()),
})
