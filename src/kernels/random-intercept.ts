/**
 * Many linear mixed models with one random intercept (people), by restricted maximum likelihood:
 *
 *     y = X beta + b of the person + e,     b normal with variance ratio * sigma^2, e normal with variance sigma^2
 *
 * For a given ratio everything else has a closed form, and people with the same number of rows share theirs, so that what is left is a
 * search in one dimension over small matrices.
 *
 * @see Bates, Maechler, Bolker, Walker, J Stat Softw 67(1) (2015), doi:10.18637/jss.v067.i01 (the profiled criterion)
 */
import { type GroupedDesign, regressInPlace } from './grouped-regression.ts'

/** A design with an intercept per group and Q slopes, and the people of its rows. */
export interface MixedDesign {
  readonly grouped: GroupedDesign
  /** Groups that have rows, and Q slopes. */
  readonly unknowns: number
  /** The columns, one after the other, in the order of `grouped`. */
  readonly columns: Float64Array
  /** In the same order; 0 to people - 1. */
  readonly personOf: Int32Array
  /** Rows of each person. */
  readonly sizes: Float64Array
  /** People with the same number of rows: how many rows, how many people. */
  readonly classes: readonly { readonly rows: number; readonly people: number }[]
  /** Class of each person. */
  readonly classOf: Int32Array
  /** X'X. */
  readonly square: Float64Array
  /** Of each class, the sum over its people of the outer square of the sums of their rows of X. */
  readonly between: readonly Float64Array[]
  /** Sums of the rows of X by person: [person * unknowns + a]. */
  readonly sums: Float64Array
}

/** @param personOf of each row, as the rows stood before `grouped` ordered them */
export function mixedDesign(grouped: GroupedDesign, personOf: Int32Array): MixedDesign {
  const { rows, starts, within, order } = grouped
  const filled = [...starts.keys()].filter((g) => g + 1 < starts.length && starts[g + 1]! > starts[g]!)
  const unknowns = filled.length + within.length / rows
  const columns = new Float64Array(unknowns * rows)
  filled.forEach((g, a) => {
    columns.fill(1, a * rows + starts[g]!, a * rows + starts[g + 1]!)
  })
  columns.set(within, filled.length * rows)
  const places = new Map<number, number>()
  const own = Int32Array.from(order, (row) => {
    const person = personOf[row]!
    if (!places.has(person)) places.set(person, places.size)
    return places.get(person)!
  })
  const sizes = new Float64Array(places.size)
  const sums = new Float64Array(places.size * unknowns)
  for (let i = 0; i < rows; i++) {
    sizes[own[i]!]!++
    for (let a = 0; a < unknowns; a++) sums[own[i]! * unknowns + a]! += columns[a * rows + i]!
  }
  const different = [...new Set(sizes)].sort((a, b) => a - b)
  const classOf = Int32Array.from(sizes, (size) => different.indexOf(size))
  const between = different.map(() => new Float64Array(unknowns * unknowns))
  for (let p = 0; p < sizes.length; p++)
    addOuter(between[classOf[p]!]!, sums.subarray(p * unknowns, (p + 1) * unknowns))
  const square = new Float64Array(unknowns * unknowns)
  const row = new Float64Array(unknowns)
  for (let i = 0; i < rows; i++) {
    for (let a = 0; a < unknowns; a++) row[a] = columns[a * rows + i]!
    addOuter(square, row)
  }
  const classes = different.map((size) => ({
    rows: size,
    people: sizes.reduce((n, other) => n + (other === size ? 1 : 0), 0),
  }))
  return { grouped, unknowns, columns, personOf: own, sizes, classes, classOf, square, between, sums }
}

function addOuter(out: Float64Array, v: Float64Array): void {
  for (let a = 0; a < v.length; a++)
    for (let b = 0; b < v.length; b++) out[a * v.length + b]! += v[a]! * v[b]!
}

export interface MixedFit {
  /** Variance between people over that of the residuals; 0 where people do not differ more than scans do. */
  readonly ratio: number
  /** Residual variance. */
  readonly variance: number
  /** Intercept of each group at columns of 0 (NaN without rows), and slopes. */
  readonly intercepts: Float64Array
  readonly slopes: Float64Array
  /** What is left of each row after effects and the predicted level of its person, in the order of the design. */
  readonly residuals: Float64Array
}

/** Ratios that are tried first: 0, then from 1e-6 to 1e6 (shares between people of a millionth to all but that), three to a decade. */
const GRID: readonly number[] = [0, ...Array.from({ length: 37 }, (_, k) => 10 ** (k / 3 - 6))]
/** Golden sections after the grid: the ratio to 1 part in 10^9, beyond what the criterion resolves. */
const SECTIONS = 44
const GOLDEN = (Math.sqrt(5) - 1) / 2

/**
 * @param y values in the order of the design
 * @returns null where the effects explain everything
 */
export function fitMixed(y: Float64Array, design: MixedDesign): MixedFit | null {
  const { grouped, unknowns, columns, personOf, sizes, classes, classOf, sums } = design
  const { rows, starts, columnMeans } = grouped
  const r = y.slice()
  const { means, slopes, withinSquares } = regressInPlace(r, grouped)
  const own = new Float64Array(sizes.length)
  let squares = 0
  for (let i = 0; i < rows; i++) {
    own[personOf[i]!]! += r[i]!
    squares += r[i]! * r[i]!
  }
  if (!(squares > 1e-18 * withinSquares)) return null
  const cross = classes.map(() => new Float64Array(unknowns))
  const ownSquares = new Float64Array(classes.length)
  for (let p = 0; p < sizes.length; p++) {
    const k = classOf[p]!
    ownSquares[k]! += own[p]! * own[p]!
    for (let a = 0; a < unknowns; a++) cross[k]![a]! += sums[p * unknowns + a]! * own[p]!
  }
  const at = (ratio: number): Profile => profile(ratio, design, squares, cross, ownSquares)
  const ratio = bestRatio((value) => at(value).criterion)
  const { delta, rest } = at(ratio)
  const variance = rest / (rows - unknowns)
  for (let i = 0; i < rows; i++)
    for (let a = 0; a < unknowns; a++) r[i]! -= columns[a * rows + i]! * delta[a]!
  const left = new Float64Array(sizes.length)
  for (let i = 0; i < rows; i++) left[personOf[i]!]! += r[i]!
  for (let i = 0; i < rows; i++) {
    const p = personOf[i]!
    r[i]! -= (ratio * left[p]!) / (1 + ratio * sizes[p]!)
  }
  const groups = starts.length - 1
  const filled = unknowns - slopes.length
  for (let q = 0; q < slopes.length; q++) slopes[q]! += delta[filled + q]!
  let a = 0
  for (let g = 0; g < groups; g++) {
    if (starts[g + 1] === starts[g]) continue
    means[g]! += delta[a++]!
    for (let q = 0; q < slopes.length; q++) means[g]! -= slopes[q]! * columnMeans[q * groups + g]!
  }
  return { ratio, variance, intercepts: means, slopes, residuals: r }
}

interface Profile {
  /** -2 times the restricted log-likelihood, but for a constant. */
  readonly criterion: number
  /** What generalized least squares adds to least squares. */
  readonly delta: Float64Array
  /** Weighted sum of squares. */
  readonly rest: number
}

function profile(
  ratio: number,
  { grouped, unknowns: p, classes, square, between }: MixedDesign,
  squares: number,
  cross: readonly Float64Array[],
  ownSquares: Float64Array,
): Profile {
  const g = square.slice()
  const delta = new Float64Array(p)
  let rest = squares
  let criterion = 0
  classes.forEach(({ rows, people }, k) => {
    const weight = ratio / (1 + rows * ratio)
    const outer = between[k]!
    for (let at = 0; at < g.length; at++) g[at]! -= weight * outer[at]!
    for (let a = 0; a < p; a++) delta[a]! -= weight * cross[k]![a]!
    rest -= weight * ownSquares[k]!
    criterion += people * Math.log1p(rows * ratio)
  })
  // Cholesky; then L half = delta, and the explained squares are those of half.
  for (let a = 0; a < p; a++)
    for (let b = a; b < p; b++) {
      let value = g[b * p + a]!
      for (let c = 0; c < a; c++) value -= g[a * p + c]! * g[b * p + c]!
      g[b * p + a] = a === b ? Math.sqrt(value) : value / g[a * p + a]!
    }
  for (let a = 0; a < p; a++) {
    for (let c = 0; c < a; c++) delta[a]! -= g[a * p + c]! * delta[c]!
    delta[a]! /= g[a * p + a]!
    rest -= delta[a]! ** 2
    criterion += 2 * Math.log(g[a * p + a]!)
  }
  for (let a = p - 1; a >= 0; a--) {
    for (let c = a + 1; c < p; c++) delta[a]! -= g[c * p + a]! * delta[c]!
    delta[a]! /= g[a * p + a]!
  }
  criterion += (grouped.rows - p) * Math.log(rest)
  return { criterion, delta, rest }
}

/** Smallest criterion: over the grid, then by golden sections in the logarithm between the neighbours of the best. */
function bestRatio(criterion: (ratio: number) => number): number {
  const tried = GRID.map(criterion)
  const best = tried.reduce((k, value, j) => (value < tried[k]! ? j : k), 0)
  // Between 0 and the first of the grid there is nothing to tell from 0.
  if (best === 0) return 0
  let low = Math.log(GRID[Math.max(1, best - 1)]!)
  let high = Math.log(GRID[Math.min(GRID.length - 1, best + 1)]!)
  let [a, b] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)]
  let [atA, atB] = [criterion(Math.exp(a)), criterion(Math.exp(b))]
  for (let k = 0; k < SECTIONS; k++)
    if (atA < atB) {
      ;[high, b, atB] = [b, a, atA]
      a = high - GOLDEN * (high - low)
      atA = criterion(Math.exp(a))
    } else {
      ;[low, a, atA] = [a, b, atB]
      b = low + GOLDEN * (high - low)
      atB = criterion(Math.exp(b))
    }
  return Math.exp((low + high) / 2)
}
