/** Smooth effects of covariates: penalized cubic splines in place of straight lines, each feature with penalties of its own. */
import { ConfigError, RefusedError, UnfittableError } from '../errors.ts'
import { concatenate } from '../kernels/concatenate.ts'
import {
  splineColumns,
  splineKnots,
  splineLine,
  splineRoughness,
  splineSize,
} from '../kernels/cubic-spline.ts'
import {
  emptyEstimates,
  FEATURE_STATES,
  fitGroupsInto,
  type GroupedDesign,
  type GroupedEstimates,
  groupedColumns,
  type Resistance,
} from '../kernels/grouped-regression.ts'
import {
  type Criterion,
  freedomOf,
  type PenalizedBlock,
  penalized,
  projected,
  type Smoother,
  smootherOf,
  solvedBy,
} from '../kernels/smoothing.ts'
import { penaltyChooser } from '../kernels/smoothing-choice.ts'
import { type Coding, columnNames } from './coding.ts'
import { counted, type Features, type Note, type PerFeature, type SampleTable } from './data.ts'
import { type Design, indicesOf } from './design.ts'

export interface SmoothOptions {
  /** Continuous covariates; none: no smooth term. */
  readonly columns: readonly string[]
  /** What chooses the penalty of each feature and column; or one penalty for all. */
  readonly penalty: Criterion | number
  /** Functions in the basis of each column, 4 to 40. */
  readonly basis: number
}

/** Chosen: as neuroHarmonize. A penalty, not the size of the basis, decides how much a curve bends; lifelong growth curves take 4 to 7 degrees of freedom. */
export const SMOOTH_BASIS = 10

/** Chosen: penalties are sought over all columns together, which takes seconds a feature beyond. */
const MOST_TERMS = 6

/** What a model keeps of its smooth terms beside their coefficients. */
export interface Smooth {
  readonly penalty: Criterion | 'fixed'
  readonly terms: readonly {
    readonly column: string
    /** Weight of the integral of the squared second derivative over the range of the fit, with that range as the unit of length. */
    readonly penalty: PerFeature
    /** Effective degrees of freedom: 1 is a straight line. */
    readonly freedom: PerFeature
  }[]
}

/** A design with smooth terms, ready for any feature. */
export interface SmoothDesign {
  readonly codings: readonly Coding[]
  readonly notes: readonly Note[]
  /** Working columns: all covariates as straight lines, then of each smooth term its functions but two; length Q * N. */
  readonly columns: Float64Array
  readonly terms: readonly Term[]
  readonly groupOf: Int32Array
  readonly groups: number
  readonly whole: Smoother
  readonly penalty: Criterion | number
}

/** One smooth effect: a straight line in column `line`, and what bends it in the columns of the block. */
interface Term extends PenalizedBlock {
  readonly line: number
  readonly knots: readonly number[]
  /** Of all functions, over the rows. */
  readonly means: Float64Array
}

/**
 * The functions sum to 1, as the intercepts do, and make a straight line, which has a column: two of them go, and no curve is lost.
 * @param design of the same covariates as straight lines: what it refuses, no smooth term could tell apart either
 * @throws {ConfigError} for a column of names, a basis or penalty out of range
 * @throws {RefusedError} for a column with less than four different values
 * @throws {UnfittableError} for more functions than rows
 */
export function smoothDesign(samples: SampleTable, design: Design, options: SmoothOptions): SmoothDesign {
  requireSense(options, design.codings, samples)
  const notes: Note[] = []
  const rows = samples.batch.length
  const parts = [design.columns]
  const terms: Term[] = []
  let line = 0
  let width = design.columns.length / rows
  const codings = design.codings.map((coding): Coding => {
    const own = line
    line += columnNames([coding]).length
    const covariate = samples.covariates.find(({ name }) => name === coding.name)
    if (!options.columns.includes(coding.name) || covariate?.kind !== 'continuous') return coding
    const { values, name } = covariate
    const knots = splineKnots(values, basisOf(values, name, options, samples, notes))
    const all = splineColumns(knots, values)
    const size = splineSize(knots)
    const means = Float64Array.from({ length: size }, (_, k) => mean(all.subarray(k * rows, (k + 1) * rows)))
    parts.push(all.map((value, at) => value - (means[Math.floor(at / rows)] ?? 0)).subarray(2 * rows))
    const roughness = splineRoughness(knots).filter((_, at) => at >= 2 * size && at % size >= 2)
    terms.push({ from: width, size: size - 2, roughness, line: own, knots, means })
    width += size - 2
    return { name, kind: 'smooth', knots }
  })
  const groups = design.batches.length
  if (width + groups >= rows)
    throw new UnfittableError(
      `${samples.source}: ${counted(rows, 'row')} for ${groups} batches and ${width} columns of covariates, smooth terms included.`,
      'Take a smaller basis (--smooth-basis, from 4 on), or a straight line (--covariate).',
    )
  const columns = concatenate(parts)
  const groupOf = indicesOf(samples.batch, design.batches)
  const whole = smootherOf(groupedColumns(columns, groupOf, groups), width, terms)
  if (whole === null)
    throw new RefusedError(
      `${samples.source}: the smooth effects of ${options.columns.join(', ')} cannot be told from those of the batches or of other covariates.`,
      'Leave one of the columns out, or take a straight line (--covariate).',
    )
  return { codings, notes, columns, terms, groupOf, groups, whole, penalty: options.penalty }
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function requireSense(
  { columns, penalty, basis }: SmoothOptions,
  codings: readonly Coding[],
  { source }: SampleTable,
): void {
  const names = codings.find(({ name, kind }) => columns.includes(name) && kind !== 'continuous')
  if (names !== undefined)
    throw new ConfigError(
      `${source}: "${names.name}" holds names, which have no smooth effect.`,
      'Name it with --covariate.',
    )
  const absent = columns.find((name) => codings.every((coding) => coding.name !== name))
  if (absent !== undefined)
    throw new ConfigError(`${source}: "${absent}" is no covariate.`, 'Give its values among the covariates.')
  if (columns.length > MOST_TERMS)
    throw new ConfigError(
      `${columns.length} columns are to have smooth effects; ${MOST_TERMS} is the most.`,
      'Take straight lines (--covariate) for some.',
    )
  if (typeof penalty === 'number' && !(penalty > 0 && Number.isFinite(penalty)))
    throw new ConfigError(`The smooth penalty is ${penalty}.`, 'Give reml, gcv, or a number above 0.')
  if (!Number.isInteger(basis) || basis < 4 || basis > 40)
    throw new ConfigError(
      `The smooth basis has ${basis} functions.`,
      'Give a whole number from 4 to 40 (--smooth-basis).',
    )
}

/** As many functions as asked for, but no more than different values. */
function basisOf(
  values: Float64Array,
  name: string,
  { basis }: SmoothOptions,
  { source }: SampleTable,
  notes: Note[],
): number {
  const different = new Set(values).size
  if (different < 4)
    throw new RefusedError(
      `${source}: "${name}" has ${different} different values; a smooth effect takes four and more.`,
      'Take a straight line (--covariate), or levels (--covariate and --categorical).',
    )
  if (different < basis)
    notes.push({
      code: 'smaller-smooth-basis',
      text: `${name} has ${different} different values: its smooth effect is made of ${different} functions in place of ${basis}.`,
    })
  return Math.min(different, basis)
}

/** Fits every feature into `out`, whose slopes are those of `columnNames(codings)`. Robust fits choose their penalty on tamed values. */
export function fitSmoothInto(
  out: GroupedEstimates,
  { names, rows, values }: Features,
  smooth: SmoothDesign,
  reference: number,
  resistance: Resistance | null,
): Smooth {
  const { terms } = smooth
  const penalties = new Float64Array(terms.length * names.length).fill(Number.NaN)
  const freedom = penalties.slice()
  const ready = readied(smooth, resistance)
  for (let f = 0; f < names.length; f++) {
    const column = values.subarray(f * rows, (f + 1) * rows)
    const kept = rowsWithValues(column)
    const given = kept.length === rows ? column : column.filter((value) => !Number.isNaN(value))
    const own = ready(kept)
    if (own === null) {
      out.state[f] = FEATURE_STATES.indexOf(kept.length === 0 ? 'empty' : 'confounded')
      continue
    }
    const chosen = own.choose(given)
    const one = emptyEstimates(1, smooth.groups, own.smoother.size)
    fitGroupsInto(one, 0, given, chosen.design, reference, resistance)
    putInto(out, f, one, own.smoother, smooth)
    if (one.state[0] !== 0) continue
    for (let j = 0; j < terms.length; j++) {
      penalties[j * names.length + f] = chosen.penalties[j] ?? Number.NaN
      freedom[j * names.length + f] = chosen.freedom[j] ?? Number.NaN
    }
  }
  const list = (all: Float64Array, j: number): PerFeature =>
    Array.from(all.subarray(j * names.length, (j + 1) * names.length), (value) =>
      Number.isNaN(value) ? null : value,
    )
  return {
    penalty: typeof smooth.penalty === 'number' ? 'fixed' : smooth.penalty,
    terms: smooth.codings
      .filter(({ kind }) => kind === 'smooth')
      .map(({ name }, j) => ({ column: name, penalty: list(penalties, j), freedom: list(freedom, j) })),
  }
}

function rowsWithValues(column: Float64Array): Int32Array {
  const kept = new Int32Array(column.length)
  let n = 0
  for (let row = 0; row < column.length; row++) if (!Number.isNaN(column[row])) kept[n++] = row
  return kept.subarray(0, n)
}

interface Chosen {
  readonly design: GroupedDesign
  readonly penalties: Float64Array
  readonly freedom: Float64Array
}

interface Ready {
  readonly smoother: Smoother
  /** From the values of the rows. */
  readonly choose: (given: Float64Array) => Chosen
}

/** The smoother of some rows; features in a row often lack the same ones. Null where these rows determine nothing. */
function readied(
  { columns, terms, groupOf, groups, whole, penalty }: SmoothDesign,
  resistance: Resistance | null,
): (kept: Int32Array) => Ready | null {
  const rows = groupOf.length
  const width = columns.length / rows
  const of = (smoother: Smoother | null): Ready | null =>
    smoother === null ? null : { smoother, choose: chooserOf(smoother, penalty, resistance) }
  const all = of(whole)
  let last: { readonly kept: Int32Array; readonly ready: Ready | null } | null = null
  return (kept) => {
    if (kept.length === rows) return all
    if (kept.length <= width + groups) return null
    if (last?.kept.length !== kept.length || !kept.every((row, k) => row === last?.kept[k])) {
      const some = new Float64Array(width * kept.length)
      for (let q = 0; q < width; q++)
        for (const [k, row] of kept.entries()) some[q * kept.length + k] = columns[q * rows + row] ?? 0
      const batches = Int32Array.from(kept, (row) => groupOf[row] ?? 0)
      last = { kept, ready: of(smootherOf(groupedColumns(some, batches, groups), width, terms)) }
    }
    return last.ready
  }
}

function withPenalties(smoother: Smoother, penalties: Float64Array): Chosen {
  const found = penalized(smoother, penalties)
  return {
    design: solvedBy(smoother, found),
    penalties,
    freedom: freedomOf(smoother, found).map((bends) => 1 + bends),
  }
}

function chooserOf(
  smoother: Smoother,
  penalty: Criterion | number,
  resistance: Resistance | null,
): (given: Float64Array) => Chosen {
  if (typeof penalty === 'number') {
    const fixed = withPenalties(smoother, smoother.unit.slice().fill(penalty))
    return () => fixed
  }
  const choose = penaltyChooser(smoother, penalty)
  const best = (x: Float64Array): Chosen => withPenalties(smoother, choose(projected(x, smoother)))
  return (given) => {
    const { order } = smoother.design
    const ordered = new Float64Array(order.length)
    for (let place = 0; place < order.length; place++) ordered[place] = given[order[place] ?? 0] ?? Number.NaN
    const first = best(ordered.slice())
    if (resistance === null) return first
    // Outliers would bend or stiffen the curve: the penalty is chosen again once they are tamed around the first one.
    resistance.tame(ordered, first.design)
    return best(ordered)
  }
}

/** The estimates of one feature into those of all, with the coefficients of the functions in place of the working ones. */
function putInto(
  out: GroupedEstimates,
  f: number,
  one: GroupedEstimates,
  { mix, size }: Smoother,
  { codings, terms, groups }: SmoothDesign,
): void {
  const value = (values: ArrayLike<number>, at: number): number => values[at] ?? Number.NaN
  out.state[f] = value(one.state, 0)
  out.mean[f] = value(one.mean, 0)
  out.variance[f] = value(one.variance, 0)
  for (let g = 0; g < groups; g++) {
    const to = g * out.features + f
    out.location[to] = value(one.location, g)
    out.scale[to] = value(one.scale, g)
    out.counts[to] = value(one.counts, g)
  }
  const working = Array.from({ length: size }, (_, q) => {
    let sum = 0
    for (let k = 0; k < size; k++) sum += value(mix, q * size + k) * value(one.slopes, k)
    return sum
  })
  let [from, to] = [0, 0]
  for (const coding of codings) {
    const term = terms.find(({ line }) => line === from)
    const width = coding.kind === 'categorical' ? coding.levels.length : 1
    const slopes =
      coding.kind === 'smooth' && term !== undefined
        ? curve(term, working)
        : working.slice(from, from + width)
    for (const slope of slopes) out.slopes[to++ * out.features + f] = slope
    from += width
  }
}

/** Coefficients of all functions. A constant on all of them moves the curve, and theirs brings its mean over the rows to 0. */
function curve({ line, from, size, knots, means }: Term, working: readonly number[]): readonly number[] {
  const slope = working[line] ?? Number.NaN
  const bends = [0, 0, ...working.slice(from, from + size)]
  const coefficients = Array.from(splineLine(knots), (place, k) => slope * place + (bends[k] ?? Number.NaN))
  const middle = coefficients.reduce((sum, coefficient, k) => sum + coefficient * (means[k] ?? Number.NaN), 0)
  return coefficients.map((coefficient) => coefficient - middle)
}
