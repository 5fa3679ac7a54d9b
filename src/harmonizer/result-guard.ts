/**
 * Does what came out look like the reference domain? A universal harmonizer takes images of any scanner, which look too different for
 * limits on what goes in; but what comes out of it is alike, unless the image was no T1-weighted head. Looked at in
 * the box in which `local-tone` works, so that the length of a neck does not count.
 */

import { readLattice } from '../inference/reading.ts'
import { BOX, LATTICE } from '../kernels/lattice.ts'
import { type Descriptors, descriptorsOf } from '../metrics/descriptors.ts'
import { type Volume, volumeOf } from '../volume/volume.ts'

/** The box on a regular grid. */
export interface BoxImage {
  /** Along R, A, S in the order stored, first fastest. */
  readonly shape: readonly [number, number, number]
  readonly values: Float32Array
  /** 1 in tissue. */
  readonly mask: ArrayLike<number>
}

/** @returns `undefined` where the mask is empty; noise and smoothness are not measured (NaN) */
export function describeBox({ shape, values, mask }: BoxImage): Descriptors | undefined {
  const inside: number[] = []
  for (let i = 0; i < values.length; i++) if (mask[i] === 1 && Number.isFinite(values[i])) inside.push(i)
  if (inside.length === 0) return undefined
  const edge = BOX[0] / Math.min(...shape)
  const affine = [edge, 0, 0, 0, 0, edge, 0, 0, 0, 0, edge, 0, 0, 0, 0, 1]
  const place = {
    mask: Uint8Array.from(mask),
    sample: Uint32Array.from(inside),
    slab: { shape: [shape[0], shape[1], 1] as const, start: 0, end: shape[0] * shape[1] },
  }
  return descriptorsOf(values, { shape, affine }, place, { noiseSd: null, fwhmMm: null })
}

/**
 * @param values of the harmonized image on the grid of `volume`
 * @param mask   of tissue, on the same grid
 */
export function describeResult(
  volume: Volume,
  values: Float32Array,
  mask: Uint8Array,
): Descriptors | undefined {
  const { image, mask: inside } = readLattice(volumeOf(volume, values), mask)
  const [nr, na, ns] = LATTICE.shape
  return describeBox({ shape: [ns, na, nr], values: image, mask: inside })
}
