/** The code that modulates `band-unet`: noise and sharpness, which are what scanners differ in where the unit is the same. */
import type { KeptUnit } from '../inference/band-unet-model.ts'
import { maskedQuantiles } from '../kernels/quantile.ts'
import { smoothnessFwhm } from '../metrics/fwhm.ts'
import { noiseSd } from '../metrics/noise.ts'
import { middleSlab } from '../volume/slab.ts'
import { type Volume, voxelSize } from '../volume/volume.ts'

export const UNIT_CODE: readonly string[] = ['log noise', 'log FWHM']

/** Slices that are measured. */
const DEPTH = 24
/** What stands in where nothing can be measured: a middling CT in HU, a middling PET relative to its median, both with a FWHM of two pixels. */
const UNMEASURED: Readonly<Record<KeptUnit, number>> = { HU: 20, SUVbw: 0.1 }

/**
 * @param x    values of `volume`
 * @param mask of the body, length V
 * @returns logarithms of the SD of noise (HU; for SUV relative to the median) and of the smoothness in pixels
 */
export function unitCode(unit: KeptUnit, volume: Volume, x: Float32Array, mask: Uint8Array): Float32Array {
  const { start, end, shape } = middleSlab(volume.shape, mask, DEPTH)
  const known = Float32Array.from(x.subarray(start, end), (value) => (Number.isFinite(value) ? value : 0))
  const inside = mask.subarray(start, end)
  const [median = 1] = unit === 'HU' ? [1] : maskedQuantiles(known, inside, [0.5])
  const noise = noiseSd(known, shape, inside) / Math.abs(median)
  const fwhm = smoothnessFwhm(known, shape, inside, voxelSize(volume)) / Math.min(...voxelSize(volume))
  const logarithm = (value: number, otherwise: number): number =>
    Math.log(Number.isFinite(value) && value > 0 ? value : otherwise)
  return Float32Array.from([logarithm(noise, UNMEASURED[unit]), logarithm(fwhm, 2)])
}
