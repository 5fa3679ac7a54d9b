/** The section of a report on the uncertainty map. */
import type { Evidence } from '../evidence/evidence.ts'
import type { WidthRow } from '../evidence/uncertainty.ts'
import type { ProofSection } from './proof.ts'
import { counted, percent } from './words.ts'

/** Half width of the 90 % interval of a normal error over its mean absolute value: 1.6449 / sqrt(2 / pi). */
const HALF_WIDTH_OF_MAE = 2.06

export function uncertainty({ uncertainty: found, harmonizer }: Evidence): ProofSection | undefined {
  if (found === undefined) return undefined
  const { level, calibratedOn, calibrated, people, families, rows, spearman, rescan } = found
  const [overall] = rows.filter(({ place }) => place === 'overall')
  const label = calibrated
    ? `Its widths come from errors in ${counted(calibratedOn, 'person', 'people')} left out in training.`
    : `It is uncalibrated: only ${counted(calibratedOn, 'person', 'people')} could be left out in training. It ranks voxels; its widths are a guess.`
  const noise =
    rescan === undefined || overall === undefined
      ? ''
      : ` Half widths are ${percent(overall.halfWidth, 1)} of the range on average; rescans on ${harmonizer.target} differ by ${percent(rescan, 1)}, which alone would take ${percent(HALF_WIDTH_OF_MAE * rescan, 1)}.`
  const ranks =
    spearman === undefined
      ? ''
      : ` Widths and errors rank voxels alike with a Spearman correlation of ${spearman.toFixed(2).replace('-', '−')}.`
  return {
    title: 'How far may a voxel be off?',
    meaning: `The uncertainty map gives for every voxel half the width of a ${percent(level, 0)} interval for what ${harmonizer.target} would have shown. ${label}${noise}${ranks} Receiver gain of the target scan, which no harmonizer can foresee, is part of the error.`,
    table: {
      name: 'uncertainty',
      caption: `Voxels of target scans within their interval, mean over ${counted(people, 'person', 'people')} of ${counted(families, 'family', 'families')}`,
      columns: [
        'Where',
        'Within',
        '95 %',
        'Half width, % of range',
        'MAE, % of range',
        'Of the mask',
        'People',
      ],
      rows: rows.map((row) => ({ label: placeName(row), cells: cellsOf(row), role: 'baseline' as const })),
      notes: [
        'Tissues by label, from dark to bright where they are estimated; edges: the steepest fifth of the target scan.',
      ],
    },
  }
}

function placeName({ place }: WidthRow): string {
  return place === 'overall' ? 'Everywhere' : `${place.charAt(0).toUpperCase()}${place.slice(1)}`
}

function cellsOf({ covered, confidence, halfWidth, error, share, people }: WidthRow): readonly string[] {
  return [
    percent(covered, 1),
    confidence === undefined ? '–' : `${percent(confidence.low, 1)} to ${percent(confidence.high, 1)}`,
    percent(halfWidth, 1),
    percent(error, 1),
    percent(share, 1),
    String(people),
  ]
}
