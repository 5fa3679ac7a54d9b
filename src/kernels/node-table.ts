/** Tables that are read and filled between their nodes; the last coordinate, the level of intensity, varies fastest. */

/** What the table holds between these nodes, whose weights sum to 1. */
export function tableAt(table: Float32Array, offsets: Int32Array, weights: Float64Array): number {
  let sum = 0
  for (let tap = 0; tap < offsets.length; tap++) sum += weights[tap]! * table[offsets[tap]!]!
  return sum
}

/** Sums of values spread over the nodes around them, and of the weights. */
export interface TableSums {
  readonly sums: Float64Array
  readonly weights: Float64Array
}

/** @param size of the table, in nodes */
export function tableSums(size: number): TableSums {
  return { sums: new Float64Array(size), weights: new Float64Array(size) }
}

export function addToTable(into: TableSums, value: number, offsets: Int32Array, weights: Float64Array): void {
  for (let tap = 0; tap < offsets.length; tap++) {
    into.sums[offsets[tap]!]! += weights[tap]! * value
    into.weights[offsets[tap]!]! += weights[tap]!
  }
}

/**
 * The mean at each node, drawn towards the mean of its level, and that towards the mean of all, as if `prior` voxels had shown it.
 * @param all    at least one, of equal size
 * @param levels of intensity in the table
 * @returns one mean for each node; NaN everywhere without a value
 */
export function meansOf(all: readonly TableSums[], prior: number, levels: number): Float32Array {
  const size = all[0]?.sums.length ?? 0
  const [sums, weights] = [new Float64Array(size), new Float64Array(size)]
  const [levelSums, levelWeights] = [new Float64Array(levels), new Float64Array(levels)]
  let [sum, weight] = [0, 0]
  for (const one of all)
    for (let i = 0; i < size; i++) {
      sums[i]! += one.sums[i]!
      weights[i]! += one.weights[i]!
      levelSums[i % levels]! += one.sums[i]!
      levelWeights[i % levels]! += one.weights[i]!
      sum += one.sums[i]!
      weight += one.weights[i]!
    }
  const means = levelSums.map((own, l) => (own + (prior * sum) / weight) / (levelWeights[l]! + prior))
  return Float32Array.from(sums, (own, i) => (own + prior * means[i % levels]!) / (weights[i]! + prior))
}
