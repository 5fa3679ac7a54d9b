/** A report as files: HTML and Markdown to read, JSON and TSV to compute with, all from the same evidence. */
import { join } from 'node:path'
import type { Evidence } from '../evidence/evidence.ts'
import { writeFileAtomic } from '../files.ts'
import { renderHtml } from './html.ts'
import { renderMarkdown } from './markdown.ts'
import { tsvFiles } from './tables.ts'

/**
 * @param folder made where it does not exist; files of the same names are replaced
 * @returns the paths written, report.html first
 */
export async function writeReport(evidence: Evidence, folder: string): Promise<readonly string[]> {
  const files = Object.entries({
    'report.html': renderHtml(evidence),
    'report.md': renderMarkdown(evidence),
    'evidence.json': `${JSON.stringify(evidence)}\n`,
    ...tsvFiles(evidence),
  })
  for (const [name, content] of files) await writeFileAtomic(join(folder, name), content)
  return files.map(([name]) => join(folder, name))
}
