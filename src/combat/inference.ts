/** Whether a covariate goes with features: the test that knows of the batches, beside the one that trusts a harmonized table. */
import { ConfigError } from '../errors.ts'
import { falseDiscoveryRate, holm } from '../kernels/adjusted-p.ts'
import { rowsOfColumns } from '../kernels/linear-model.ts'
import { type Random, random } from '../kernels/random.ts'
import { fTail } from '../kernels/tails.ts'
import { unequalTest } from '../kernels/unequal-test.ts'
import {
  batchDesign,
  type FeatureFit,
  featureOf,
  filledColumns,
  type Regression,
  regressionOn,
  together,
} from './batch-model.ts'
import { columnNames } from './coding.ts'
import type { Features, SampleTable } from './data.ts'

/** Harmonizes a table with its own covariates kept: values as `Features.values`. */
export type Harmonize = (features: Features, samples: SampleTable) => Float64Array

export interface TestOptions {
  /** The covariate that is tested. */
  readonly of: string
  /** How often the whole procedure is repeated on permuted residuals; 0: not. */
  readonly permutations: number
  readonly seed: number
}

/** F test of one covariate; null where the feature cannot be tested. */
export interface CovariateTest {
  /** Change of the feature per unit, or from the base level; null where the covariate has several columns. */
  readonly estimate: number | null
  readonly standardError: number | null
  /** F; with one column, the square of t. */
  readonly f: number
  readonly freedom: readonly [over: number, under: number]
  readonly p: number
  readonly holm: number
  readonly fdr: number
}

export interface FeatureTest {
  readonly feature: string
  /** How many rows have it. */
  readonly rows: number
  /** One linear model of the table as it is, with batches and covariates. */
  readonly honest: CovariateTest | null
  /** The same with a residual variance of its own for each batch (REML; Kenward and Roger 1997): what ComBat takes batches to be like. */
  readonly unequal: CovariateTest | null
  /** A linear model of the harmonized table, with covariates, without batches. */
  readonly naive: CovariateTest | null
  /** Of the naive statistic against permutations that repeat the harmonization; `family` holds for all features together. */
  readonly permuted: { readonly p: number; readonly family: number } | null
}

export interface Tested {
  readonly of: string
  /** `diagnosis=patient`: the columns that stand for the covariate. */
  readonly columns: readonly string[]
  readonly rows: number
  readonly batches: readonly { readonly name: string; readonly rows: number }[]
  readonly features: readonly FeatureTest[]
}

/**
 * Honest: F of the covariate in one least-squares model with an intercept for each batch and all covariates. Residuals are taken to have
 * one variance everywhere; `unequal` gives each batch its own (Kenward and Roger's test). Naive: the same without batches, on the harmonized table; it takes the harmonized values for measured ones, though
 * the effect of the batches was estimated from them with the covariate at hand (Nygaard 2016).
 *
 * Permutation (Freedman and Lane): residuals of the model without the covariate are permuted among the rows of each batch and added to
 * what that model expects, the table is harmonized again, and the naive statistic is taken again; p is the share, with the table itself, that is
 * as large. Batches may differ in their variance. `family` takes the largest statistic of all features (Westfall and Young).
 *
 * @throws {ConfigError} when `of` is no covariate
 * @throws as `designOf` for what is confounded, and as the harmonization
 * @see Nygaard, Rodland, Hovig, Biostatistics 17(1):29-39 (2016), doi:10.1093/biostatistics/kxv027
 * @see Freedman, Lane, J. Bus. Econ. Stat. 1(4):292-298 (1983), doi:10.1080/07350015.1983.10509354
 * @see Winkler et al., NeuroImage 92:381-397 (2014), doi:10.1016/j.neuroimage.2014.01.060 (exchange within blocks)
 */
export function testCovariate(
  features: Features,
  samples: SampleTable,
  harmonize: Harmonize,
  { of, permutations, seed }: TestOptions,
): Tested {
  const design = batchDesign(samples)
  const { rows, batches, groupOf, batchColumns, covariateColumns } = design
  const owners = design.codings.flatMap((coding) => columnNames([coding]).map(() => coding.name))
  if (!owners.includes(of))
    throw new ConfigError(
      `"${of}" is to be tested, and is no covariate.`,
      `Name it as one: --covariate ${of} --of ${of}.`,
    )
  const columnsOf = (wanted: (owner: string) => boolean): Float64Array =>
    together(
      ...owners.flatMap((owner, q) =>
        wanted(owner) ? [covariateColumns.subarray(q * rows, (q + 1) * rows)] : [],
      ),
    )
  const tested = columnsOf((owner) => owner === of)
  const others = columnsOf((owner) => owner !== of)
  const intercept = new Float64Array(rows).fill(1)
  const honest = nested(tested, together(others, batchColumns), rows)
  const naive = nested(tested, together(others, intercept), rows)
  const harmonized = { ...features, values: harmonize(features, samples) }
  const tests = [
    features.names.map((_, f) => comparison(honest, featureOf(features, f))),
    features.names.map((_, f) => comparison(naive, featureOf(harmonized, f))),
  ] as const
  const [honestTests, naiveTests] = [adjusted(tests[0]), adjusted(tests[1])]
  const all = together(tested, others, batchColumns)
  const unequal = adjusted(
    features.names.map((_, f) =>
      unequalComparison(featureOf(features, f), all, tested.length / rows, groupOf),
    ),
  )
  const permuted =
    permutations === 0
      ? null
      : permutedTests(features, samples, harmonize, naive, honest, naiveTests, groupOf, permutations, seed)
  return {
    of,
    columns: columnNames(design.codings).filter((_, q) => owners[q] === of),
    rows,
    batches: batches.map((name, g) => ({ name, rows: groupOf.filter((group) => group === g).length })),
    features: features.names.map((feature, f) => ({
      feature,
      rows: featureOf(features, f).filter((value) => !Number.isNaN(value)).length,
      honest: honestTests[f] ?? null,
      unequal: unequal[f] ?? null,
      naive: naiveTests[f] ?? null,
      permuted: permuted?.[f] ?? null,
    })),
  }
}

interface Nested {
  /** The tested columns come first. */
  readonly full: Regression
  readonly reduced: Regression
  readonly tested: number
}

function nested(tested: Float64Array, rest: Float64Array, rows: number): Nested {
  return {
    full: regressionOn(together(tested, rest), rows),
    reduced: regressionOn(rest, rows),
    tested: tested.length / rows,
  }
}

type RawTest = Omit<CovariateTest, 'holm' | 'fdr'>

function comparison({ full, reduced, tested }: Nested, values: Float64Array): RawTest | null {
  const all = full.fit(values)
  const without = reduced.fit(values)
  if (all === null || without === null) return null
  const over = without.freedom - all.freedom
  const f = statistic(all, without)
  if (over < 1 || Number.isNaN(f)) return null
  const single = tested === 1
  return {
    estimate: single ? (all.coefficients[0] ?? Number.NaN) : null,
    standardError: single ? Math.sqrt(((all.errors[0] ?? Number.NaN) * all.squares) / all.freedom) : null,
    f,
    freedom: [over, all.freedom],
    p: fTail(f, over, all.freedom),
  }
}

/** With a residual variance for each batch. @param columns those tested come first */
function unequalComparison(
  values: Float64Array,
  columns: Float64Array,
  tested: number,
  groupOf: Int32Array,
): RawTest | null {
  const rows = values.length
  const kept = Int32Array.from(values.keys()).filter((row) => !Number.isNaN(values[row]))
  if (kept.length === 0) return null
  const own = rowsOfColumns(columns, rows, kept)
  const first = filledColumns(own.subarray(0, tested * kept.length), kept.length)
  const rest = filledColumns(own.subarray(tested * kept.length), kept.length)
  const present = [...new Set(Array.from(kept, (row) => groupOf[row] ?? 0))]
  const groups = Int32Array.from(kept, (row) => present.indexOf(groupOf[row] ?? 0))
  const used = first.length / kept.length
  const y = rowsOfColumns(values, rows, kept)
  const test = used === 0 ? null : unequalTest(y, together(first, rest), used, groups, present.length)
  if (test === null) return null
  const { estimate, standardError, f, over, under, p } = test
  return {
    estimate: tested === 1 ? estimate : null,
    standardError: tested === 1 ? standardError : null,
    f,
    freedom: [over, under],
    p,
  }
}

/**
 * Chosen, as in the fit: residuals that are nine digits below the values are rounding: the feature is constant, or follows from the
 * columns, and there is nothing to test.
 */
const ROUNDING = 1e-18

function statistic(all: FeatureFit, without: FeatureFit): number {
  if (!(all.squares > ROUNDING * all.valueSquares)) return Number.NaN
  const over = without.freedom - all.freedom
  return Math.max(0, without.squares - all.squares) / over / (all.squares / all.freedom)
}

function adjusted(tests: readonly (RawTest | null)[]): readonly (CovariateTest | null)[] {
  const p = Float64Array.from(tests, (test) => test?.p ?? Number.NaN)
  const [strict, lenient] = [holm(p), falseDiscoveryRate(p)]
  return tests.map((test, f) =>
    test === null ? null : { ...test, holm: strict[f] ?? Number.NaN, fdr: lenient[f] ?? Number.NaN },
  )
}

function permutedTests(
  features: Features,
  samples: SampleTable,
  harmonize: Harmonize,
  naive: Nested,
  honest: Nested,
  observed: readonly (CovariateTest | null)[],
  groupOf: Int32Array,
  permutations: number,
  seed: number,
): readonly FeatureTest['permuted'][] {
  const rng = random(seed, 'permutations of residuals')
  const nulls = features.names.map((_, f) => honest.reduced.fit(featureOf(features, f)))
  const found = Float64Array.from(observed, (test) => test?.f ?? Number.NaN)
  const asLarge = new Float64Array(found.length)
  const familyAsLarge = new Float64Array(found.length)
  const values = features.values.slice()
  for (let k = 0; k < permutations; k++) {
    const order = permutedWithin(groupOf, rng)
    nulls.forEach((fit, f) => {
      if (fit !== null)
        exchangeInto(featureOf({ ...features, values }, f), featureOf(features, f), fit, order, groupOf)
    })
    const again = { ...features, values: harmonize({ ...features, values }, samples) }
    const drawn = found.map((value, f) =>
      Number.isNaN(value) ? value : (comparison(naive, featureOf(again, f))?.f ?? Number.NaN),
    )
    const most = drawn.reduce((a, b) => (Number.isNaN(b) ? a : Math.max(a, b)), 0)
    found.forEach((value, f) => {
      const limit = value * (1 - 1e-12) // a permutation that changes nothing counts, whatever its rounding
      if ((drawn[f] ?? 0) >= limit) asLarge[f] = (asLarge[f] ?? 0) + 1
      if (most >= limit) familyAsLarge[f] = (familyAsLarge[f] ?? 0) + 1
    })
  }
  const share = (count = 0): number => (1 + count) / (1 + permutations)
  return observed.map((test, f) =>
    test === null ? null : { p: share(asLarge[f]), family: share(familyAsLarge[f]) },
  )
}

/** Row numbers, shuffled (Fisher and Yates) among the rows of each group. */
function permutedWithin(groupOf: Int32Array, rng: Random): Int32Array {
  const order = Int32Array.from(groupOf, (_, row) => row)
  for (const rows of rowsByGroup(groupOf))
    for (let k = rows.length - 1; k > 0; k--) {
      const [a, b] = [rows[k] ?? 0, rows[rng.integer(k + 1)] ?? 0]
      const kept = order[a] ?? 0
      order[a] = order[b] ?? 0
      order[b] = kept
    }
  return order
}

function rowsByGroup(groupOf: Int32Array): readonly (readonly number[])[] {
  const groups: number[][] = []
  groupOf.forEach((g, row) => {
    const own = groups[g]
    if (own === undefined) groups[g] = [row]
    else own.push(row)
  })
  return groups
}

/** What the model without the covariate expects, plus residuals of other rows of the batch. Rows that lack the feature keep lacking it. */
function exchangeInto(
  out: Float64Array,
  values: Float64Array,
  { kept, residuals }: FeatureFit,
  order: Int32Array,
  groupOf: Int32Array,
): void {
  const residualOf = new Float64Array(values.length).fill(Number.NaN)
  kept.forEach((row, k) => {
    residualOf[row] = residuals[k] ?? Number.NaN
  })
  const queues = new Map<number, number[]>()
  order.forEach((row) => {
    const residual = residualOf[row] ?? Number.NaN
    if (Number.isNaN(residual)) return
    const g = groupOf[row] ?? 0
    const queue = queues.get(g)
    if (queue === undefined) queues.set(g, [residual])
    else queue.push(residual)
  })
  const taken = new Map<number, number>()
  for (const row of kept) {
    const g = groupOf[row] ?? 0
    const at = taken.get(g) ?? 0
    taken.set(g, at + 1)
    out[row] = (values[row] ?? Number.NaN) - (residualOf[row] ?? 0) + (queues.get(g)?.[at] ?? 0)
  }
}
