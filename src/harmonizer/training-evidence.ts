/** `evidence.json` of a bundle: how training went, and the weaker methods fitted to the same scans. */
import * as z from 'zod'
import { InputError } from '../errors.ts'
import { type Selection, selectionSchema } from '../evidence/selection.ts'
import type { Bundle } from './bundle.ts'
import { type Model, modelSchema } from './method.ts'

export const TRAINING_SCHEMA = 'attune-training/1'
export const EVIDENCE_FILE = 'evidence.json'

export interface TrainingEvidence {
  readonly schema: typeof TRAINING_SCHEMA
  /** Empty for methods in closed form. */
  readonly loss: readonly { readonly step: number; readonly loss: number }[]
  /**
   * Every method in closed form that could be fitted (`tone` needs pairs) to the scans that the bundle's own method was trained
   * on: what it is compared with in validation.
   */
  readonly baselines: readonly Model[]
  /** Why this method, where `auto` chose it. */
  readonly selection?: Selection
}

const schema: z.ZodType<TrainingEvidence> = z.strictObject({
  schema: z.literal(TRAINING_SCHEMA),
  loss: z.array(z.strictObject({ step: z.number().int().positive(), loss: z.number() })),
  baselines: z.array(modelSchema),
  selection: z.exactOptional(selectionSchema),
})

/** @throws {InputError} when the bundle has no valid evidence.json */
export function trainingEvidence({ path, files }: Pick<Bundle, 'path' | 'files'>): TrainingEvidence {
  const bytes = files[EVIDENCE_FILE]
  const result = schema.safeParse(
    bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes)),
  )
  if (result.success) return result.data
  throw new InputError(
    `${path}/${EVIDENCE_FILE}: ${z.prettifyError(result.error)}`,
    'Train the bundle again with this attune.',
  )
}
