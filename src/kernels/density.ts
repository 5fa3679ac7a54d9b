/** Kernel density estimates, and the peaks in them that stand for tissues. */
import type { Histogram } from './histogram.ts'
import { momentsOf } from './histogram.ts'

/** Relative density at `low`, `low + step`, ...: up to a factor, which peaks do not depend on. */
export interface Density {
  readonly low: number
  readonly step: number
  readonly values: Float64Array
}

/** Grid points per bandwidth: sharing a voxel among its two neighbours then widens the kernel by 0.3 %. */
const POINTS = 8
/** Most points of a grid; beyond, the bandwidth is negligible against the range, and peaks are noise. */
const MOST_POINTS = 65_536
/** Kernels end here, in bandwidths. */
const REACH = 5
/** A peak below this part of the highest is no tissue. @see the R package WhiteStripe, `get.last.mode`: rare.prop */
const RARE = 1 / 5
/** How far, in parts of the highest peak, density must fall behind a peak before another one counts: less is chance. */
const STANDS_OUT = 1 / 50

/** Scott's rule in one dimension: SD n^(-1/5). @see Scott, Multivariate Density Estimation, Wiley 1992 */
export function scottBandwidth(histogram: Histogram): number {
  return momentsOf(histogram).sd * histogram.n ** -0.2
}

/** @param bandwidth standard deviation of the Gaussian kernel, in the unit of the values, above 0 */
export function densityOf({ counts, means }: Histogram, bandwidth: number): Density {
  const low = means[0]! - REACH * bandwidth
  const width = means.at(-1)! - low + REACH * bandwidth
  const size = Math.min(MOST_POINTS, Math.ceil((width / bandwidth) * POINTS) + 1)
  const step = width / (size - 1)
  const shares = new Float64Array(size)
  for (let k = 0; k < counts.length; k++) {
    const place = (means[k]! - low) / step
    const left = Math.min(size - 2, Math.floor(place))
    shares[left]! += counts[k]! * (left + 1 - place)
    shares[left + 1]! += counts[k]! * (place - left)
  }
  const reach = Math.ceil((REACH * bandwidth) / step)
  const kernel = Float64Array.from({ length: reach + 1 }, (_, r) =>
    Math.exp(-0.5 * ((r * step) / bandwidth) ** 2),
  )
  const values = new Float64Array(size)
  for (let i = 0; i < size; i++) {
    const share = shares[i]!
    if (share === 0) continue
    const [first, last] = [Math.max(0, i - reach), Math.min(size - 1, i + reach)]
    for (let j = first; j <= last; j++) values[j]! += share * kernel[Math.abs(j - i)]!
  }
  return { low, step, values }
}

export type Peak = 'first' | 'largest' | 'last'

/** Where the first, the largest or the last peak is that is no chance and no rarity; between grid points by a parabola. */
export function peakOf(density: Density, which: Peak): number {
  const { values } = density
  const highest = values.reduce((most, value) => Math.max(most, value), 0)
  if (which === 'largest') return locate(density, values.indexOf(highest))
  const forward = which === 'first'
  let peak = forward ? 0 : values.length - 1
  for (let k = 0; k < values.length; k++) {
    const i = forward ? k : values.length - 1 - k
    if (values[i]! > values[peak]!) peak = i
    else if (values[peak]! >= RARE * highest && values[peak]! - values[i]! > STANDS_OUT * highest) break
  }
  return locate(density, peak)
}

function locate({ low, step, values }: Density, peak: number): number {
  const [left, top, right] = [values[peak - 1] ?? 0, values[peak]!, values[peak + 1] ?? 0]
  const bend = left - 2 * top + right
  return low + step * (peak + (bend < 0 ? (0.5 * (left - right)) / bend : 0))
}
