/** Results as Markdown tables that say how, where and when they were measured. */
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { writeFileAtomic } from '../src/files.ts'
import { packageFile } from '../src/package-root.ts'

export interface Section {
  readonly title?: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly notes?: readonly string[]
}

/** Writes bench/results/FILE.md (by default NAME.md), and the same to standard output. */
export async function publish(
  name: string,
  title: string,
  words: readonly string[],
  sections: readonly Section[],
  file: string = name,
): Promise<void> {
  const model = (cpus()[0]?.model ?? 'unknown CPU').replace(/\s+/g, ' ').trim()
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  const text = [
    `# ${title}`,
    '',
    `- command: \`npm run bench -- ${[name, ...words].join(' ')}\``,
    `- machine: ${model}, ${availableParallelism()} cores, ${memory}, Node ${process.versions.node}`,
    `- date: ${new Date().toISOString().slice(0, 10)}`,
    '',
    ...sections.flatMap(markdown),
  ].join('\n')
  await writeFileAtomic(packageFile(join('bench', 'results', `${file}.md`)), text)
  process.stdout.write(text)
}

function markdown({ title, columns, rows, notes = [] }: Section): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    ...(title === undefined ? [] : [`## ${title}`, '']),
    line(columns),
    line(columns.map(() => '---')),
    ...rows.map(line),
    '',
    ...(notes.length === 0 ? [] : [...notes, '']),
  ]
}

/** What a bench says while it works. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Of a sample: the sum of squares is divided by one less than their number. */
export function sd(values: readonly number[]): number {
  const middle = mean(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1))
}

export function percent(value: number | undefined, digits = 1): string {
  return value === undefined ? '–' : `${(100 * value).toFixed(digits)} %`
}

export function fixed(value: number | undefined, digits: number): string {
  return value === undefined ? '–' : value.toFixed(digits)
}
