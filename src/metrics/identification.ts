/** Whether images still belong to the person they were taken of. */

export interface Identification {
  /** Scans that are most similar to a target scan of their own subject, in parts of all. */
  readonly rankOne: number
  /** Mean similarity with target scans of the own subject, and with those of others. */
  readonly self: number
  readonly others: number
}

export interface Comparison {
  readonly subject: string
  /** Similarity with the target scan of each subject, the own one among them. */
  readonly similarities: ReadonlyMap<string, number>
}

/**
 * Rank-one identification, and the differential identifiability `self - others`. A tie with another subject is no identification.
 * Higher is better up to what the scans had before they were corrected.
 *
 * @returns NaN for no comparison
 * @see Finn et al., Nat. Neurosci. 18(11):1664-1671 (2015), doi:10.1038/nn.4135 (rank one)
 * @see Amico, Goni, Sci. Rep. 8:8254 (2018), doi:10.1038/s41598-018-25089-1 (I_self - I_others)
 */
export function identification(comparisons: readonly Comparison[]): Identification {
  const own = comparisons.map(({ subject, similarities }) => similarities.get(subject) ?? Number.NaN)
  const foreign = comparisons.map(({ subject, similarities }) =>
    [...similarities].flatMap(([other, value]) => (other === subject ? [] : [value])),
  )
  const found = own.filter((value, i) => foreign[i]!.every((other) => value > other)).length
  return { rankOne: found / comparisons.length, self: mean(own), others: mean(foreign.flat()) }
}

/**
 * Pearson's correlation over the voxels that are finite in both images; does not depend on gain and offset.
 * @returns NaN where fewer than two voxels count, or one image does not vary there
 */
export function correlation(a: Float32Array, b: Float32Array): number {
  let n = 0
  let [sumA, sumB] = [0, 0]
  for (let i = 0; i < a.length; i++)
    if (Number.isFinite(a[i]! + b[i]!)) {
      n++
      sumA += a[i]!
      sumB += b[i]!
    }
  const [meanA, meanB] = [sumA / n, sumB / n]
  let [aa, bb, ab] = [0, 0, 0]
  for (let i = 0; i < a.length; i++)
    if (Number.isFinite(a[i]! + b[i]!)) {
      const [da, db] = [a[i]! - meanA, b[i]! - meanB]
      aa += da * da
      bb += db * db
      ab += da * db
    }
  return ab / Math.sqrt(aa * bb)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
