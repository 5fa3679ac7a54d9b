/** The sections that weigh the whole evidence: the ladder, the scanner probe, the people found again, scanners unseen. */
import type { Change, Confidence, Evidence, Figure, ProbeResult, UnitResult } from '../evidence/evidence.ts'
import type { Row, Table } from './tables.ts'
import { counted, figureOf, figureText, isFloor, methodName, percent } from './words.ts'

export interface ProofSection {
  readonly title: string
  /** What the table says, in a sentence or two. */
  readonly meaning: string
  /** Absent where nothing could be evaluated; `meaning` then says why. */
  readonly table?: Table
}

/** Those that the evidence holds. */
export function proofSections(evidence: Evidence): readonly ProofSection[] {
  return [ladder, units, probe, people, unseen].flatMap((section) => section(evidence) ?? [])
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

/** What must stay in an image whose numbers mean something. */
function units({ units: results }: Evidence): ProofSection | undefined {
  const [first] = results ?? []
  if (results === undefined || first === undefined) return undefined
  const inHu = first.unit === 'HU'
  const relative = ({ before, after }: Change): string => `${(100 * (after / before - 1)).toFixed(2)} %`
  const domains = [...new Set(results.map(({ domain }) => domain))]
  const names = [...new Set(results.flatMap(({ regions }) => regions.map(({ name }) => name)))]
  const row = (label: string, of: (result: UnitResult) => string | undefined): Row => ({
    label,
    cells: domains.map(
      (domain) => results.flatMap((one) => (one.domain === domain ? (of(one) ?? []) : [])).join('; ') || '–',
    ),
    role: 'tested',
  })
  return {
    title: 'Is the unit kept?',
    meaning: `Change of the mean of regions, away from their borders${inHu ? '' : '; of the total activity; and, reported without a limit since sharper images have higher ones, of SUVmax and SUVpeak (the highest mean over 1 cm³) in the body'}.`,
    table: {
      name: 'units',
      caption: inHu ? 'Change in HU, scan by scan' : 'Change in %, scan by scan',
      columns: ['Region', ...domains],
      rows: [
        ...names.map((name) =>
          row(name, ({ regions }) => {
            const found = regions.find((region) => region.name === name)
            return found && (inHu ? (found.after - found.before).toFixed(2) : relative(found))
          }),
        ),
        ...(inHu
          ? []
          : [
              row('total activity', ({ suv }) => suv && relative(suv.sum)),
              row('SUVmax', ({ suv }) => suv && relative(suv.max)),
              row('SUVpeak', ({ suv }) => suv && relative(suv.peak)),
            ]),
      ],
      notes: [],
    },
  }
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
      ? 'The harmonized scans could not all be measured.'
      : `A classifier trained anew on harmonized scans names the scanner of ${percent(after.accuracy, 0)} of those of other people (before: ${before === undefined ? '–' : percent(before.accuracy, 0)}; by chance ${rangeText(after.chance)}). ${after.accuracy <= after.chance.high ? 'It finds nothing that this test can show; another classifier might.' : 'So something of the scanner is left, in level, contrast, noise or sharpness; noise and sharpness, no curve of intensities takes away.'}`
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
