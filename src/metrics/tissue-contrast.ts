import { sortFloats } from '../kernels/sort.ts'

const BINS = 256
const CLASSES = 3

export interface TissueContrast {
  /** Medians of the two most populous intensity classes, in the unit of the image, `low` < `high`. */
  readonly low: number
  readonly high: number
  /** 2 (high − low) / (high + low); NaN where the sum is not positive. */
  readonly contrast: number
}

/**
 * Contrast between the two main tissues of a mask, without a segmentation.
 *
 *     contrast = 2 (m_high − m_low) / (m_high + m_low)
 *
 * The mask's intensities between their 1st and 99th percentile are cut into three classes by Otsu's criterion
 * (largest variance between classes, 256 bins); m_low and m_high are the medians of the two classes
 * that hold most voxels: grey and white matter in a T1-weighted brain, fluid being the third. Does not depend on gain; does
 * depend on offset, as contrast of magnitude images should. Over a head with scalp and bone the classes are
 * mixtures: compare only values from equal masks. Higher is more contrast, better only when it nears the reference.
 *
 * @param x    image, length V, non-negative magnitude
 * @param mask length V
 * @returns NaN in every field when the mask holds fewer than three distinct values
 * @see Otsu, IEEE Trans. Syst. Man Cybern. 9(1):62–66 (1979), doi:10.1109/TSMC.1979.4310076
 * @see Liao, Chen, Chung, J. Inf. Sci. Eng. 17(5):713–727 (2001) (several thresholds)
 */
export function tissueContrast(x: Float32Array, mask: Uint8Array): TissueContrast {
  const values = sortFloats(x.filter((v, i) => mask[i] !== 0 && Number.isFinite(v)))
  const n = values.length
  const from = Math.floor(0.01 * (n - 1))
  const to = Math.ceil(0.99 * (n - 1)) + 1
  const inner = values.subarray(from, to)
  const [t1, t2] = otsuThresholds(inner)
  if (t1 === undefined || t2 === undefined) return { low: Number.NaN, high: Number.NaN, contrast: Number.NaN }
  const first = inner.findIndex((v) => v >= t1)
  const second = inner.findIndex((v) => v >= t2)
  const [a, b] = [inner.subarray(0, first), inner.subarray(first, second), inner.subarray(second)]
    .toSorted((p, q) => q.length - p.length)
    .map((part) => part[part.length >> 1]!) as [number, number]
  const low = Math.min(a, b)
  const high = Math.max(a, b)
  return { low, high, contrast: high + low > 0 ? (2 * (high - low)) / (high + low) : Number.NaN }
}

/** The two lower bounds of the upper classes; empty below three occupied bins. `sorted` is ascending. */
function otsuThresholds(sorted: Float32Array): readonly number[] {
  const low = sorted[0]!
  const width = (sorted.at(-1)! - low) / BINS
  if (!(width > 0)) return []
  const count = new Float64Array(BINS + 1)
  const total = new Float64Array(BINS + 1)
  for (const v of sorted) {
    const bin = Math.min(BINS - 1, Math.floor((v - low) / width))
    count[bin + 1]! += 1
    total[bin + 1]! += v - low
  }
  for (let b = 1; b <= BINS; b++) {
    count[b]! += count[b - 1]!
    total[b]! += total[b - 1]!
  }
  const between = (from: number, to: number): number => {
    const n = count[to]! - count[from]!
    return n === 0 ? Number.NEGATIVE_INFINITY : (total[to]! - total[from]!) ** 2 / n
  }
  let best = Number.NEGATIVE_INFINITY
  let cut: readonly number[] = []
  for (let p = 1; p <= BINS - (CLASSES - 1); p++)
    for (let q = p + 1; q < BINS; q++) {
      const score = between(0, p) + between(p, q) + between(q, BINS)
      if (score > best) {
        best = score
        cut = [p, q]
      }
    }
  return cut.map((bin) => low + bin * width)
}
