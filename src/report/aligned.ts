/**
 * Rows as lines of a terminal, each column as wide as its widest cell; the first column stands to the left.
 * @param side of the other columns
 */
export function aligned(
  rows: readonly (readonly string[])[],
  side: 'left' | 'right' = 'left',
): readonly string[] {
  const widths = (rows[0] ?? []).map((_head, k) => Math.max(...rows.map((cells) => cells[k]?.length ?? 0)))
  const padded = (cell: string, k: number): string =>
    k === 0 || side === 'left' ? cell.padEnd(widths[k] ?? 0) : cell.padStart(widths[k] ?? 0)
  return rows.map((cells) => cells.map(padded).join('  ').trimEnd())
}
