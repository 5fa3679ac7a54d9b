/** Where the body is in a CT image: air has one value on every scanner, so that no threshold must be found. */
import { close, fillHoles, largestComponent } from '../kernels/morphology.ts'
import { toFloat32, type Volume } from './volume.ts'

/** Half way from air to fat; lungs are below, and are filled. */
const TISSUE = -500
/** Voxels by which gaps are closed: clothes and the couch stay apart, airways at the skin close. */
const GAP = 1

/** 1 in the body with its lungs and bowel gas, 0 in air; couch and clothes that do not touch it are outside. NaN and infinite voxels are outside. */
export function bodyMask(volume: Volume): Uint8Array {
  const x = toFloat32(volume)
  const { shape } = volume
  const tissue = Uint8Array.from(x, (value) => (value > TISSUE && Number.isFinite(value) ? 1 : 0))
  const body = close(largestComponent(tissue, shape), shape, GAP)
  const area = shape[0] * shape[1]
  // Plane by plane, each between two closed ones: where the image ends, lungs are open to the air above.
  const between = new Uint8Array(3 * area).fill(1)
  for (let from = 0; from < body.length; from += area) {
    between.set(body.subarray(from, from + area), area)
    body.set(fillHoles(between, [shape[0], shape[1], 3]).subarray(area, 2 * area), from)
  }
  for (let i = 0; i < body.length; i++) if (!Number.isFinite(x[i])) body[i] = 0
  return body
}
