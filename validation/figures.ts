/** From pairs to figures: medians over the pairs of a source domain, with the range; and the share of removable error. */
import type { Figure, LesionResult, Metric, PairResult } from '../src/evidence/evidence.ts'
import { NOISE_AT_LEAST, NOISE_AT_MOST } from '../src/harmonizer/gates.ts'
import { pooled } from './pooling.ts'

export interface DomainResults {
  readonly domain: string
  /** The method under test. */
  readonly method: string
  readonly pairs: readonly PairResult[]
  readonly lesions: readonly LesionResult[]
  /** Scan-rescan MAE of the two scanners, in units of the range; empty where nobody was scanned twice. */
  readonly rescans: { readonly target: readonly number[]; readonly source: readonly number[] }
}

export function figuresOf(results: DomainResults): readonly Figure[] {
  const { domain, pairs, rescans } = results
  const methods = [...new Set(pairs.map(({ method }) => method))]
  const fidelity = methods.flatMap((method) => {
    const rows = pairs.filter((row) => row.method === method)
    return [
      median(
        domain,
        method,
        'mae',
        'range',
        rows.map((row) => row.mae),
      ),
      median(
        domain,
        method,
        'psnr',
        'dB',
        rows.map((row) => row.psnr),
      ),
      median(
        domain,
        method,
        'ssim',
        '1',
        rows.map((row) => row.ssim),
      ),
      ...(method === 'identity' ? [] : noiseFigures(domain, method, rows, pairs)),
    ]
  })
  const floors = [
    median(domain, 'rescan-target', 'mae', 'range', rescans.target),
    median(domain, 'rescan-source', 'mae', 'range', rescans.source),
  ].filter(({ n }) => n > 0)
  const floor = floorOf(floors)
  const known = [...fidelity, ...floors, ...(floor === undefined ? [] : [{ ...floor, domain }])]
  return [...known, ...shares(results, known), ...lesionFigures(results)]
}

function median(
  domain: string,
  method: string,
  metric: Metric,
  unit: string,
  values: readonly (number | undefined)[],
): Figure {
  const found = pooled(values)
  if (found === undefined)
    return { domain, method, metric, unit, n: 0, note: 'Could not be measured on any pair.' }
  const { n, median: value, min: low, max: high } = found
  return { domain, method, metric, value, unit, n, interval: { kind: 'range', low, high } }
}

function noiseFigures(
  domain: string,
  method: string,
  rows: readonly PairResult[],
  pairs: readonly PairResult[],
): readonly Figure[] {
  const toTarget = rows.map(({ noiseSd, targetNoiseSd }) => ratio(noiseSd, targetNoiseSd))
  const toSource = rows.map((row) =>
    ratio(row.noiseSd, pairs.find((p) => p.method === 'tone' && samePair(p, row))?.noiseSd),
  )
  const figures = [median(domain, method, 'noise-ratio-target', '1', toTarget)]
  return toSource.every((value) => value === undefined)
    ? figures
    : [...figures, median(domain, method, 'noise-ratio-source', '1', toSource)]
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
function shares({ domain, method: tested }: DomainResults, known: readonly Figure[]): readonly Figure[] {
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
    const share = Math.min(1, (before - after) / (before - floor))
    const doubt = noiseDoubt(value(method, 'noise-ratio-target'), value(method, 'noise-ratio-source'))
    return [{ ...figure, value: share, ...(doubt !== undefined && { note: `Does not count: ${doubt}` }) }]
  })
}

/** Why a lower error may be smoothing, or added noise, rather than a removed scanner; `undefined` where it is neither. */
export function noiseDoubt(toTarget: number | undefined, toSource: number | undefined): string | undefined {
  if (toTarget === undefined) return 'noise could not be measured.'
  if (toTarget < NOISE_AT_LEAST)
    return `noise is ${toTarget.toFixed(2)} of the target's, below ${NOISE_AT_LEAST}; smoothing alone would lower the error.`
  if (toSource !== undefined && toSource > NOISE_AT_MOST)
    return `noise is ${toSource.toFixed(2)} of the source's after tone, above ${NOISE_AT_MOST}.`
  return undefined
}

function lesionFigures({ domain, lesions, pairs }: DomainResults): readonly Figure[] {
  const visible = lesions.filter((lesion) => lesion.visible)
  const methods = [...new Set(pairs.map(({ method }) => method))].filter((method) => method !== 'identity')
  if (lesions.length === 0) return []
  return methods.map((method): Figure => {
    const found = pooled(visible.map(({ kept }) => kept[method]))
    const figure = { domain, method, metric: 'lesion-contrast', unit: '1', n: found?.n ?? 0 } as const
    if (found === undefined)
      return { ...figure, note: 'The source can show none of the lesions (CNR below 1).' }
    return {
      ...figure,
      value: found.median,
      interval: { kind: 'p10-p90', low: found.p10, high: found.p90 },
    }
  })
}
