/**
 * Training on from a universal harmonizer. It brings any scanner to its own reference, another one than the user's: so each domain starts
 * with the curve from the one to the other, fitted to the pairs, in place of its global tone, and with the universal network.
 */
import {
  ANY_DOMAIN,
  type LocalToneModel,
  type LocalToneWeights,
} from '../../src/inference/local-tone-model.ts'
import { fitToneCurve } from '../../src/intensity/tone.ts'
import { random } from '../../src/kernels/random.ts'
import type { Engine } from '../engine/engine.ts'
import { featureCount } from './features.ts'
import type { LatticePair } from './lattice-pairs.ts'
import { loadedNetwork, type TrainedCurves } from './loaded-network.ts'
import { AS_IT_IS, drawSample } from './samples.ts'

/** What training goes on from: a universal harmonizer, whose only domain is `ANY_DOMAIN`. */
export interface Start extends TrainedCurves {
  readonly name: string
  readonly sha256: string
}

/**
 * Global tones of the domains, at the knots of the start: from what the start makes of each pair's source to its target.
 * @param pairs of the domains, and every reference scan paired with itself
 */
export function composedTones(
  { tf }: Pick<Engine, 'tf'>,
  start: Start,
  pairs: readonly LatticePair[],
  domains: readonly string[],
  referenceScale: number,
): LocalToneModel['tones'] {
  const { model } = start
  const network = loadedNetwork(tf, start)
  const mean = model.tones[ANY_DOMAIN] as readonly number[]
  const tones = domains.map((domain) => {
    const seen: number[] = []
    const wanted: number[] = []
    for (const [k, pair] of pairs.filter((one) => one.domain === domain).entries()) {
      const sample = drawSample(pair, 0, model, AS_IT_IS, random(k, `tone of ${domain}`))
      const output = network.outputOf(sample)
      const [{ goal, weight }] = sample.looks
      for (let i = 0; i < weight.length; i++)
        if (weight[i] === 1) {
          seen.push(output[i]!)
          // goals are in units of the start's reference
          wanted.push((goal[i]! * model.referenceScale) / referenceScale)
        }
    }
    return [domain, [...fitToneCurve(Float32Array.from(seen), Float32Array.from(wanted), mean)]] as const
  })
  network.dispose()
  return Object.fromEntries(tones)
}

/** The start's weights for several domains: each begins as any scanner does. */
export function widenedWeights({ model, weights }: Start, domains: number): LocalToneWeights {
  const inputs = featureCount(model.knots.length, 1)
  const outputs = weights.conv1.bias.length
  const taps = weights.conv1.kernel.length / inputs / outputs
  const wide = inputs - 1 + domains
  const kernel = new Float32Array(taps * wide * outputs)
  for (let tap = 0; tap < taps; tap++)
    for (let input = 0; input < wide; input++) {
      const from = (tap * inputs + Math.min(input, inputs - 1)) * outputs
      kernel.set(weights.conv1.kernel.subarray(from, from + outputs), (tap * wide + input) * outputs)
    }
  return {
    ...weights,
    conv1: { kernel, bias: weights.conv1.bias },
    place: new Float32Array(domains * weights.place.length),
  }
}
