/** Acceptance criteria on what harmonization must leave as it is: reference images, volumes, flat tissue, rescans. */
import type { Figure, Gate, Metric } from '../src/evidence/evidence.ts'
import {
  ATROPHY_FROM,
  ATROPHY_TO,
  atrophyKept,
  CONSISTENCY_AT_MOST,
  NEW_EDGES_AT_MOST,
  REFERENCE_CHANGE_AT_MOST,
} from '../src/harmonizer/gates.ts'
import { isMethod, rungOf } from '../src/harmonizer/ladder.ts'
import { confidenceText, type GateInput, judged } from './gates.ts'

/** The last rung whose methods are one curve for the whole image. */
const LAST_CURVE = 2

type Input = GateInput & { readonly target: string }

export function preservationGates(input: Input): readonly Gate[] {
  return [identityGate(input), atrophyGate(input), edgeGate(input), consistencyGate(input)]
}

function identityGate({ method, target, figures }: Input): Gate {
  const gate = {
    id: 'identity',
    title: 'Reference images left as they are',
    criterion: `a reference image sent through the mapping changes by at most ${REFERENCE_CHANGE_AT_MOST} x what two scans of one person differ by on the reference scanner (medians of mean absolute differences).`,
  }
  const open = (finding: string): Gate => ({ ...gate, status: 'not-evaluated', finding })
  const change = figures.find((f) => f.metric === 'reference-change' && f.method === method)
  const floor = figures.find((f) => f.metric === 'mae' && f.method === 'rescan-target')?.value
  if (change?.value === undefined) return open('No reference image could be sent through the mapping.')
  const text = `${target}: ${percent(change.value)}${confidenceText(change, 100)} of the range`
  if (change.value === 0)
    return { ...gate, status: 'pass', finding: `${text}: reference images pass through unchanged.` }
  if (floor === undefined)
    return open(`${text}; nobody was scanned twice on ${target}, so there is nothing to hold it against.`)
  return judged(gate, [
    { text: `${text}, rescans ${percent(floor)}`, met: change.value <= REFERENCE_CHANGE_AT_MOST * floor },
  ])
}

function atrophyGate(input: GateInput): Gate {
  const gate = {
    id: 'atrophy',
    title: 'Small changes of volume survive',
    criterion: `of a region shrunk by 1 and 5 % in the source scan, median share of the change left between ${ATROPHY_FROM} and ${ATROPHY_TO} on every scanner.`,
  }
  return perScanner(
    input,
    gate,
    'atrophy-kept',
    atrophyKept,
    'No source scan has a region of one tissue, deep and large enough.',
  )
}

function edgeGate(input: GateInput): Gate {
  const gate = {
    id: 'edges',
    title: 'No edges drawn in',
    criterion: `gradient energy where the source has none at most ${NEW_EDGES_AT_MOST} x what one curve for the whole image would put there, median on every scanner.`,
  }
  const met = (ratio: number): boolean => ratio <= NEW_EDGES_AT_MOST
  const judgment = perScanner(input, gate, 'new-edges', met, 'No flat tissue was found.')
  // A mapping that varies over space puts slow slopes into flat tissue by right, and the measure does not tell them from edges yet.
  const local = isMethod(input.method) && rungOf(input.method) > LAST_CURVE
  if (!local || judgment.status === 'not-evaluated') return judgment
  return { ...judgment, status: 'not-evaluated', finding: `Reported, not judged: ${judgment.finding}` }
}

function consistencyGate(input: GateInput): Gate {
  const gate = {
    id: 'consistency',
    title: 'Rescans agree as before',
    criterion: `difference of two scans of one person on one source scanner at most ${CONSISTENCY_AT_MOST} x what it was, in the same unit, median on every scanner.`,
  }
  return perScanner(
    input,
    gate,
    'consistency',
    (ratio) => ratio <= CONSISTENCY_AT_MOST,
    'Nobody was scanned twice on a source scanner.',
  )
}

function perScanner(
  { method, domains, figures }: GateInput,
  gate: Pick<Gate, 'id' | 'title' | 'criterion'>,
  metric: Metric,
  met: (value: number) => boolean,
  unmeasured: string,
): Gate {
  const found = domains.flatMap((domain) => {
    const figure = figures.find((f) => f.domain === domain && f.method === method && f.metric === metric)
    return figure?.value === undefined ? [] : [{ text: textOf(figure), met: met(figure.value) }]
  })
  if (found.length === 0) return { ...gate, status: 'not-evaluated', finding: unmeasured }
  return judged(gate, found)
}

function textOf(figure: Figure): string {
  const { domain, value = Number.NaN, interval, n } = figure
  const range = interval && n > 1 ? `, ${interval.low.toFixed(2)} to ${interval.high.toFixed(2)} in ${n}` : ''
  return `${domain}: ${value.toFixed(2)}${confidenceText(figure)}${range}`
}

function percent(value: number): string {
  return `${(100 * value).toFixed(2)} %`
}
