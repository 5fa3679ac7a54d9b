/** How people are spread over the batches, where that makes harmonized numbers mislead. */
import { type Covariate, counted, levelsOf, type Note, type SampleTable } from './data.ts'
import { indicesOf } from './design.ts'

/** A covariate that goes with the batches. */
export interface Imbalance {
  readonly name: string
  /** `explains 24 % of age`, `goes with sex (phi 0.41)`. */
  readonly text: string
}

/**
 * Chosen: medium effects after Cohen (f = 0.25, a share of 1/17 of the variance; phi = 0.3), less what chance alone gives on average, and
 * beyond what chance gives in one table of a hundred. Small differences are found in every large study, and harm little.
 * @see Cohen, Statistical Power Analysis for the Behavioral Sciences, 2nd ed. (1988), 7.2.3 and 8.2.3
 */
const LEAST_SHARE = 0.25 ** 2 / (1 + 0.25 ** 2)
const LEAST_PHI_SQUARED = 0.3 ** 2

/** Whether a covariate differs strongly between batches; null when not, or when it cannot be said. */
export function imbalanceOf(covariate: Covariate, { batch }: SampleTable): Imbalance | null {
  const known = [...batch.keys()].filter((row) => {
    const value = covariate.values[row]
    return typeof value === 'number' ? Number.isFinite(value) : value !== '' && value !== undefined
  })
  const batches = levelsOf(known.map((row) => batch[row] ?? ''))
  const groupOf = indicesOf(
    known.map((row) => batch[row] ?? ''),
    batches,
  )
  const n = known.length
  const { name } = covariate
  if (covariate.kind === 'continuous') {
    const share = shareBetween(
      known.map((row) => covariate.values[row] ?? Number.NaN),
      groupOf,
      batches.length,
    )
    const freedom = batches.length - 1
    const beyond = 1 - ((1 - share) * (n - 1)) / (n - batches.length)
    if (!(beyond >= LEAST_SHARE && (n - 1) * share >= rareChiSquared(freedom))) return null
    return { name, text: `explains ${Math.round(100 * share)} % of the variance of ${name}` }
  }
  const values = known.map((row) => covariate.values[row] ?? '')
  const levels = levelsOf(values)
  // Columns of names that hardly repeat are ids or remarks.
  if (levels.length < 2 || levels.length > n / 4) return null
  const phiSquared = contingency(groupOf, batches.length, indicesOf(values, levels), levels.length)
  const freedom = (batches.length - 1) * (levels.length - 1)
  if (!(phiSquared - freedom / (n - 1) >= LEAST_PHI_SQUARED && n * phiSquared >= rareChiSquared(freedom)))
    return null
  return { name, text: `goes with ${name} (phi ${Math.sqrt(phiSquared).toFixed(2)})` }
}

/** Sum of squares between groups over that of all (eta squared); NaN when nothing varies. */
function shareBetween(values: readonly number[], groupOf: Int32Array, groups: number): number {
  const all = values.reduce((a, b) => a + b, 0) / values.length
  const sums = new Float64Array(groups)
  const counts = new Float64Array(groups)
  let total = 0
  values.forEach((value, i) => {
    const g = groupOf[i] ?? 0
    sums[g] = (sums[g] ?? 0) + value - all
    counts[g] = (counts[g] ?? 0) + 1
    total += (value - all) ** 2
  })
  return sums.reduce((sum, own, g) => sum + own ** 2 / (counts[g] ?? 1), 0) / total
}

/** Chi squared of the table of both, over the number of rows. */
function contingency(a: Int32Array, rows: number, b: Int32Array, columns: number): number {
  const cells = new Float64Array(rows * columns)
  const [inA, inB] = [new Float64Array(rows), new Float64Array(columns)]
  a.forEach((row, i) => {
    const column = b[i] ?? 0
    cells[row * columns + column] = (cells[row * columns + column] ?? 0) + 1
    inA[row] = (inA[row] ?? 0) + 1
    inB[column] = (inB[column] ?? 0) + 1
  })
  return (
    cells.reduce(
      (sum, cell, at) => sum + cell ** 2 / ((inA[Math.floor(at / columns)] ?? 1) * (inB[at % columns] ?? 1)),
      0,
    ) - 1
  )
}

/**
 * What chi squared exceeds in one case of a hundred.
 * @see Wilson, Hilferty, PNAS 17:684-688 (1931), doi:10.1073/pnas.17.12.684
 */
export function rareChiSquared(freedom: number): number {
  const part = 2 / (9 * freedom)
  return freedom * (1 - part + 2.3263 * Math.sqrt(part)) ** 3
}

/**
 * Over-harmonization: columns that describe people, were not declared, and go with the batches. Unbalanced design: declared ones that do.
 * @param undeclared columns that describe people and have no role
 * @param features   names of the features
 */
export function balanceNotes(
  samples: SampleTable,
  undeclared: readonly Covariate[],
  features: readonly string[],
): readonly Note[] {
  const single = onceEach(samples)
  const pick = (covariate: Covariate): Covariate =>
    covariate.kind === 'continuous'
      ? { ...covariate, values: Float64Array.from(single, (row) => covariate.values[row] ?? Number.NaN) }
      : { ...covariate, values: single.map((row) => covariate.values[row] ?? '') }
  const picked = { ...samples, batch: single.map((row) => samples.batch[row] ?? '') }
  const strong = (covariates: readonly Covariate[]): readonly Imbalance[] =>
    covariates.flatMap((covariate) => imbalanceOf(pick(covariate), picked) ?? [])
  const { batchName } = samples
  const lost = strong(undeclared)
  const harmonized = lost.filter(({ name }) => features.includes(name)).map(({ name }) => name)
  const uneven = strong(samples.covariates)
  const notes: Note[] = []
  if (lost.length > 0)
    notes.push({
      code: 'over-harmonization',
      text:
        `${batchName} ${lost.map(({ text }) => text).join(' and ')}, which ${lost.length === 1 ? 'is' : 'are'} not declared: what ${lost.length === 1 ? 'it explains' : 'they explain'} ` +
        `is taken for an effect of ${batchName} and removed. Keep it: ${lost.map(({ name }) => `--covariate ${name}`).join(' ')}.` +
        (harmonized.length === 0 ? '' : ` ${harmonized.join(', ')} was even harmonized as a feature.`),
    })
  if (uneven.length > 0)
    notes.push({
      code: 'unbalanced-design',
      text:
        `${batchName} ${uneven.map(({ text }) => text).join(' and ')} (${counted(single.length, 'row')}): effects of ${uneven.map(({ name }) => name).join(', ')} tested on the harmonized ` +
        `table look more certain than they are (Nygaard 2016), because the test does not know what was estimated before. Test on the table as it was, in one model with ${batchName} and the ` +
        'covariates; or permute, and fit again in each permutation: attune combat test does both.',
    })
  return notes
}

/** Where people come more than once: their first row at each batch, so that nobody counts twice there. */
function onceEach({ batch, subject }: SampleTable): readonly number[] {
  const seen = new Set<string>()
  return [...batch.keys()].filter((row) => {
    if (subject === undefined) return true
    const key = JSON.stringify([subject.of[row], batch[row]])
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}
