/** What `local-tone` reads of an image before its network runs: image and mask on the lattice. */
import { INSIDE, LATTICE, type LatticePlacement, sampleLattice } from '../kernels/lattice.ts'
import { frameOf, placeBox } from '../volume/frame.ts'
import type { Volume } from '../volume/volume.ts'

export interface LatticeReading {
  /** Intensities in the volume's unit, [96, 120, 96] along R, A, S. */
  readonly image: Float32Array
  /** 0 or 1, same shape. */
  readonly mask: Float32Array
  /** Where the lattice lies in the volume. */
  readonly placement: LatticePlacement
}

/**
 * @param mask on the volume's grid, 0 or 1
 * @throws {UnfittableError} when the mask is empty
 */
export function readLattice(volume: Volume, mask: Uint8Array): LatticeReading {
  const frame = frameOf(volume)
  const placement = { ...frame, corner: placeBox(frame, mask) }
  const { data, shape, scale } = volume
  const share = sampleLattice(mask, shape, placement)
  for (let i = 0; i < LATTICE.points; i++) share[i] = (share[i] as number) >= INSIDE ? 1 : 0
  return {
    image: sampleLattice(data, shape, placement, scale.slope, scale.intercept),
    mask: share,
    placement,
  }
}
