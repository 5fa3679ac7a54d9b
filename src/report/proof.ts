/** The sections that weigh the whole evidence: the ladder, the scanner probe, the people found again, scanners unseen. */
import type { Confidence, Evidence, Figure, ProbeResult } from '../evidence/evidence.ts'
import type { Row, Table } from './tables.ts'
import { uncertainty } from './uncertainty.ts'
import { units } from './units.ts'
import { counted, figureOf, figureText, isFloor, METRICS, methodName, percent } from './words.ts'

export interface ProofSection {
  readonly title: string
  /** What the table says, in a sentence or two. */
  readonly meaning: string
  /** Absent where nothing could be evaluated; `meaning` then says why. */
  readonly table?: Table
}

/** Those that the evidence holds. */
export function proofSections(evidence: Evidence): readonly ProofSection[] {
  return [ladder, kept, units, probe, people, unseen, uncertainty].flatMap(
    (section) => section(evidence) ?? [],
  )
}

/** Every method on every scanner: how little correction would do. */
function ladder(evidence: Evidence): ProofSection | undefined {
  const { ladder: steps, design, harmonizer } = evidence
  if (steps === undefined) return undefined
  const cells = (method: string): readonly string[] =>
    design.domains.map((domain) => sureText(figureOf(evidence, domain, method, 'mae')))
  const floors = ['rescan', 'rescan-target', 'rescan-source'].filter((floor) =>
    design.domains.some((domain) => figureOf(evidence, domain, floor, 'mae') !== undefined),
  )
  return {
    title: 'The ladder',
    meaning:
      'Error left by every method, from those that change least to those that change most, all fitted to the same training scans: a higher rung is worth its freedom only where it leaves clearly less error, and scan-rescan is as low as any can be expected to get.',
    table: {
      name: 'ladder',
      caption: 'Median MAE in % of the range, with its 95 % interval over families where there is one',
      columns: ['Method', 'Rung', ...design.domains],
      rows: [
        ...steps.map(({ method, rung }) => ({
          label: methodName(method),
          cells: [String(rung), ...cells(method)],
          role: roleOf(method, harmonizer.method),
        })),
        ...floors.map((floor) => ({
          label: methodName(floor),
          cells: ['', ...cells(floor)],
          role: 'floor' as const,
        })),
      ],
      notes: [],
    },
  }
}

/** What harmonization must leave as it is. */
function kept(evidence: Evidence): ProofSection | undefined {
  const { design, harmonizer, figures } = evidence
  const { method, target } = harmonizer
  const columns = ['atrophy-kept', 'new-edges', 'consistency', 'round-trip'] as const
  const found = columns.filter((metric) => figures.some((figure) => figure.metric === metric))
  if (found.length === 0) return undefined
  const change = figureOf(evidence, target, method, 'reference-change')
  const reference =
    change?.value === undefined
      ? ''
      : change.value === 0
        ? ' Reference images pass through unchanged.'
        : ` Reference images sent through the mapping change by ${sureText(change)} of the range.`
  const roundTrip = found.includes('round-trip') || harmonizer.method === 'identity'
  return {
    title: 'What is kept',
    meaning: `Volumes, flat tissue and the agreement of rescans are to stay as they were.${reference}${roundTrip ? '' : ` No round trip was made: ${oneWay(method)}`}`,
    table: {
      name: 'kept',
      caption: 'Medians over scans, their range and, where there is one, the 95 % interval over families',
      columns: ['Scanner', 'What', 'Median', 'Range', '95 %'],
      rows: design.domains.flatMap((domain) =>
        found.map((metric) => ({
          label: domain,
          cells: [METRICS[metric].name, ...rangedCells(figureOf(evidence, domain, method, metric))],
          role: 'baseline' as const,
        })),
      ),
      notes: [],
    },
  }
}

/** Why there is no inverse. */
function oneWay(method: string): string {
  return method === 'residual-unet' || method === 'band-unet'
    ? 'what its network adds depends on the image around a voxel, and no function of the intensity takes it off again.'
    : 'the mapping is flat somewhere, and has made one intensity of two.'
}

/** "1.01", "0.97 to 1.03", "0.99 to 1.02". */
function rangedCells(figure: Figure | undefined): readonly [string, string, string] {
  if (figure?.value === undefined) return ['–', '', '']
  const { metric, value, interval, confidence, n } = figure
  const text = (one: number): string => figureText({ metric, value: one })
  const between = ({ low, high }: { readonly low: number; readonly high: number }): string =>
    `${text(low)} to ${text(high)}`
  return [
    text(value),
    interval === undefined || n < 2 ? '' : between(interval),
    confidence === undefined ? '' : between(confidence),
  ]
}

function probe(evidence: Evidence): ProofSection | undefined {
  const { probe: found, harmonizer } = evidence
  if (found === undefined) return undefined
  const title = 'Can the scanner still be told?'
  if (found.note !== undefined) return { title, meaning: `Not evaluated. ${found.note}` }
  const of = (method: string, training: ProbeResult['training']): ProbeResult | undefined =>
    found.results.find((result) => result.method === method && result.training === training)
  const methods = [...new Set(found.results.map(({ method }) => method))]
  const [before, after] = [of('identity', 'retrained'), of(harmonizer.method, 'retrained')]
  const meaning =
    after === undefined
      ? 'The outputs could not all be measured.'
      : `A classifier trained anew on the outputs names the scanner of ${percent(after.accuracy, 0)} of those of other people (before: ${before === undefined ? '–' : percent(before.accuracy, 0)}; by chance ${rangeText(after.chance)}). ${after.accuracy <= after.chance.high ? 'It finds nothing that this test can show; another classifier might.' : 'So something of the scanner is left, in level, contrast, noise or sharpness; noise and sharpness, no curve of intensities takes away.'}`
  return {
    title,
    meaning,
    table: {
      name: 'scanner-probe',
      caption: `Scans named right, mean over ${counted(found.scanners.length, 'scanner')}; ${counted(found.scans, 'scan')} of ${counted(found.families, 'family', 'families')}, each held out in turn`,
      columns: ['Method', 'Frozen', 'Chance', 'Retrained ↓', 'Chance', 'p'],
      rows: methods.map((method) => {
        const [frozen, retrained] = [of(method, 'frozen'), of(method, 'retrained')]
        return {
          label: methodName(method),
          cells: [
            frozen === undefined ? '' : percent(frozen.accuracy, 0),
            frozen === undefined ? '' : rangeText(frozen.chance),
            retrained === undefined ? '' : percent(retrained.accuracy, 0),
            retrained === undefined ? '' : rangeText(retrained.chance),
            retrained === undefined ? '' : retrained.p.toFixed(3),
          ],
          role: roleOf(method, harmonizer.method),
        }
      }),
      notes: [
        'Frozen: trained on scans as they were, tested on harmonized ones. Retrained: harmonized in both, the stricter test. p: retrained, against permuted names.',
      ],
    },
  }
}

function people({ identification, harmonizer }: Evidence): ProofSection | undefined {
  if (identification === undefined) return undefined
  const title = 'Is it still the same person?'
  if (identification.note !== undefined) return { title, meaning: `Not evaluated. ${identification.note}` }
  return {
    title,
    meaning:
      'Each scan is looked up among the target scans of all tested people: harmonization must not lose whom it belongs to, and own minus others must not fall.',
    table: {
      name: 'identification',
      caption: `Scans most similar to the target scan of their own person, of ${counted(identification.subjects, 'person', 'people')}`,
      columns: ['Method', 'Found ↑', '95 %', 'Own r', 'Others r', 'Own − others ↑', 'Scans'],
      rows: identification.results.map(({ method, scans, rankOne, confidence, self, others }) => ({
        label: methodName(method),
        cells: [
          percent(rankOne, 0),
          confidence === undefined ? '–' : rangeText(confidence),
          self.toFixed(3),
          others.toFixed(3),
          (self - others).toFixed(3).replace('-', '−'),
          String(scans),
        ],
        role: roleOf(method, harmonizer.method),
      })),
      notes: [],
    },
  }
}

function unseen({ unseen: scanners, harmonizer }: Evidence): ProofSection | undefined {
  if (scanners === undefined || scanners.length === 0) return undefined
  const refused = scanners.filter(({ refusal }) => refusal !== undefined)
  const said =
    refused.length === 0
      ? 'Their scans were accepted.'
      : `Their scans were refused (${refused.map(({ domain, refusal }) => `${domain}: ${refusal}`).join(' ')})`
  return {
    title: 'Scanners it was not trained on',
    meaning: `${said} What methods leave that need not know the scanner:`,
    table: {
      name: 'unseen-scanners',
      caption: `Median MAE in % of the range, against ${harmonizer.target}`,
      columns: ['Scanner, method', 'MAE', 'Pairs'],
      rows: scanners.flatMap(({ domain, figures }) =>
        figures.map((figure) => ({
          label: `${domain}, ${methodName(figure.method)}`,
          cells: [sureText(figure), String(figure.n)],
          role: roleOf(figure.method, harmonizer.method),
        })),
      ),
      notes: [],
    },
  }
}

function roleOf(method: string, tested: string): Row['role'] {
  return method === tested ? 'tested' : isFloor(method) ? 'floor' : 'baseline'
}

/** "3.9 % (3.5 to 4.2)". */
function sureText(figure: Figure | undefined): string {
  if (figure === undefined) return ''
  const { confidence } = figure
  if (confidence === undefined) return figureText(figure)
  return `${figureText(figure)} (${(100 * confidence.low).toFixed(1)} to ${(100 * confidence.high).toFixed(1)})`
}

function rangeText({ low, high }: Pick<Confidence, 'low' | 'high'>): string {
  return `${percent(low, 0)} to ${percent(high, 0)}`
}
