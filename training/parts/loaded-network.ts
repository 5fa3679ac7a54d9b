/** A trained network of universal harmonizers on an engine, to be asked what it makes of samples. */
import { type Weights, weightShapes } from '../../models/local-tone/network.ts'
import type { LocalToneModel, LocalToneWeights } from '../../src/inference/local-tone-model.ts'
import type { Engine } from '../engine/engine.ts'
import { constants, outputOf } from './curve-loss.ts'
import { featureCount } from './features.ts'
import { namedWeights } from './local-tone-steps.ts'
import type { Sample } from './samples.ts'

export interface TrainedCurves {
  readonly model: LocalToneModel
  readonly weights: LocalToneWeights
}

export interface LoadedNetwork {
  /** Harmonized intensities at the points of a sample's first look, in units of the reference scale. */
  outputOf(sample: Sample): Float32Array
  dispose(): void
}

export function loadedNetwork(tf: Engine['tf'], { model, weights }: TrainedCurves): LoadedNetwork {
  const { knots, domains } = model
  const shapes = weightShapes(featureCount(knots.length, domains.length), knots.length - 1, domains.length)
  const tensors = Object.entries(namedWeights(weights)).map(
    ([name, values]) => [name, tf.tensor(values, [...shapes[name as keyof typeof shapes]])] as const,
  )
  const variables = Object.fromEntries(tensors) as unknown as Weights
  const fixed = constants(tf, model)
  return {
    outputOf: (sample) =>
      tf.tidy(() => outputOf(tf, variables, sample, fixed, model.bounds).dataSync()) as Float32Array,
    dispose: () => tf.dispose([...tensors.map(([, tensor]) => tensor), fixed.tones, ...fixed.hats]),
  }
}
