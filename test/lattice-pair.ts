/** Pairs on the lattice, drawn from formulas: for tests of what a training step sees. */
import { imageScale } from '../training/parts/features.ts'
import { crop, type LatticePair, WIDE } from '../training/parts/lattice-pairs.ts'

/** Position on the lattice of the box, in points along R, A, S; outside the box below 0 or beyond its end. */
type At = (r: number, a: number, s: number) => number

const MARGIN = 6

function onLattice<T extends Float32Array | Uint8Array>(out: T, f: At): T {
  for (let r = 0, i = 0; r < WIDE[0]; r++)
    for (let a = 0; a < WIDE[1]; a++)
      for (let s = 0; s < WIDE[2]; s++, i++) out[i] = f(r - MARGIN, a - MARGIN, s - MARGIN)
  return out
}

const POINTS = WIDE[0] * WIDE[1] * WIDE[2]

/** A head of smooth structure, 0 to 2000, in an ellipsoid. */
export const structure: At = (r, a, s) =>
  inEllipsoid(r, a, s) ? 1000 + 995 * Math.sin(r / 5) * Math.cos(a / 7) * Math.sin(s / 6) : 0
export const inEllipsoid = (r: number, a: number, s: number): boolean =>
  Math.hypot((r - 48) / 38, (a - 60) / 48, (s - 50) / 40) < 1

/** @param target what the reference shows where the source, in units of its scale, shows `u` */
export function latticePair(target: (u: number, r: number, a: number, s: number) => number): LatticePair {
  const image = onLattice(new Float32Array(POINTS), structure)
  const mask = onLattice(new Uint8Array(POINTS), (...at) => Number(inEllipsoid(...at)))
  const scale = imageScale(crop(image, [0, 0, 0]), crop(mask, [0, 0, 0]))
  return {
    subject: '1',
    domain: 'a',
    targetScan: 'target.nii',
    image,
    mask,
    target: onLattice(new Float32Array(POINTS), (...at) => target(structure(...at) / scale, ...at)),
    common: onLattice(new Uint8Array(POINTS), (r, a, s) => Number(inEllipsoid(r, a, s) && a >= 20)),
    scale,
    tissueMedian: scale,
  }
}

/** Piecewise linear through the knots, continued by its last slope. */
export function curveAt(knots: readonly number[], values: readonly number[], u: number): number {
  const last = knots.length - 2
  const k = Math.min(
    last,
    knots.slice(1).findIndex((knot) => u < knot),
  )
  const bin = k < 0 ? last : k
  const [left, right] = [knots[bin] as number, knots[bin + 1] as number]
  const [low, high] = [values[bin] as number, values[bin + 1] as number]
  return low + ((u - left) / (right - left)) * (high - low)
}
