/** What is asked of an uncertainty map. */
import type { Gate } from '../src/evidence/evidence.ts'
import type { UncertaintyResult, WidthRow } from '../src/evidence/uncertainty.ts'

const OVERALL_FROM = 0.87
const OVERALL_TO = 0.93
const PLACE_FROM = 0.8
/** Tissues that fill less of the mask are shown, not judged: as in the gate on their separation, thin structures are mostly borders. */
const LEAST_SHARE = 0.01
const SPEARMAN_FROM = 0.3
/** Of fewer people the mean coverage says little: it varies by several percent from one to the next (chosen). */
const LEAST_PEOPLE = 5

export function uncertaintyGates(found: UncertaintyResult): readonly Gate[] {
  const [overall] = found.rows.filter(({ place }) => place === 'overall')
  const places = found.rows.filter(
    ({ place, share }) => place !== 'overall' && !(place.startsWith('tissue') && share < LEAST_SHARE),
  )
  const { spearman } = found
  return [
    gate(found, {
      id: 'coverage',
      title: 'Intervals as wide as they say',
      criterion: `the ${percent(found.level)} interval holds ${percent(OVERALL_FROM)} to ${percent(OVERALL_TO)} of the voxels of the target scan, mean over people.`,
      finding: overall && rowText(overall),
      met: overall !== undefined && overall.covered >= OVERALL_FROM && overall.covered <= OVERALL_TO,
    }),
    gate(found, {
      id: 'coverage-places',
      title: 'Nowhere much too narrow',
      criterion: `at least ${percent(PLACE_FROM)} in each tissue that fills ${percent(LEAST_SHARE)} of the mask, at edges and in lesions, mean over people.`,
      finding: places.length === 0 ? undefined : places.map(rowText).join('; '),
      met: places.every(({ covered }) => covered >= PLACE_FROM),
    }),
    gate(found, {
      id: 'width-error',
      title: 'Wide where the error is large',
      criterion: `Spearman correlation of width with absolute error at least ${SPEARMAN_FROM}, mean over people.`,
      finding: spearman === undefined ? undefined : spearman.toFixed(2),
      met: spearman !== undefined && spearman >= SPEARMAN_FROM,
    }),
  ]
}

interface Found extends Pick<Gate, 'id' | 'title' | 'criterion'> {
  readonly finding: string | undefined
  readonly met: boolean
}

/** Judged only where the map claims to be calibrated and enough people were tested. */
function gate(
  { calibrated, calibratedOn, people }: UncertaintyResult,
  { finding, met, ...rest }: Found,
): Gate {
  const found = finding === undefined ? 'Nothing could be measured.' : `${finding}.`
  if (!calibrated)
    return {
      ...rest,
      status: 'not-evaluated',
      finding: `${found} The map is labelled uncalibrated: ${calibratedOn} people were left out in training, fewer than 5.`,
    }
  if (people < LEAST_PEOPLE)
    return {
      ...rest,
      status: 'not-evaluated',
      finding: `${found} ${people} people are too few to judge it by (${LEAST_PEOPLE} are asked for).`,
    }
  return { ...rest, status: finding === undefined ? 'not-evaluated' : met ? 'pass' : 'fail', finding: found }
}

function rowText({ place, covered, confidence }: WidthRow): string {
  const sure =
    confidence === undefined ? '' : ` (95 %: ${percent(confidence.low)} to ${percent(confidence.high)})`
  return `${place} ${percent(covered)}${sure}`
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(1))} %`
}
