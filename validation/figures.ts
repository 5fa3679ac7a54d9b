/** From pairs to figures: medians over the pairs of a source domain, with the range; and the share of removable error. */
import type {
  AtrophyResult,
  ConsistencyResult,
  Figure,
  LesionResult,
  Metric,
  PairResult,
  Separation,
} from '../src/evidence/evidence.ts'
import { NOISE_AT_LEAST, NOISE_AT_MOST, noiseKept } from '../src/harmonizer/gates.ts'
import { scanSeparations } from '../src/harmonizer/separation.ts'
import { confidenceOf, type FamilyOf } from './intervals.ts'
import { pooled } from './pooling.ts'

/** What was found in one pair of scans of a person. */
export interface SubjectValue {
  readonly subject: string
  /** Absent where it could not be measured. */
  readonly value: number | undefined
}

export interface DomainResults {
  readonly domain: string
  /** The method under test. */
  readonly method: string
  readonly pairs: readonly PairResult[]
  readonly lesions: readonly LesionResult[]
  readonly separations: readonly Separation[]
  /** Scan-rescan MAE of the two scanners, in units of the range; empty where nobody was scanned twice. */
  readonly rescans: { readonly target: readonly SubjectValue[]; readonly source: readonly SubjectValue[] }
  readonly familyOf: FamilyOf
  readonly atrophy?: readonly AtrophyResult[]
  readonly consistency?: readonly ConsistencyResult[]
}

export function figuresOf(results: DomainResults): readonly Figure[] {
  const { pairs, rescans } = results
  const methods = [...new Set(pairs.map(({ method }) => method))]
  const fidelity = methods.flatMap((method) => {
    const rows = pairs.filter((row) => row.method === method)
    return [
      medianFigure(
        results,
        method,
        'mae',
        'range',
        valuesOf(rows, ({ mae }) => mae),
      ),
      medianFigure(
        results,
        method,
        'psnr',
        'dB',
        valuesOf(rows, ({ psnr }) => psnr),
      ),
      medianFigure(
        results,
        method,
        'ssim',
        '1',
        valuesOf(rows, ({ ssim }) => ssim),
      ),
      ...(method === 'identity' ? [] : noiseFigures(results, method, rows)),
    ]
  })
  const floors = [
    medianFigure(results, 'rescan-target', 'mae', 'range', rescans.target),
    medianFigure(results, 'rescan-source', 'mae', 'range', rescans.source),
  ].filter(({ n }) => n > 0)
  const floor = floorOf(floors)
  const known = [
    ...fidelity,
    ...floors,
    ...(floor === undefined ? [] : [{ ...floor, domain: results.domain }]),
  ]
  return [
    ...known,
    ...shares(results, known),
    ...fisherFigures(results),
    ...lesionFigures(results),
    ...preservationFigures(results),
  ]
}

function valuesOf<T extends { readonly subject: string }>(
  rows: readonly T[],
  value: (row: T) => number | undefined,
): readonly SubjectValue[] {
  return rows.map((row) => ({ subject: row.subject, value: value(row) }))
}

function medianOf(rows: readonly SubjectValue[]): number | undefined {
  return pooled(rows.map(({ value }) => value))?.median
}

export function medianFigure(
  { domain, familyOf }: Pick<DomainResults, 'domain' | 'familyOf'>,
  method: string,
  metric: Metric,
  unit: string,
  rows: readonly SubjectValue[],
): Figure {
  const found = pooled(rows.map(({ value }) => value))
  if (found === undefined)
    return { domain, method, metric, unit, n: 0, note: 'Could not be measured on any pair.' }
  const { n, median: value, min: low, max: high } = found
  const confidence = confidenceOf(rows, familyOf, medianOf)
  return {
    domain,
    method,
    metric,
    value,
    unit,
    n,
    interval: { kind: 'range', low, high },
    ...(confidence && { confidence }),
  }
}

function noiseFigures(
  results: DomainResults,
  method: string,
  rows: readonly PairResult[],
): readonly Figure[] {
  const toTarget = valuesOf(rows, ({ noiseSd, targetNoiseSd }) => ratio(noiseSd, targetNoiseSd))
  const toSource = valuesOf(rows, (row) =>
    ratio(row.noiseSd, results.pairs.find((p) => p.method === 'tone' && samePair(p, row))?.noiseSd),
  )
  const figures = [medianFigure(results, method, 'noise-ratio-target', '1', toTarget)]
  return toSource.every(({ value }) => value === undefined)
    ? figures
    : [...figures, medianFigure(results, method, 'noise-ratio-source', '1', toSource)]
}

function ratio(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b
}

function samePair(a: PairResult, b: PairResult): boolean {
  return a.subject === b.subject && a.sourceSession === b.sourceSession && a.targetSession === b.targetSession
}

/** The mean of both scanners' scan-rescan errors; half of it is not the floor, so both must be known. */
function floorOf(floors: readonly Figure[]): Omit<Figure, 'domain'> | undefined {
  const [a, b] = floors
  if (a?.value === undefined || b?.value === undefined) return undefined
  return { method: 'rescan', metric: 'mae', value: (a.value + b.value) / 2, unit: 'range', n: a.n + b.n }
}

/** (before − after) / (before − rescan), for every method above `zscore`. */
function shares(
  { domain, method: tested, pairs, familyOf }: DomainResults,
  known: readonly Figure[],
): readonly Figure[] {
  const value = (method: string, metric: Metric): number | undefined =>
    known.find((figure) => figure.method === method && figure.metric === metric)?.value
  const before = value('zscore', 'mae')
  const floor = value('rescan', 'mae')
  const methods = [...new Set(known.filter(({ metric }) => metric === 'ssim').map(({ method }) => method))]
  return methods.flatMap((method): Figure[] => {
    const after = value(method, 'mae')
    if (method === 'identity' || method === 'zscore' || after === undefined) return []
    const n = known.find((figure) => figure.method === method && figure.metric === 'mae')?.n ?? 0
    const figure = { domain, method, metric: 'removable-share', unit: '1', n } as const
    if (before === undefined || floor === undefined)
      return method === tested
        ? [
            {
              ...figure,
              note:
                floor === undefined
                  ? 'The share of removable error needs rescans on both scanners.'
                  : 'The share of removable error needs the zscore baseline.',
            },
          ]
        : []
    if (before <= floor)
      return [
        { ...figure, note: 'Gain and offset alone reach the scan-rescan floor: nothing is left to remove.' },
      ]
    const shareOf = (from: number, to: number): number => Math.min(1, (from - to) / (from - floor))
    const confidence = confidenceOf(
      pairs.filter((row) => row.method === 'zscore' || row.method === method),
      familyOf,
      (rows) => {
        const mae = (name: string): number | undefined =>
          pooled(rows.flatMap((row) => (row.method === name ? [row.mae] : [])))?.median
        return shareOf(mae('zscore') ?? Number.NaN, mae(method) ?? Number.NaN)
      },
    )
    const doubt = noiseDoubt(value(method, 'noise-ratio-target'), value(method, 'noise-ratio-source'))
    return [
      {
        ...figure,
        value: shareOf(before, after),
        ...(confidence && { confidence }),
        ...(doubt !== undefined && { note: `Does not count: ${doubt}` }),
      },
    ]
  })
}

/** Why a lower error may be smoothing, or added noise, rather than a removed scanner; `undefined` where it is neither. */
export function noiseDoubt(toTarget: number | undefined, toSource: number | undefined): string | undefined {
  if (toTarget === undefined) return 'noise could not be measured.'
  if (toTarget < NOISE_AT_LEAST)
    return `noise is ${toTarget.toFixed(2)} of the target's, below ${NOISE_AT_LEAST}; smoothing alone would lower the error.`
  if (!noiseKept(toTarget, toSource))
    return `noise is ${toTarget.toFixed(2)} of the target's and ${toSource?.toFixed(2)} of the source's after tone, both above ${NOISE_AT_MOST}.`
  return undefined
}

/** Separation of tissues over the target's, and the pair of tissues on which the harmonizer under test is farthest from it. */
function fisherFigures({ domain, method: tested, separations, familyOf }: DomainResults): readonly Figure[] {
  const scans = scanSeparations(separations)
  const name = ({ tissues: [dark, bright] }: Separation): string => `${dark} and ${bright}`
  const own = separations.filter(({ method }) => method === tested)
  const [farthest] = [...new Set(own.map(name))]
    .flatMap((tissues) => {
      const rows = own.filter((row) => name(row) === tissues)
      const ratio = medianOf(valuesOf(rows, ({ fisher, targetFisher }) => fisher / targetFisher))
      return ratio === undefined ? [] : [{ tissues, ratio }]
    })
    .toSorted((a, b) => Math.abs(Math.log(b.ratio)) - Math.abs(Math.log(a.ratio)))
  if (farthest === undefined) return []
  const methods = [...new Set(scans.map(({ method }) => method))]
  return methods.map((method): Figure => {
    const rows = scans.filter((scan) => scan.method === method)
    const figure = medianFigure(
      { domain, familyOf },
      method,
      'fisher-ratio',
      '1',
      valuesOf(rows, ({ ratio }) => ratio),
    )
    return method === tested
      ? {
          ...figure,
          note: `Farthest from the target: tissues ${farthest.tissues}, ${farthest.ratio.toFixed(2)}.`,
        }
      : figure
  })
}

function lesionFigures({ domain, lesions, pairs, familyOf }: DomainResults): readonly Figure[] {
  const visible = lesions.filter((lesion) => lesion.visible)
  const methods = [...new Set(pairs.map(({ method }) => method))].filter((method) => method !== 'identity')
  if (lesions.length === 0) return []
  return methods.map((method): Figure => {
    const found = pooled(visible.map(({ kept }) => kept[method]))
    const figure = { domain, method, metric: 'lesion-contrast', unit: '1', n: found?.n ?? 0 } as const
    if (found === undefined)
      return { ...figure, note: 'The source can show none of the lesions (CNR below 1).' }
    const confidence = confidenceOf(
      valuesOf(visible, ({ kept }) => kept[method]),
      familyOf,
      medianOf,
    )
    return {
      ...figure,
      value: found.median,
      interval: { kind: 'p10-p90', low: found.p10, high: found.p90 },
      ...(confidence && { confidence }),
    }
  })
}

/** What the harmonizer under test keeps, draws in, and does to rescans: medians over what could be measured. */
function preservationFigures(results: DomainResults): readonly Figure[] {
  const { method, pairs, atrophy = [], consistency = [] } = results
  const own = pairs.filter((row) => row.method === method)
  const rows: readonly (readonly [Metric, string, readonly SubjectValue[]])[] = [
    ['new-edges', '1', valuesOf(own, ({ newEdges }) => newEdges)],
    ['atrophy-kept', '1', valuesOf(atrophy, ({ kept }) => kept)],
    ['consistency', '1', valuesOf(consistency, ({ before, after }) => after / before)],
    ['round-trip', 'range', valuesOf(own, ({ roundTrip }) => roundTrip)],
  ]
  return rows
    .map(([metric, unit, values]) => medianFigure(results, method, metric, unit, values))
    .filter(({ n }) => n > 0)
}
