/** A trained last pass of a universal harmonizer, on plain arrays. */
import type { ToneWeights } from '../../models/global-tone/network.ts'
import type { LocalToneModel } from '../../src/inference/local-tone-model.ts'
import type { Likeness } from './unlikeness.ts'

export interface TrainedTone {
  /** With one curve for all places, `bounds.perMm` is 0. */
  readonly model: LocalToneModel
  readonly weights: ToneWeights
  /** Of the scans that it was trained on. */
  readonly likeness: Likeness
}

/** Values at the knots of the curve that the network reads from `evenBlockFeatures`. */
export function toneCurve(
  { model, weights }: Pick<TrainedTone, 'model' | 'weights'>,
  features: Float32Array,
): Float32Array {
  const { hidden, out } = weights
  const p = dense(
    dense(features, hidden).map((value) => Math.max(0, value)),
    out,
  )
  const ratio = Math.log(model.bounds.slopeRatio)
  const curve = new Float32Array(model.knots.length)
  for (const [k, width] of widthsOf(model.knots).entries())
    curve[k + 1] = curve[k]! + width * Math.exp(ratio * Math.tanh(p[k]!))
  return curve
}

function dense(x: Float32Array, { kernel, bias }: ToneWeights['hidden']): Float32Array {
  return bias.map((start, to) => {
    let sum = start
    for (let from = 0; from < x.length; from++) sum += x[from]! * kernel[from * bias.length + to]!
    return sum
  })
}

export function widthsOf(knots: readonly number[]): number[] {
  return knots.slice(1).map((knot, k) => knot - knots[k]!)
}
