/** Applying the methods that need no network: those of rungs 0 to 2. */
import { applyHistogram } from '../intensity/histogram.ts'
import { applyTone, toneScale } from '../intensity/tone.ts'
import { applyZScore } from '../intensity/zscore.ts'
import type { ClosedFormModel } from './method.ts'

/**
 * @param x      values of the image; `identity` gives them back as they are
 * @param domain where the image comes from: one of the model's, where it has one mapping per domain
 */
export function applyClosedForm(
  model: ClosedFormModel,
  x: Float32Array,
  mask: Uint8Array,
  domain: string,
): Float32Array {
  switch (model.kind) {
    case 'identity':
      return x
    case 'zscore':
      return applyZScore(model, x, mask)
    case 'histogram':
      return applyHistogram(model, x, mask)
    case 'tone':
      return applyTone(model, x, toneScale(x, mask), domain)
    default:
      return model satisfies never
  }
}
