/** What one training step sees: an image as the network reads it, and lattice points of its pair for the loss. */

import type { LocalToneModel } from '../../src/inference/local-tone-model.ts'
import { LATTICE } from '../../src/kernels/lattice.ts'
import type { Vector3 } from '../../src/kernels/matrix.ts'
import type { Random } from '../../src/kernels/random.ts'
import { recompose } from './composition.ts'
import { coarseFeatures, featureCount, imageScale } from './features.ts'
import { crop, type LatticePair, lineInWide, MARGIN } from './lattice-pairs.ts'

/** Every fourth lattice point along each axis counts, from a random start. */
export const STRIDE = 4
/** Points of one look along R, A, S. */
export const SAMPLED = LATTICE.shape.map((n) => n / STRIDE) as unknown as Vector3
export const POINTS: number = SAMPLED[0] * SAMPLED[1] * SAMPLED[2]

/** A regular set of lattice points; S slowest, R fastest. */
export interface Look {
  /** Lattice index of the first point along R, A, S: 0 to `STRIDE`. */
  readonly start: Vector3
  /** [N, K]: what each increment contributes to the output at each point. */
  readonly ramps: Float32Array
  /** [N]: how far above the last knot, in widths of the last bin. */
  readonly beyond: Float32Array
  /** Target, in units of the reference scale. */
  readonly goal: Float32Array
  /** 1 where the pair counts. */
  readonly weight: Float32Array
}

export interface Sample {
  /** Path of the target scan: tells which samples share its gain. */
  readonly targetScan: string
  readonly domain: number
  readonly features: Float32Array
  /** Points, and the neighbour of each along one random axis. */
  readonly looks: readonly [Look, Look]
}

export interface Augmentation {
  /** SD of the logarithm of a random smooth shading put on the source. */
  readonly shading: number
  /** Largest shift of the box along each axis, mm. */
  readonly shiftMm: number
  /** Probability that the head is mirrored left to right. */
  readonly mirror: number
  /**
   * SD of the logarithm of a random gain that the image's scale does not know of. Without it a network takes the scale for the level of
   * white matter, from which it differs by the anatomy.
   */
  readonly gain: number
  /** SD of the logarithm of random factors on the amounts of tissue that the network sees; what it shall make of them stays. */
  readonly composition: number
}

export const AS_IT_IS: Augmentation = { shading: 0, shiftMm: 0, mirror: 0, gain: 0, composition: 0 }

/** @param domain index of the pair's source domain in the model */
export function drawSample(
  pair: LatticePair,
  domain: number,
  model: LocalToneModel,
  augmentation: Augmentation,
  rng: Random,
): Sample {
  const reach = Math.min(MARGIN, Math.round(augmentation.shiftMm / LATTICE.spacing))
  const shift = [0, 0, 0].map(() => rng.integer(2 * reach + 1) - reach) as unknown as Vector3
  const mirror = rng.uniform() < augmentation.mirror
  const image = crop(pair.image, shift, mirror)
  const expected = pair.expected && crop(pair.expected, shift, mirror)
  shadeInPlace(expected ? [image, expected] : [image], augmentation.shading, rng)
  const mask = crop(pair.mask, shift, mirror)
  const scale =
    imageScale(image, mask) / (augmentation.gain > 0 ? Math.exp(augmentation.gain * rng.normal()) : 1)
  for (const x of expected ? [image, expected] : [image]) for (let i = 0; i < x.length; i++) x[i]! /= scale
  const look = (start: Vector3): Look => lookAt(expected ?? image, pair, { start, shift, mirror }, model)
  const start = [rng.integer(STRIDE), rng.integer(STRIDE), rng.integer(STRIDE)] as const
  const axis = rng.integer(3)
  const next = start.map((first, a) => (a === axis ? first + 1 : first)) as unknown as Vector3
  const domains = model.domains.length
  const features = coarseFeatures(image, mask, model.knots, domain, domains)
  const channels = featureCount(model.knots.length, domains)
  recompose(features, channels, model.knots, augmentation.composition, rng)
  return {
    targetScan: pair.targetScan,
    domain,
    features,
    looks: [look(start), look(next)],
  }
}

/** @param image the box out of the pair's source without noise where that is known, shaded, in units of its scale */
function lookAt(
  image: Float32Array,
  { target, common }: LatticePair,
  { start, shift, mirror }: { readonly start: Vector3; readonly shift: Vector3; readonly mirror: boolean },
  { knots, referenceScale }: LocalToneModel,
): Look {
  const bins = knots.length - 1
  const top = knots[bins]!
  const lastWidth = top - knots[bins - 1]!
  const ramps = new Float32Array(POINTS * bins)
  const beyond = new Float32Array(POINTS)
  const goal = new Float32Array(POINTS)
  const weight = new Float32Array(POINTS)
  const [nr, na, ns] = LATTICE.shape
  const at = (index: number, first: number, n: number): number => Math.min(n - 1, STRIDE * index + first)
  for (let r = 0; r < SAMPLED[0]; r++)
    for (let a = 0; a < SAMPLED[1]; a++) {
      const [pointR, pointA] = [at(r, start[0], nr), at(a, start[1], na)]
      const line = (pointR * na + pointA) * ns
      const wideLine = lineInWide(pointR, pointA, shift, mirror)
      for (let s = 0; s < SAMPLED[2]; s++) {
        const pointS = at(s, start[2], ns)
        if (common[wideLine + pointS] === 0) continue
        const point = (s * SAMPLED[1] + a) * SAMPLED[0] + r
        weight[point] = 1
        goal[point] = target[wideLine + pointS]! / referenceScale
        const u = image[line + pointS]!
        for (let k = 0; k < bins && u > knots[k]!; k++)
          ramps[point * bins + k] = Math.min(1, (u - knots[k]!) / (knots[k + 1]! - knots[k]!))
        beyond[point] = Math.max(0, (u - top) / lastWidth)
      }
    }
  return { start, ramps, beyond, goal, weight }
}

/**
 * Multiplies lattices of one head by exp of a random polynomial of degree 2 over the box, its logarithm with a standard deviation near
 * `sd`. Along a line that is the exponential of a parabola: from point to point it changes by a factor, and
 * this factor by a constant one, so that a line needs three exponentials instead of one for each of its points.
 */
function shadeInPlace(images: readonly Float32Array[], sd: number, rng: Random): void {
  const draw = (): number => (sd * rng.normal()) / Math.sqrt(3)
  const [x1, y1, z1, xy, xz, yz, x2, y2, z2] = [
    draw(),
    draw(),
    draw(),
    draw(),
    draw(),
    draw(),
    draw(),
    draw(),
    draw(),
  ]
  const [nr, na, ns] = LATTICE.shape
  const step = 2 / ns
  const bend = Math.exp(2 * z2 * step * step)
  for (let r = 0, i = 0; r < nr; r++) {
    const x = (2 * r) / nr - 1
    for (let a = 0; a < na; a++) {
      const y = (2 * a) / na - 1
      const constant = x1 * x + y1 * y + xy * x * y + x2 * (x * x - 1 / 3) + y2 * (y * y - 1 / 3)
      const linear = z1 + xz * x + yz * y
      // at z = -1, and from there to z = -1 + step
      let field = Math.exp(constant - linear + z2 * (1 - 1 / 3))
      let factor = Math.exp(linear * step + z2 * (step * step - 2 * step))
      for (let s = 0; s < ns; s++, i++) {
        for (const image of images) image[i]! *= field
        field *= factor
        factor *= bend
      }
    }
  }
}
