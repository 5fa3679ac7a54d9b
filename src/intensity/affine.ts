/** What the methods of rung 1 share: one gain and one offset for the whole image, and how references are pooled. */
import { UnfittableError } from '../errors.ts'

/** What was measured in one image, with the weight of that image: a person's images share the weight 1. */
export type Weighted<T> = T & { readonly weight: number }

/**
 * `x * gain + offset`.
 * @param x    length V; NaN and infinite voxels stay as they are
 * @param mask length V; voxels outside it that are exactly 0 stay 0 (background that a tool has blanked)
 */
export function applyAffine(x: Float32Array, mask: Uint8Array, gain: number, offset: number): Float32Array {
  const out = new Float32Array(x.length)
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!
    out[i] = value === 0 && mask[i] === 0 ? 0 : value * gain + offset
  }
  return out
}

/**
 * Mean over people.
 * @throws {UnfittableError} when there is no image
 */
export function pooledMean<T>(images: readonly Weighted<T>[], of: (image: T) => number): number {
  const total = images.reduce((sum, { weight }) => sum + weight, 0)
  if (total === 0) throw new UnfittableError('No image of the reference domain.', 'Name another --target.')
  return images.reduce((sum, image) => sum + image.weight * of(image), 0) / total
}
