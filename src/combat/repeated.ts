/** People who were scanned more than once: what their variants of ComBat share. */
import { InputError } from '../errors.ts'
import { type LocationScale, takeOutGroupsInto } from '../kernels/location-scale.ts'
import { levelsOf, listed, type PerFeature, rowsWhere, type SampleTable } from './data.ts'
import type { Variant } from './variants.ts'

/**
 * - `traveling`: effects of scanners from people who were measured on several of them, with a level for each person
 * - `longitudinal`: people's levels are drawn from a normal distribution (random intercepts)
 */
export const REPEATED_VARIANTS = ['traveling', 'longitudinal'] as const
export type RepeatedVariant = (typeof REPEATED_VARIANTS)[number]
export type AnyVariant = Variant | 'covbat' | RepeatedVariant

export function isRepeated(variant: AnyVariant): variant is RepeatedVariant {
  return variant === 'traveling' || variant === 'longitudinal'
}

/** What a model knows of people who came more than once. */
export interface Repeated {
  /** Column that says who a row is of. */
  readonly subjectColumn: string
  readonly people: number
  /** People with two and more rows. */
  readonly repeaters: number
  /** People who were scanned at two and more batches. */
  readonly travelers: number
  /** Whether features were drawn together (empirical Bayes). */
  readonly shrunk: boolean
  /** How the residual variance of `longitudinal` was estimated; null for `traveling`. */
  readonly method: 'reml' | 'msr' | null
  /**
   * Variance between people over that between people and between scans of one person; 1 where each person has a level of their own.
   * The level of a person is the sum of their rows' z, less `effects`, times reliability / (1 - reliability + n * reliability).
   */
  readonly reliability: PerFeature
  /** Variance between scans of one person, over `variance` of the model. */
  readonly within: PerFeature
  /** Of each batch, in the order of the model: what is taken off before the level of a person is formed, in SD. */
  readonly effects: readonly PerFeature[]
  readonly leftOut: LeftOut | null
}

/** Evidence: people whose rows took no part in the estimates that are taken out of them. */
export interface LeftOut {
  /** How many people were left out, each once, in `folds` groups. */
  readonly people: number
  readonly folds: number
  /** SD between the means of batches of one person (root mean square over the people), in units of the feature. */
  readonly before: PerFeature
  readonly after: PerFeature
}

/** Number of the person of each row. @throws {InputError} for rows without a subject: who they are of must be known */
export function peopleOf(samples: SampleTable): { readonly personOf: Int32Array; readonly count: number } {
  const { source, subject, rowName, batch } = samples
  if (subject === undefined)
    throw new InputError(
      `${source}: has no column of subjects.`,
      'This variant has to know whose scans belong together: --subject COLUMN.',
    )
  const missing = rowsWhere(subject.of.map((name) => name === ''))
  if (missing.length > 0)
    throw new InputError(
      `${source}: "${subject.column}" is empty at ${listed(missing.map(rowName))} (${listed(levelsOf(missing.map((row) => batch[row] ?? '')))}).`,
      'Fill it in, with a name of its own for each person.',
    )
  const places = new Map<string, number>()
  for (const name of subject.of) if (!places.has(name)) places.set(name, places.size)
  return { personOf: Int32Array.from(subject.of, (name) => places.get(name) ?? -1), count: places.size }
}

/** People with rows at two and more batches. */
export function travelersOf(personOf: Int32Array, groupOf: Int32Array, people: number): readonly number[] {
  const first = new Int32Array(people).fill(-1)
  const traveled = new Set<number>()
  personOf.forEach((person, row) => {
    const group = groupOf[row] ?? -1
    if (first[person] === -1) first[person] = group
    else if (first[person] !== group) traveled.add(person)
  })
  return [...traveled]
}

/** Of how many people the rows are. */
export function peopleAmong(rows: Int32Array, personOf: Int32Array): number {
  return new Set(Array.from(rows, (row) => personOf[row])).size
}

/** A number for each batch, the same where people connect them. */
export function partsOf(groups: number, groupOf: Int32Array, subjects: readonly string[]): readonly number[] {
  const parts = Array.from({ length: groups }, (_, g) => g)
  const seen = new Map<string, number>()
  subjects.forEach((subject, row) => {
    const group = groupOf[row] ?? -1
    const other = seen.get(subject)
    seen.set(subject, group)
    const [from, to] = [parts[group], parts[other ?? group]]
    if (from !== to) for (let g = 0; g < groups; g++) if (parts[g] === from) parts[g] = to ?? g
  })
  return parts
}

/**
 * `takeOutGroupsInto` around the own level of each person, which is formed from the rows given and kept: only what is left of a scan is
 * scaled. A person with one row and a level of their own is moved only.
 */
export function takeOutAroundLevelsInto(
  out: Float64Array,
  values: Float64Array,
  model: LocationScale,
  { reliability, effects }: Pick<Repeated, 'reliability' | 'effects'>,
  columns: Float64Array,
  groupOf: Int32Array,
  personOf: Int32Array,
): void {
  const rows = groupOf.length
  const people = personOf.reduce((most, person) => Math.max(most, person + 1), 0)
  const sums = new Float64Array(people)
  const counts = new Float64Array(people)
  for (let f = 0; f < model.features; f++) {
    const mean = model.mean[f] ?? Number.NaN
    const sd = Math.sqrt(model.variance[f] ?? Number.NaN)
    const from = f * rows
    const x = values.subarray(from, from + rows)
    const to = out.subarray(from, from + rows)
    const share = reliability[f] ?? 0
    if (Number.isNaN(mean)) {
      to.set(x)
      continue
    }
    sums.fill(0)
    counts.fill(0)
    for (let i = 0; i < rows; i++) {
      let left = (x[i] ?? Number.NaN) - mean - sd * (effects[groupOf[i] ?? -1]?.[f] ?? Number.NaN)
      for (let q = 0; q * rows < columns.length; q++)
        left -= (model.slopes[q * model.features + f] ?? 0) * (columns[q * rows + i] ?? 0)
      const person = personOf[i] ?? -1
      if (Number.isNaN(left)) continue
      sums[person] = (sums[person] ?? 0) + left
      counts[person] = (counts[person] ?? 0) + 1
    }
    const level = sums.map((sum, person) => (sum * share) / (1 - share + share * (counts[person] ?? 0)) || 0)
    for (let i = 0; i < rows; i++) to[i] = (x[i] ?? Number.NaN) - (level[personOf[i] ?? -1] ?? 0)
    takeOutGroupsInto(to, to, model, f, columns, groupOf, effects.length)
    for (let i = 0; i < rows; i++) to[i] = (to[i] ?? Number.NaN) + (level[personOf[i] ?? -1] ?? 0)
  }
}
