/** The plain data of a trained `band-unet`: everything but its network's weights. See docs/decisions/0012-units.md. */

/** Units that images are harmonized in without being rescaled. */
export type KeptUnit = 'HU' | 'SUVbw'

export interface BandUnetModel {
  readonly kind: 'band-unet'
  readonly unit: KeptUnit
  /** Values that are changed at all; the change fades in over `ramp` at both ends. Outside, every voxel stays as it is. */
  readonly window: { readonly low: number; readonly high: number; readonly ramp: number }
  /** Largest change of a voxel: in the unit, or as a share of its value. */
  readonly most: { readonly size: number } | { readonly share: number }
  /** Of the training images along R, A, S: what a band of so many pixels means in mm. */
  readonly voxelMm: readonly [number, number, number]
  /** Fields of the code that the network is modulated by, in their order; see src/harmonizer/unit-code.ts. */
  readonly code: readonly string[]
}
