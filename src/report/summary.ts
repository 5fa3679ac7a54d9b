/** Evidence as a few lines for a terminal. */
import type { Evidence } from '../evidence/evidence.ts'
import { aligned } from './aligned.ts'
import { proofSections } from './proof.ts'
import { fidelityTable, lesionTable, type Table } from './tables.ts'
import { GATES, verdict } from './words.ts'

export function summaryText(evidence: Evidence): string {
  const { headline, tested } = verdict(evidence)
  return [
    tested,
    '',
    ...evidence.design.domains.flatMap((domain) => tableLines(fidelityTable(evidence, domain))),
    ...(evidence.lesions.length > 0 ? tableLines(lesionTable(evidence)) : []),
    ...proofSections(evidence).flatMap(({ title, meaning, table }) =>
      table?.name === 'ladder' ? [] : [`${title} ${meaning}`],
    ),
    '',
    ...evidence.gates.map(
      ({ title, status, finding }) => `${GATES[status].symbol} ${title}: ${GATES[status].word}. ${finding}`,
    ),
    headline,
  ].join('\n')
}

function tableLines({ caption, columns, rows, notes }: Table): readonly string[] {
  return [
    caption,
    ...aligned([columns, ...rows.map(({ label, cells }) => [label, ...cells])], 'right'),
    ...notes,
    '',
  ]
}
