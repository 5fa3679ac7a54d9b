/** Evidence as a few lines for a terminal. */
import type { Evidence } from '../evidence/evidence.ts'
import { proofSections } from './proof.ts'
import { fidelityTable, lesionTable, type Table } from './tables.ts'
import { GATES, verdict } from './words.ts'

export function summaryText(evidence: Evidence): string {
  const { headline, tested } = verdict(evidence)
  return [
    tested,
    '',
    ...evidence.design.domains.flatMap((domain) => aligned(fidelityTable(evidence, domain))),
    ...(evidence.lesions.length > 0 ? aligned(lesionTable(evidence)) : []),
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

function aligned({ caption, columns, rows, notes }: Table): readonly string[] {
  const lines = [columns, ...rows.map(({ label, cells }) => [label, ...cells])]
  const widths = columns.map((_, k) => Math.max(...lines.map((line) => line[k]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, k) => (k === 0 ? cell.padEnd(widths[k] ?? 0) : cell.padStart(widths[k] ?? 0)))
      .join('  ')
      .trimEnd()
  return [caption, ...lines.map(line), ...notes, '']
}
