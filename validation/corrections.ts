/** What is compared: the harmonizer under test, and weaker methods fitted to the same training scans. */
import type { Harmonizer } from '../src/harmonizer/harmonizer.ts'
import type { Model } from '../src/harmonizer/method.ts'
import { applyHistogram } from '../src/intensity/histogram.ts'
import { applyTone, toneScale } from '../src/intensity/tone.ts'
import { applyZScore } from '../src/intensity/zscore.ts'
import { toFloat32, type Volume } from '../src/volume/volume.ts'

export interface Correction {
  readonly name: string
  apply(volume: Volume, mask: Uint8Array, domain: string): Promise<Float32Array>
}

/** From the weakest to the strongest; the harmonizer comes last, and stands for its own method. */
export function correctionsOf(harmonizer: Harmonizer, baselines: readonly Baseline[]): readonly Correction[] {
  const { method } = harmonizer.identity
  const weaker: readonly Baseline[] = [{ kind: 'identity' }, ...baselines]
  return [
    ...weaker
      .filter(({ kind }) => kind !== method)
      .map((model) => ({
        name: model.kind,
        apply: async (volume: Volume, mask: Uint8Array, domain: string) =>
          applyBaseline(model, toFloat32(volume), mask, domain),
      })),
    {
      name: method,
      apply: async (volume, mask, domain) =>
        toFloat32((await harmonizer.apply(volume, { domain, mask })).volume),
    },
  ]
}

/** A method that needs no network: every weaker method there is. */
export type Baseline = Exclude<Model, { kind: 'local-tone' }>

export function isBaseline(model: Model): model is Baseline {
  return model.kind !== 'local-tone'
}

export function applyBaseline(
  model: Baseline,
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
