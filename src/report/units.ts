/** The section of a report on images in a physical unit. */
import type { Change, Evidence, UnitResult } from '../evidence/evidence.ts'
import type { ProofSection } from './proof.ts'
import type { Row } from './tables.ts'

/** What must stay in an image whose numbers mean something. */
export function units({ units: results }: Evidence): ProofSection | undefined {
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
