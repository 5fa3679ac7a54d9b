/** Acceptance criteria, and whether they are met. */
import type { Evidence, Figure, Gate, Metric } from '../src/evidence/evidence.ts'
import {
  FISHER_FROM,
  FISHER_TO,
  LESIONS_FROM,
  LESIONS_TO,
  lesionsKept,
  NOISE_AT_LEAST,
  NOISE_AT_MOST,
  noiseKept,
  rivalsOf,
  separationExcess,
} from '../src/harmonizer/gates.ts'

const MOST_REFUSED = 0.05
export interface GateInput {
  readonly method: string
  readonly domains: readonly string[]
  readonly figures: readonly Figure[]
  readonly lesions: Evidence['lesions']
  readonly scans: { readonly tested: number; readonly refused: readonly string[] }
}

export function gatesOf(input: GateInput): readonly Gate[] {
  return [errorGate(input), noiseGate(input), fisherGate(input), lesionGate(input), refusalGate(input)]
}

export function isMissed({ status }: Gate): boolean {
  return status === 'fail'
}

function value(
  { figures }: Pick<GateInput, 'figures'>,
  domain: string,
  method: string,
  metric: Metric,
): number | undefined {
  return figures.find((f) => f.domain === domain && f.method === method && f.metric === metric)?.value
}

function errorGate(input: GateInput): Gate {
  const { method, domains } = input
  const rivals = rivalsOf(method).filter((rival) =>
    domains.every((domain) => value(input, domain, rival, 'mae') !== undefined),
  )
  const gate = {
    id: 'error',
    title: 'Closer to the target than every weaker method',
    criterion: `median MAE below that of every method of a lower rung (${rivals.join(', ') || 'there is none'}) on every scanner.`,
  }
  if (rivals.length === 0)
    return { ...gate, status: 'not-evaluated', finding: 'The bundle holds no weaker method to compare with.' }
  const found = domains.map((domain) => {
    const figure = input.figures.find((f) => f.domain === domain && f.method === method && f.metric === 'mae')
    const after = figure?.value ?? Number.NaN
    const [best] = rivals
      .map((rival) => ({ rival, error: value(input, domain, rival, 'mae') ?? Number.NaN }))
      .toSorted((a, b) => a.error - b.error)
    const { rival = '', error = Number.NaN } = best ?? {}
    return {
      text: `${domain}: ${percent(after)}${confidenceText(figure, 100)}, best weaker method ${rival} ${percent(error)}`,
      met: after < error,
    }
  })
  return judged(gate, found)
}

function noiseGate(input: GateInput): Gate {
  const { method, domains } = input
  const gate = {
    id: 'noise',
    title: 'Neither smoothed nor noisier',
    criterion: `noise SD at least ${NOISE_AT_LEAST} of the target's (of the source's after tone, where that is lower) and at most ${NOISE_AT_MOST} of the target's (of the source's after tone, where that is higher).`,
  }
  const found = domains.flatMap((domain) => {
    const toTarget = value(input, domain, method, 'noise-ratio-target')
    const toSource = value(input, domain, method, 'noise-ratio-source')
    if (toTarget === undefined) return []
    const shown = `${toTarget.toFixed(2)} of the target's${toSource === undefined ? '' : `, ${toSource.toFixed(2)} of the source's after tone`}`
    return [{ text: `${domain}: ${shown}`, met: noiseKept(toTarget, toSource) }]
  })
  if (found.length === 0)
    return { ...gate, status: 'not-evaluated', finding: 'No flat tissue was found to measure noise in.' }
  return judged(gate, found)
}

function fisherGate({ method, domains, figures }: GateInput): Gate {
  const gate = {
    id: 'tissues',
    title: 'Tissues as well separated as in the target',
    criterion: `Fisher's criterion, output over target, mean over pairs of tissues, median between ${FISHER_FROM} and ${FISHER_TO} on every scanner (a rise means smoothing), or between that and what the source itself shows: noise and resolution are not corrected.`,
  }
  const found = domains.flatMap((domain) => {
    const figure = figures.find(
      (f) => f.domain === domain && f.method === method && f.metric === 'fisher-ratio',
    )
    if (figure?.value === undefined) return []
    const { value: ratio, note } = figure
    const source = value({ figures }, domain, 'identity', 'fisher-ratio')
    const beside = source === undefined ? '' : `, source ${source.toFixed(2)}`
    return [
      {
        text: `${domain}: ${ratio.toFixed(2)}${confidenceText(figure)}${beside}${note === undefined ? '' : ` (${note.replace(/\\.$/, '').toLowerCase()})`}`,
        met: separationExcess(ratio, source) <= 0,
      },
    ]
  })
  if (found.length === 0)
    return { ...gate, status: 'not-evaluated', finding: 'No two tissues are told apart in the target scans.' }
  return judged(gate, found)
}

/** " (95 %: 0.93 to 1.05)"; nothing where there is no interval. */
export function confidenceText(figure: Figure | undefined, unit = 1): string {
  const { low, high } = figure?.confidence ?? {}
  return low === undefined || high === undefined
    ? ''
    : ` (95 %: ${(unit * low).toFixed(2)} to ${(unit * high).toFixed(2)})`
}

function lesionGate(input: GateInput): Gate {
  const { method, domains, lesions, figures } = input
  const gate = {
    id: 'lesions',
    title: 'Lesion contrast kept',
    criterion: `median between ${LESIONS_FROM} and ${LESIONS_TO} on every scanner.`,
  }
  if (lesions.length === 0)
    return {
      ...gate,
      status: 'not-evaluated',
      finding: 'The cohort holds no lesion truth (column lesions) with lesions above 50 mm³.',
    }
  const found = domains.flatMap((domain) => {
    const figure = figures.find(
      (f) => f.domain === domain && f.method === method && f.metric === 'lesion-contrast',
    )
    if (figure?.value === undefined) return []
    const { value: median, interval, n } = figure
    const hidden = lesions.filter((lesion) => lesion.domain === domain && !lesion.visible).length
    return [
      {
        text: `${domain}: median ${median.toFixed(2)}${confidenceText(figure)}, 10th percentile ${interval?.low.toFixed(2)}, ${n} lesions${hidden === 0 ? '' : ` (and ${hidden} that the source cannot show)`}`,
        met: lesionsKept(median),
      },
    ]
  })
  if (found.length === 0)
    return {
      ...gate,
      status: 'not-evaluated',
      finding: 'The sources can show none of the lesions (CNR below 1).',
    }
  return judged(gate, found)
}

function refusalGate({ scans: { tested, refused } }: GateInput): Gate {
  const share = refused.length / (tested + refused.length)
  return {
    id: 'refusals',
    title: 'Test scans accepted',
    criterion: `at most ${100 * MOST_REFUSED} % of the test scans refused by a guard.`,
    status: share <= MOST_REFUSED ? 'pass' : 'fail',
    finding: [`${refused.length} of ${tested + refused.length} refused.`, ...refused].join(' '),
  }
}

export function judged(
  gate: Pick<Gate, 'id' | 'title' | 'criterion'>,
  found: readonly { readonly text: string; readonly met: boolean }[],
): Gate {
  const status = found.every(({ met }) => met) ? 'pass' : 'fail'
  return { ...gate, status, finding: `${found.map(({ text }) => text).join('; ')}.` }
}

function percent(error: number): string {
  return `${(100 * error).toFixed(2)} %`
}
