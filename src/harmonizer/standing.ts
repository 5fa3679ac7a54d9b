/** From scores of single scans to how a method stands: its mean error, how sure that is, and whether it does harm. */
import type { SelectionGate } from '../evidence/selection.ts'
import { maskedQuantiles } from '../kernels/quantile.ts'
import {
  atrophyKept,
  LESIONS_FROM,
  LESIONS_TO,
  lesionLimits,
  lesionsKept,
  noiseKept,
  REFERENCE_CHANGE_AT_MOST,
  rivalsOf,
  separationExcess,
} from './gates.ts'
import type { Method } from './method.ts'

/** How one method did on one source scan, compared with the same person's target scan. */
export interface PairScore {
  readonly subject: string
  readonly domain: string
  readonly session: string
  readonly method: Method
  /** Mean absolute error in the mask, in units of the reference's range (1st to 99th percentile). */
  readonly mae: number
  /** SD of noise in flat tissue of the output and of the target, in the same unit; absent where it cannot be measured. */
  readonly noise?: number | undefined
  readonly targetNoise?: number | undefined
  /** Whether the target's dark, middle and bright third are in that order in the output too. */
  readonly ordered: boolean
  /** Separation of tissues over the target's; absent where the target tells none apart. */
  readonly separation?: number | undefined
  /** Contrast kept of each lesion that the source can show; empty without truth. */
  readonly lesions: readonly number[]
  /** Mean absolute change of the pair's target scan by the same mapping, in the unit of `mae`; absent where it does not map the target. */
  readonly referenceChange?: number | undefined
  /** Share left of a small loss of volume, see atrophy.ts; absent for one curve. */
  readonly atrophyKept?: number | undefined
}

/** Why a method could not be fitted or applied. */
export interface Failure {
  readonly method: Method
  readonly reason: string
}

export interface Standing {
  readonly method: Method
  /** Mean over subjects of the mean over their scans; NaN where it could not be applied. */
  readonly error: number
  /** Of that mean; absent below two independent subjects. */
  readonly standardError?: number
  readonly gates: readonly SelectionGate[]
}

export interface StandingOptions {
  /** Subjects with the same key (relatives) are one observation. */
  readonly groupOf: (subject: string) => string
  /** Scored on the person fitted to: what is gained must then be more, and lesions be kept nearer. */
  readonly withinSubject?: boolean
  /** What two scans of one person differ by on the target scanner, in the unit of `mae`; absent without rescans. */
  readonly referenceRescan?: number | undefined
}

/**
 * Share of the scans of every scanner on which a gate must hold: on all of up to four, on four of five. Beside the medians that validation asks
 * for, a gate so holds for nearly everyone; asked of every scan, one chance reading among many would refuse any method.
 */
const MOST_SCANS = 0.8

/**
 * Part of a weaker method's error that a stronger one may leave at most (chosen): on 12 simulated scanners `tone` gained up to 7 % more on people it
 * was fitted to than on others, and gains below a tenth turned round between people.
 */
const WORTH_A_RUNG = 0.9

/**
 * The same where methods are scored on the person they were fitted to (chosen): of 24 simulated cohorts of one traveler, methods that left
 * 0.87 to 0.94 of a weaker one's error on that person left up to 1.13 of it on others, and those below 0.75 less everywhere.
 */
const WORTH_A_RUNG_WITHIN = 0.8

/** Of the tolerance for the contrast of lesions, what one person may use: the median of four to six moved by 0.06 (root mean square) from that person to others. */
const LESION_TOLERANCE_WITHIN = 0.5
/** The median of two moved by up to 0.25. */
const LEAST_LESIONS_WITHIN = 3

export function standingsOf(
  scores: readonly PairScore[],
  failures: readonly Failure[],
  options: StandingOptions,
): readonly Standing[] {
  const failed = [...new Map(failures.map((failure) => [failure.method, failure])).values()]
  const scored = [...new Set(scores.map(({ method }) => method))].filter(
    (method) => !failed.some((failure) => failure.method === method),
  )
  return [
    ...scored.map((method): Standing => {
      const own = scores.filter((score) => score.method === method)
      return {
        method,
        ...meanError(own, options.groupOf),
        gates: [
          errorGate(own, scores, options),
          noiseGate(own, scores),
          orderGate(own),
          tissueGate(own, scores),
          lesionGate(own, options),
          identityGate(own, options),
          heldOnMost(
            'atrophy',
            'a small loss of volume kept within a tenth',
            own.flatMap(({ domain, atrophyKept: kept }) =>
              kept === undefined ? [] : [{ domain, held: atrophyKept(kept) }],
            ),
          ),
        ],
      }
    }),
    ...failed.map(
      ({ method, reason }): Standing => ({
        method,
        error: Number.NaN,
        gates: [{ id: 'applied', status: 'fail', finding: reason }],
      }),
    ),
  ]
}

export function passes({ gates }: Standing): boolean {
  return gates.every(({ status }) => status !== 'fail')
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function meanError(
  own: readonly PairScore[],
  groupOf: StandingOptions['groupOf'],
): Pick<Standing, 'error' | 'standardError'> {
  const groups = new Map<string, number[]>()
  for (const { subject, mae } of own)
    groups.set(groupOf(subject), [...(groups.get(groupOf(subject)) ?? []), mae])
  const errors = [...groups.values()].map(mean)
  const error = mean(errors)
  const n = errors.length
  if (n < 2) return { error }
  const squares = errors.reduce((sum, value) => sum + (value - error) ** 2, 0)
  return { error, standardError: Math.sqrt(squares / (n - 1) / n) }
}

function domainsOf(scores: readonly PairScore[]): readonly string[] {
  return [...new Set(scores.map(({ domain }) => domain))].toSorted()
}

function onSameScan(a: PairScore, b: PairScore): boolean {
  return a.subject === b.subject && a.domain === b.domain && a.session === b.session
}

/** Nearer to the target than every method of a lower rung, by enough to be worth it. */
function errorGate(
  own: readonly PairScore[],
  all: readonly PairScore[],
  { withinSubject }: StandingOptions,
): SelectionGate {
  const worth = withinSubject ? WORTH_A_RUNG_WITHIN : WORTH_A_RUNG
  const [{ method } = { method: 'identity' as const }] = own
  if (method === 'identity')
    return { id: 'error', status: 'not-evaluated', finding: 'Nothing is weaker than nothing done.' }
  const worst = rivalsOf(method)
    .flatMap((rival) =>
      domainsOf(own).map((domain) => {
        const pairs = own
          .filter((score) => score.domain === domain)
          .flatMap((score) => {
            const other = all.find((row) => row.method === rival && onSameScan(row, score))
            return other === undefined ? [] : [{ mae: score.mae, limit: worth * other.mae }]
          })
        const nearer = pairs.filter(({ mae, limit }) => mae < limit).length
        return { rival, domain, nearer, n: pairs.length }
      }),
    )
    .filter(({ n }) => n > 0)
    .toSorted((a, b) => a.nearer / a.n - b.nearer / b.n)[0]
  if (worst === undefined)
    return { id: 'error', status: 'not-evaluated', finding: 'There is no weaker method to compare with.' }
  const { rival, domain, nearer, n } = worst
  return {
    id: 'error',
    status: nearer / n >= MOST_SCANS ? 'pass' : 'fail',
    finding: `nearer to the target than ${rival} by ${withinSubject ? 'a fifth' : 'a tenth'} on ${nearer} of ${n} scans of ${domain}`,
  }
}

function noiseGate(own: readonly PairScore[], all: readonly PairScore[]): SelectionGate {
  const [{ method } = { method: 'identity' as const }] = own
  if (method === 'identity') return { id: 'noise', status: 'not-evaluated', finding: 'Nothing is changed.' }
  return heldOnMost(
    'noise',
    'noise neither smoothed nor amplified',
    own.flatMap((score) => {
      const { noise, targetNoise, domain } = score
      if (noise === undefined || targetNoise === undefined || targetNoise === 0) return []
      const tone = all.find((row) => row.method === 'tone' && onSameScan(row, score))?.noise
      const held = noiseKept(noise / targetNoise, tone === undefined || tone === 0 ? undefined : noise / tone)
      return [{ domain, held }]
    }),
  )
}

function orderGate(own: readonly PairScore[]): SelectionGate {
  const scans = own.map(({ domain, ordered }) => ({ domain, held: ordered }))
  return heldOnMost('order', 'dark, middle and bright tissue in their order', scans)
}

/** Reference images are what the mapping aims at: it changes them by no more than a second scan would. */
function identityGate(own: readonly PairScore[], { referenceRescan }: StandingOptions): SelectionGate {
  const id = 'identity'
  const changes = own.flatMap(({ referenceChange }) => referenceChange ?? [])
  const [median] = maskedQuantiles(Float32Array.from(changes), null, [0.5])
  if (own[0]?.method === 'identity' || changes.length === 0)
    return { id, status: 'not-evaluated', finding: 'Reference images are not mapped.' }
  const found = `reference images changed by ${percent(median as number)} of the range`
  if (referenceRescan === undefined)
    return { id, status: 'not-evaluated', finding: `${found}; no rescans to hold it against` }
  return {
    id,
    status: (median as number) <= REFERENCE_CHANGE_AT_MOST * referenceRescan ? 'pass' : 'fail',
    finding: `${found}, rescans by ${percent(referenceRescan)}`,
  }
}

function percent(value: number): string {
  return `${(100 * value).toFixed(2)} %`
}

function heldOnMost(
  id: 'noise' | 'order' | 'tissues' | 'atrophy',
  what: string,
  scans: readonly { readonly domain: string; readonly held: boolean }[],
): SelectionGate {
  const counts = [...new Set(scans.map(({ domain }) => domain))].map((domain) => {
    const on = scans.filter((scan) => scan.domain === domain)
    return { domain, held: on.filter(({ held }) => held).length, n: on.length }
  })
  const worst = counts.toSorted((a, b) => a.held / a.n - b.held / b.n)[0]
  if (worst === undefined) return { id, status: 'not-evaluated', finding: 'It could not be measured.' }
  const { domain, held, n } = worst
  return {
    id,
    status: held / n >= MOST_SCANS ? 'pass' : 'fail',
    finding: `${what} on ${held} of ${n} scans of ${domain}`,
  }
}

/** Like the target, or between it and the source as it came. */
function tissueGate(own: readonly PairScore[], all: readonly PairScore[]): SelectionGate {
  if (own[0]?.method === 'identity')
    return { id: 'tissues', status: 'not-evaluated', finding: 'Nothing is changed.' }
  return heldOnMost(
    'tissues',
    'tissues separated as in the target or the source',
    own.flatMap((score) => {
      const { separation, domain } = score
      if (separation === undefined) return []
      const source = all.find((row) => row.method === 'identity' && onSameScan(row, score))?.separation
      return [{ domain, held: separationExcess(separation, source) <= 0 }]
    }),
  )
}

/** As in validation, by the median: single lesions are few voxels in noise. */
function lesionGate(own: readonly PairScore[], { withinSubject }: StandingOptions): SelectionGate {
  const part = withinSubject ? LESION_TOLERANCE_WITHIN : 1
  const medians = domainsOf(own).flatMap((domain) => {
    const kept = own.filter((score) => score.domain === domain).flatMap(({ lesions }) => lesions)
    const [median] = maskedQuantiles(Float32Array.from(kept), null, [0.5])
    return kept.length === 0 ? [] : [{ domain, median: median as number, n: kept.length }]
  })
  const off = ({ median }: { readonly median: number }): number =>
    Math.max(LESIONS_FROM - median, median - LESIONS_TO)
  const worst = medians.toSorted((a, b) => off(b) - off(a))[0]
  if (worst === undefined || own[0]?.method === 'identity')
    return { id: 'lesions', status: 'not-evaluated', finding: 'No lesion truth that could be measured.' }
  const { domain, median, n } = worst
  if (withinSubject && n < LEAST_LESIONS_WITHIN)
    return {
      id: 'lesions',
      status: 'fail',
      finding: `${n} lesions of one person on ${domain} are too few to tell whether contrast is kept`,
    }
  return {
    id: 'lesions',
    status: lesionsKept(median, part) ? 'pass' : 'fail',
    finding: `${median.toFixed(2)} of the contrast of lesions kept on ${domain} (median of ${n}${withinSubject ? `, of one person: ${lesionLimits(part)} allowed` : ''})`,
  }
}
