/**
 * Penalized regression of many features on one design: an intercept per group, columns as they are, and smooth terms whose roughness costs.
 *
 *     sum of squared residuals + sum_j penalty_j * roughness_j
 *
 * The design is decomposed once. A feature is then as many numbers as there are columns, and a penalty is tried on these alone; with one
 * smooth term all matrices are diagonal.
 *
 * @see Demmler, Reinsch, Numer. Math. 24:375-382 (1975), doi:10.1007/BF01437406 (the diagonal form)
 * @see Wood, J. R. Statist. Soc. B 73(1):3-36 (2011), doi:10.1111/j.1467-9868.2010.00749.x (the restricted likelihood)
 */
import { type GroupedColumns, type GroupedDesign, regressInPlace } from './grouped-regression.ts'
import { product, transposed } from './small-matrix.ts'
import { inverseRoot, invertPositive } from './symmetric.ts'
import { symmetricEigen } from './symmetric-eigen.ts'

/** What chooses the penalties: restricted maximum likelihood, or generalized cross-validation. */
export type Criterion = 'reml' | 'gcv'

/** Columns `from` to `from + size` of a design, behind all that cost nothing; their coefficients c cost c'Sc. */
export interface PenalizedBlock {
  readonly from: number
  readonly size: number
  /** S: size x size, positive definite. */
  readonly roughness: Float64Array
}

/** A design made ready for any number of features. */
export interface Smoother {
  /** In the coordinates of `mix`; slopes have no solution yet. */
  readonly design: Omit<GroupedDesign, 'inverse'>
  readonly size: number
  /** Coefficients of the columns are `mix` (row-major) times those of the coordinates. */
  readonly mix: Float64Array
  /** X'X and the penalties in these coordinates, row-major; diagonals alone with one block. */
  readonly gram: Float64Array
  readonly roughness: readonly Float64Array[]
  readonly blocks: readonly PenalizedBlock[]
  /** Penalty of each block at which roughness and data weigh alike: the unit of the search. */
  readonly unit: Float64Array
  /** Groups with rows. */
  readonly groups: number
}

/** @returns null where some column that costs nothing cannot be told from the others */
export function smootherOf(
  { design }: GroupedColumns,
  count: number,
  blocks: readonly PenalizedBlock[],
): Smoother | null {
  const { rows, within, columnMeans, starts } = design
  const groups = starts.length - 1
  const gram = new Float64Array(count * count)
  for (let a = 0; a < count; a++)
    for (let b = 0; b <= a; b++) {
      let sum = 0
      for (let i = 0; i < rows; i++) sum += within[a * rows + i]! * within[b * rows + i]!
      gram[a * count + b] = sum
      gram[b * count + a] = sum
    }
  const padded = blocks.map(({ from, size, roughness }) => {
    const out = new Float64Array(count * count)
    for (let a = 0; a < size; a++)
      for (let b = 0; b < size; b++) out[(from + a) * count + from + b] = roughness[a * size + b]!
    return out
  })
  const unit = Float64Array.from(blocks, ({ from, size, roughness }) => {
    let [data, rough] = [0, 0]
    for (let a = 0; a < size; a++) {
      data += gram[(from + a) * (count + 1)]!
      rough += roughness[a * (size + 1)]!
    }
    return data / rough
  })
  const balanced = gram.map((value, at) => padded.reduce((sum, s, j) => sum + unit[j]! * s[at]!, value))
  // Columns of their own length before the root: a slope per 1,000 and one per 0.001 are then alike.
  const lengths = Float64Array.from({ length: count }, (_, a) => Math.sqrt(balanced[a * (count + 1)]!))
  if (lengths.some((length) => !(length > 0))) return null
  const root = inverseRoot(
    balanced.map((value, at) => value / (lengths[Math.floor(at / count)]! * lengths[at % count]!)),
    count,
  )
  if (root === null) return null
  // A triangle: columns that cost nothing stand first, mix among themselves alone, and cost exactly nothing.
  let mix: Float64Array = new Float64Array(count * count)
  for (let a = 0; a < count; a++)
    for (let b = 0; b < count; b++) mix[b * count + a] = root[a * count + b]! / lengths[b]!
  const [only] = padded
  if (padded.length === 1 && only !== undefined)
    mix = product(mix, transposed(symmetricEigen(congruent(only, mix, count), count).vectors, count), count)
  const diagonal = padded.length === 1
  const shaped = (matrix: Float64Array): Float64Array => {
    const full = congruent(matrix, mix, count)
    return diagonal ? Float64Array.from({ length: count }, (_, k) => full[k * (count + 1)]!) : full
  }
  const mixed = new Float64Array(count * rows)
  const means = new Float64Array(count * groups)
  for (let k = 0; k < count; k++)
    for (let q = 0; q < count; q++) {
      const share = mix[q * count + k]!
      for (let i = 0; i < rows; i++) mixed[k * rows + i]! += share * within[q * rows + i]!
      for (let g = 0; g < groups; g++) means[k * groups + g]! += share * columnMeans[q * groups + g]!
    }
  return {
    design: { ...design, within: mixed, columnMeans: means },
    size: count,
    mix,
    gram: shaped(gram),
    roughness: padded.map(shaped),
    blocks,
    unit,
    groups: starts.reduce((n, start, g) => n + (g > 0 && start > starts[g - 1]! ? 1 : 0), 0),
  }
}

/** T'MT. */
function congruent(matrix: Float64Array, t: Float64Array, size: number): Float64Array {
  return product(transposed(t, size), product(matrix, t, size), size)
}

/** One feature, as far as penalties see it. */
export interface Projected {
  /** X'y. */
  readonly cross: Float64Array
  /** Sum of the squares within groups. */
  readonly squares: number
}

/** @param x values in the order of the design; changed */
export function projected(x: Float64Array, { design, size }: Smoother): Projected {
  const cross = new Float64Array(size)
  const { withinSquares } = regressInPlace(x, {
    ...design,
    within: new Float64Array(0),
    inverse: new Float64Array(0),
  })
  for (let k = 0; k < size; k++) {
    let sum = 0
    for (let i = 0, at = k * design.rows; i < design.rows; i++) sum += design.within[at + i]! * x[i]!
    cross[k] = sum
  }
  return { cross, squares: withinSquares }
}

/** What some penalties make of the design: all that does not depend on the feature. */
export interface Penalized {
  /** (X'X + penalties)^-1; its diagonal with one block. */
  readonly inverse: Float64Array
  readonly logDeterminant: number
  /** Of each block, penalty * trace(inverse * S): its coefficients less its effective degrees of freedom. */
  readonly held: Float64Array
}

export function penalized(smoother: Smoother, penalties: Float64Array): Penalized {
  const { size, gram, roughness } = smoother
  const sum = gram.slice()
  for (let j = 0; j < roughness.length; j++) {
    const [s, penalty] = [roughness[j]!, penalties[j]!]
    for (let at = 0; at < sum.length; at++) sum[at]! += penalty * s[at]!
  }
  let inverse: Float64Array
  let logDeterminant = 0
  if (roughness.length === 1) {
    inverse = sum.map((value) => 1 / value)
    for (const value of sum) logDeterminant += Math.log(value)
  } else {
    const found = invertPositive(sum, size)
    // By rounding alone, at penalties 10^10 apart: no such penalties are chosen.
    if (found === null)
      return { inverse: sum.fill(Number.NaN), logDeterminant: Number.POSITIVE_INFINITY, held: penalties }
    ;({ inverse, logDeterminant } = found)
  }
  const held = Float64Array.from(roughness, (s, j) => {
    let trace = 0
    for (let at = 0; at < s.length; at++) trace += inverse[at]! * s[at]!
    return penalties[j]! * trace
  })
  return { inverse, logDeterminant, held }
}

/** Effective degrees of freedom of the coefficients of each block: how many there are, less what the penalty holds. */
export function freedomOf({ blocks }: Smoother, { held }: Penalized): Float64Array {
  return Float64Array.from(blocks, ({ size }, j) => size - held[j]!)
}

/** Least squares under penalties that are given, as a design with a solution. */
export function solvedBy({ design }: Smoother, { inverse }: Penalized): GroupedDesign {
  return { ...design, inverse: design.within, solution: inverse }
}
