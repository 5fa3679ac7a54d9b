/** What harmonization changed beyond brightness: where an image was treated otherwise than by one gain and one offset. */
import { toFloat32, type Volume, volumeOf } from '../volume/volume.ts'

/** The straight line from input to output, by least squares over the finite voxels of the mask. */
export interface Gain {
  readonly gain: number
  /** In the unit of the output. */
  readonly offset: number
  /** Root mean square of the map over the mask, in the unit of the output. */
  readonly rms: number
}

/**
 * `map = output - (gain * input + offset)` in every voxel, in the unit of the output: 0 everywhere for methods that only change gain and
 * offset, and NaN where the input is not finite. Values of the output are those before rounding to a stored type.
 * @param mask length V; where it selects no two different values, gain is 1 and offset the mean difference (0 without voxels)
 */
export function changeMapOf(
  input: Volume,
  output: Volume,
  mask: Uint8Array,
): { readonly map: Volume; readonly gain: Gain } {
  const x = toFloat32(input)
  const y = toFloat32(output)
  let [n, sumX, sumY] = [0, 0, 0]
  const counts = (i: number): boolean => mask[i] !== 0 && Number.isFinite(x[i]) && Number.isFinite(y[i])
  for (let i = 0; i < x.length; i++) {
    if (!counts(i)) continue
    n++
    sumX += x[i] as number
    sumY += y[i] as number
  }
  const meanX = n === 0 ? 0 : sumX / n
  const meanY = n === 0 ? 0 : sumY / n
  let [squares, products] = [0, 0]
  for (let i = 0; i < x.length; i++) {
    if (!counts(i)) continue
    const dx = (x[i] as number) - meanX
    squares += dx * dx
    products += dx * ((y[i] as number) - meanY)
  }
  const gain = squares > 0 ? products / squares : 1
  const offset = meanY - gain * meanX
  const map = new Float32Array(x.length)
  let residual = 0
  for (let i = 0; i < x.length; i++) {
    const change = (y[i] as number) - (gain * (x[i] as number) + offset)
    map[i] = Number.isFinite(change) ? change : Number.NaN
    if (counts(i)) residual += change * change
  }
  return {
    map: volumeOf(input, map, { unit: output.unit }),
    gain: { gain, offset, rms: n === 0 ? 0 : Math.sqrt(residual / n) },
  }
}
