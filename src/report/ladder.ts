/** Why this rung: the ladder that `auto` climbed, for terminal, Markdown and HTML. */
import type { Evidence } from '../evidence/evidence.ts'
import type { Selection, SelectionRung } from '../evidence/selection.ts'
import { html, type Markup } from './markup.ts'
import { counted, methodName, percent } from './words.ts'

const COLUMNS = ['Method', 'Rung', 'Error, % of range', 'Gates failed', 'Why'] as const

function cellsOf(row: SelectionRung): readonly string[] {
  return [
    methodName(row.method),
    String(row.rung),
    errorText(row),
    failedGates(row),
    `${verdictOn(row)}${row.reason}`,
  ]
}

/** For a terminal: one line a method, with its own name. */
export function ladderText(selection: Selection): string {
  const rows = selection.rungs.map((row) => [row.method, ...cellsOf(row).slice(1)])
  const widths = COLUMNS.map((head, k) =>
    Math.max(head.length, ...rows.map((cells) => cells[k]?.length ?? 0)),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, k) => cell.padEnd(widths[k] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(COLUMNS), ...rows.map(line), howChosen(selection), ...selection.remarks].join('\n')
}

/**
 * For the report in Markdown; nothing where the method was named by the user.
 * @param escaped makes text that Markdown leaves alone
 */
export function ladderLines({ selection }: Evidence, escaped: (text: string) => string): readonly string[] {
  if (selection === undefined) return []
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    '## Why this rung',
    '',
    line(COLUMNS),
    line(COLUMNS.map(() => '---')),
    ...selection.rungs.map((row) => line(cellsOf(row).map(escaped))),
    '',
    escaped([BEFORE, howChosen(selection), ...selection.remarks].join(' ')),
    '',
  ]
}

/** How it was scored, and against what, in words. */
function howChosen({ kind, travelers, folds, scans, limit, floor }: Selection): string {
  const people = counted(travelers, 'traveling subject')
  const scored =
    kind === 'leave-one-out'
      ? `Each error is the mean over subjects (± its standard error) on ${counted(scans, 'scan')} that the fits had not seen: ${folds} folds, relatives together, ${people} on the scanner with the fewest.`
      : `With ${people}, every method was scored on ${counted(scans, 'scan')} that it was fitted to: this tells nothing of other people, so a stronger method had to be nearer by a tenth.`
  const capped = limit === undefined ? '' : ` Rung ${limit.rung} was the limit: ${limit.reason}.`
  const under = floor === undefined ? '' : ` The same person scanned twice differs by ${percent(floor, 2)}.`
  return `${scored}${capped}${under}`
}

/** For the report in HTML; nothing where the method was named by the user. */
export function ladderSection({ selection }: Evidence): Markup | undefined {
  if (selection === undefined) return undefined
  return html`<h2>Why this rung</h2>
<p class="quiet">${BEFORE}</p>
<div class="scroll" tabindex="0" role="region" aria-label="The ladder"><table class="files"><caption>From the weakest correction to the strongest</caption>
<thead><tr>${COLUMNS.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>${selection.rungs.map(
    (row) =>
      html`<tr class="${row.status === 'chosen' ? 'tested' : 'baseline'}">${cellsOf(row).map((cell) => html`<td>${cell}</td>`)}</tr>`,
  )}</tbody></table></div>
${[howChosen(selection), ...selection.remarks].map((note) => html`<p class="fine">${note}</p>`)}
`
}

const BEFORE =
  'Chosen before this validation, on the training subjects alone: the weakest method that passes every gate and is within one standard error of the best.'

function errorText({ error, standardError }: SelectionRung): string {
  if (error === undefined) return '–'
  return standardError === undefined
    ? percent(error, 2)
    : `${percent(error, 2)} ± ${percent(standardError, 2)}`
}

function failedGates({ gates }: SelectionRung): string {
  const failed = gates.filter(({ status }) => status === 'fail').map(({ id }) => id)
  return failed.length > 0 ? failed.join(', ') : gates.length > 0 ? 'none' : '–'
}

function verdictOn({ status }: SelectionRung): string {
  return status === 'chosen' ? 'chosen: ' : 'passed over: '
}
