/** Descriptors of an image as training and apply both measure them: over the foreground found in it, whatever mask is given. */
import { type Descriptors, descriptorsOf, type Measured, type Place } from '../metrics/descriptors.ts'
import { foregroundMask } from '../volume/mask.ts'
import type { Volume } from '../volume/volume.ts'
import { surveyMask } from './image-facts.ts'
import { FIGURE_SLICES } from './record.ts'

/**
 * @param x     values of `volume`, length V
 * @param place of its foreground, where that is at hand, and what has been measured there
 * @returns `undefined` where nothing stands out from the background
 */
export function describeImage(
  volume: Volume,
  x: Float32Array,
  place?: Place,
  measured?: Measured,
): Descriptors | undefined {
  if (place) return descriptorsOf(x, volume, place, measured)
  const mask = foregroundMask(volume)
  const survey = surveyMask(volume.shape, mask, FIGURE_SLICES)
  return survey.voxels === 0 ? undefined : descriptorsOf(x, volume, { mask, ...survey })
}
