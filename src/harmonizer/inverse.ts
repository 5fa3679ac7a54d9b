/** The way back: from harmonized intensities to those of the source, for the methods that are one increasing curve (rungs 0 to 2). */
import { histogramCurve } from '../intensity/histogram.ts'
import { nyulCurve } from '../intensity/nyul.ts'
import { toneCurve, toneScale } from '../intensity/tone.ts'
import { applyCurveInto, type Curve } from '../kernels/monotone.ts'
import { maskedQuantiles } from '../kernels/quantile.ts'
import { applyClosedForm } from './closed-form.ts'
import type { ClosedFormModel } from './method.ts'

/**
 * What takes harmonized values of an image back to the intensities of its source; exactly 0 stays 0, NaN stays NaN.
 * @param x    the source that the method was fitted to, and `mask`: as `applyClosedForm` has them
 * @returns `undefined` where the curve is flat somewhere, so that two intensities of the source have become one
 */
export function inverseOf(
  model: ClosedFormModel,
  x: Float32Array,
  mask: Uint8Array,
  domain: string,
): ((values: Float32Array) => Float32Array) | undefined {
  if (model.kind === 'identity') return (values) => values
  const { knots, values } = curveOf(model, x, mask, domain)
  for (let k = 1; k < values.length; k++)
    if (!((values[k] as number) > (values[k - 1] as number))) return undefined
  return (harmonized) => {
    const out = new Float32Array(harmonized.length)
    applyCurveInto(out, harmonized, { knots: values, values: knots })
    return out
  }
}

function curveOf(model: ClosedFormModel, x: Float32Array, mask: Uint8Array, domain: string): Curve {
  switch (model.kind) {
    case 'nyul':
      return nyulCurve(model, x, mask)
    case 'histogram':
      return histogramCurve(model, x, mask)
    case 'tone':
      return toneCurve(model, toneScale(x, mask), domain)
    default:
      return lineOf(model, x, mask, domain)
  }
}

/** Gain and offset, read off at two intensities that are put behind the image's own, outside the mask. */
function lineOf(model: ClosedFormModel, x: Float32Array, mask: Uint8Array, domain: string): Curve {
  const [low, high] = maskedQuantiles(x, mask, [0.01, 0.99]) as unknown as [number, number]
  const knots = [low === 0 ? high / 2 : low, high === 0 ? low / 2 : high]
  const probed = new Float32Array(x.length + 2)
  probed.set(x)
  probed.set(knots, x.length)
  const inside = new Uint8Array(probed.length)
  inside.set(mask)
  const [a, b] = applyClosedForm(model, probed, inside, domain).subarray(x.length)
  return {
    knots: [probed[x.length] as number, probed[x.length + 1] as number],
    values: [a as number, b as number],
  }
}
