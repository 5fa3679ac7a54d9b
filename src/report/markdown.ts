/** Evidence as Markdown: the same verdict, figures and limits as the HTML report, without pictures. */
import type { Evidence } from '../evidence/evidence.ts'
import { ladderLines } from './ladder.ts'
import { proofSections } from './proof.ts'
import { definitions, fidelityTable, lesionTable, type Table } from './tables.ts'
import { GATES, verdict } from './words.ts'

export function renderMarkdown(evidence: Evidence): string {
  const { headline, tested } = verdict(evidence)
  const { provenance, harmonizer, design, gates } = evidence
  const lines = [
    `# ${plain(evidence.title)}`,
    '',
    `**${plain(headline)}**`,
    '',
    plain(tested),
    '',
    '## Acceptance criteria',
    '',
    ...gates.map(
      ({ title, status, criterion, finding }) =>
        `- ${GATES[status].symbol} **${plain(title)}: ${GATES[status].word}.** ${plain(finding)} Criterion: ${plain(criterion)}`,
    ),
    '',
    ...proofSections(evidence).flatMap(({ title, meaning, table }) => [
      `## ${title}`,
      '',
      plain(meaning),
      '',
      ...(table === undefined ? [] : markdownTable(table)),
    ]),
    '## Fidelity',
    '',
    ...design.domains.flatMap((domain) => markdownTable(fidelityTable(evidence, domain))),
    ...(evidence.lesions.length > 0 ? ['## Lesions', '', ...markdownTable(lesionTable(evidence))] : []),
    ...ladderLines(evidence, cellText),
    '## How it was measured',
    '',
    ...definitions(evidence).map(([term, meaning]) => `- **${term}.** ${plain(meaning)}`),
    '',
    '## Limits',
    '',
    ...evidence.limits.map((limit) => `- ${plain(limit)}`),
    '',
    '## Provenance',
    '',
    `- Command: \`${provenance.command.replaceAll('`', "'")}\``,
    `- Date: ${plain(provenance.date)}; attune ${plain(provenance.attune)}; Node ${plain(provenance.node)}`,
    `- Harmonizer ${plain(harmonizer.name)}: manifest SHA-256 \`${harmonizer.manifestSha256}\``,
    `- Cohort ${plain(provenance.cohort.name)}: SHA-256 \`${provenance.cohort.sha256}\``,
    ...provenance.inputs.map(({ name, sha256 }) => `- ${plain(name)}: SHA-256 \`${sha256}\``),
  ]
  return `${lines.join('\n')}\n`
}

function markdownTable({ caption, columns, rows, notes }: Table): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.map(cellText).join(' | ')} |`
  return [
    `${plain(caption)}:`,
    '',
    line(columns),
    line(columns.map((_, index) => (index === 0 ? '---' : '---:'))),
    ...rows.map(({ label, cells, role }) => {
      const shown = [label, ...cells]
      return role === 'tested'
        ? `| ${shown.map((cell) => (cell === '' ? '' : `**${cellText(cell)}**`)).join(' | ')} |`
        : line(shown)
    }),
    '',
    ...notes.flatMap((note) => [plain(note), '']),
  ]
}

function cellText(cell: string): string {
  return plain(cell).replaceAll('|', '\\|')
}

/** Text that Markdown leaves alone: no markup, HTML or line ends of its own. */
function plain(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').replace(/[\\`*_[\]<>#]/g, '\\$&')
}
