/** Applying the methods that need no network: those of rungs 0 to 2. */
import { applyFcm, FCM } from '../intensity/fcm.ts'
import { applyHistogram } from '../intensity/histogram.ts'
import { applyKde, KDE } from '../intensity/kde.ts'
import { applyLsq } from '../intensity/lsq.ts'
import { applyNyul } from '../intensity/nyul.ts'
import { applyTone, toneScale } from '../intensity/tone.ts'
import { applyWhiteStripe, WHITE_STRIPE } from '../intensity/whitestripe.ts'
import { applyZScore, STANDARD } from '../intensity/zscore.ts'
import type { ClosedFormModel } from './method.ts'

/** The methods that work on one image alone, as models that give it a scale of its own. */
export const UNTRAINED_MODELS: readonly ClosedFormModel[] = [
  { kind: 'identity' },
  STANDARD,
  WHITE_STRIPE,
  KDE,
  FCM,
]

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
    case 'whitestripe':
      return applyWhiteStripe(model, x, mask)
    case 'kde':
      return applyKde(model, x, mask)
    case 'fcm':
      return applyFcm(model, x, mask)
    case 'lsq':
      return applyLsq(model, x, mask)
    case 'nyul':
      return applyNyul(model, x, mask)
    case 'histogram':
      return applyHistogram(model, x, mask)
    case 'tone':
      return applyTone(model, x, toneScale(x, mask), domain)
    default:
      return model satisfies never
  }
}
