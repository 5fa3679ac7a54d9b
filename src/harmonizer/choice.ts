/**
 * Choice of the rung from scores handed in: the weakest correction that suffices and does no harm. Pure: who trains and scores
 * is training/select.ts.
 */
import { METHODS, rungOf } from './ladder.ts'
import type { Method } from './method.ts'
import { passes, type Standing } from './standing.ts'

/** What one method must be judged with. */
export interface ChoiceInput {
  readonly standings: readonly Standing[]
  /** What no harmonization gets under; absent where nothing is known of it. */
  readonly floor?: number | undefined
}

export interface Choice {
  /** Absent where every method that would help does harm. */
  readonly chosen?: Method
  /** Why each of the methods stands where it stands, in words. */
  readonly reasons: ReadonlyMap<Method, string>
}

/** Of the error that nothing done leaves: a method that would leave less, and may not be taken, shows that there is a scanner to remove (chosen). */
const MUCH_BETTER = 0.5

/** Part of an error that stands in for its standard error where one subject has none; see WORTH_A_RUNG of standing.ts. */
const PART_WITHOUT_ERROR = 0.1

/** The strongest rung that few travelers may choose: below four a standard error means nothing, and one person shows no other. */
export function highestRung(
  travelers: number,
): { readonly rung: number; readonly reason: string } | undefined {
  if (travelers >= 4) return undefined
  return travelers === 1
    ? { rung: 2, reason: 'one traveling subject shows nothing of other people' }
    : { rung: 4, reason: `${travelers} traveling subjects are too few for a standard error` }
}

/**
 * The one-standard-error rule with gates: among the methods that pass every gate, those whose error is within one standard error of the
 * best (or of the scan-rescan floor, below which there is no scanner left to remove); of these the weakest rung; in it the least error.
 * Nothing done is chosen where it suffices, not where it is all that is left and something that fails a gate would leave less than
 * half of its error: then there is no choice.
 * @see Breiman et al., Classification and Regression Trees, Wadsworth 1984, section 3.4.3 (the 1 SE rule)
 */
export function chooseRung({ standings, floor = 0 }: ChoiceInput): Choice {
  const passing = standings.filter(passes)
  const best = least(passing)
  if (best === undefined) return { reasons: new Map(standings.map((row) => [row.method, failing(row)])) }
  const within = tolerance(best)
  const limit = Math.max(best.error, floor) + within
  const sufficient = passing.filter(({ error }) => error <= limit)
  const rung = Math.min(...sufficient.map(({ method }) => rungOf(method)))
  const found = least(sufficient.filter(({ method }) => rungOf(method) === rung)) as Standing
  const better = standings.filter((row) => !passes(row) && row.error < MUCH_BETTER * found.error)
  if (found.method === 'identity' && found.error > floor + within && better.length > 0) {
    const nothing = `leaves ${percent(found.error)}: nothing done is no harmonization, and whatever would help fails a gate`
    return {
      reasons: new Map(standings.map((row) => [row.method, passes(row) ? nothing : failing(row)])),
    }
  }
  const reason = (row: Standing): string => {
    if (row === found) return chosenBecause(found, best, floor)
    if (!passes(row)) return failing(row)
    if (row.error > limit)
      return `leaves ${percent(row.error)}, more than one standard error above ${best.error >= floor ? `\`${best.method}\` (${percent(best.error)} ± ${percent(within)})` : `the floor (${percent(floor)} ± ${percent(within)})`}`
    return rungOf(row.method) > rung
      ? `not needed: \`${found.method}\`, which can change less, suffices`
      : `leaves ${percent(row.error)}, \`${found.method}\` of the same rung ${percent(found.error)}`
  }
  return { chosen: found.method, reasons: new Map(standings.map((row) => [row.method, reason(row)])) }
}

/**
 * Whether stronger methods are worth training: what can be chosen so far leaves more error than the floor and its own standard
 * error, or does harm, or nothing is known of the floor.
 */
export function misses({ standings, floor }: ChoiceInput): boolean {
  const { chosen } = chooseRung({ standings, floor })
  const found = standings.find(({ method }) => method === chosen)
  return found === undefined || floor === undefined || found.error > floor + tolerance(found)
}

/** From the weakest to the strongest. */
export function inLadderOrder<T extends { readonly method: Method }>(rows: readonly T[]): readonly T[] {
  return rows.toSorted((a, b) => METHODS.indexOf(a.method) - METHODS.indexOf(b.method))
}

function least(standings: readonly Standing[]): Standing | undefined {
  return standings.filter(({ error }) => Number.isFinite(error)).toSorted((a, b) => a.error - b.error)[0]
}

function tolerance({ error, standardError }: Standing): number {
  return standardError ?? PART_WITHOUT_ERROR * error
}

function failing({ gates }: Standing): string {
  const failed = gates.filter(({ status }) => status === 'fail').map(({ finding }) => finding)
  return `fails a gate: ${failed.join('; ')}`
}

function chosenBecause(found: Standing, best: Standing, floor: number): string {
  if (found === best) return 'passes every gate and leaves the least error'
  return found.error <= Math.max(best.error, floor) && floor > best.error
    ? 'passes every gate and reaches the scan-rescan floor'
    : `passes every gate, and is within one standard error of ${best.error >= floor ? `\`${best.method}\`` : 'the scan-rescan floor'}`
}

function percent(error: number): string {
  return `${(100 * error).toFixed(2)} %`
}
