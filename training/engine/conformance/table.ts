/** Findings as a table of text. */
import type { Finding } from './conformance.ts'

/** One line an operation; reasons for refusals stand below their lines. */
export function conformanceTable(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length)) + 2
  const figure = (error: number | undefined): string =>
    (error === undefined ? '-' : error.toExponential(1)).padStart(9)
  const head = `${'operation'.padEnd(width)}${'value'.padStart(9)}${'gradient'.padStart(10)}  verdict`
  const lines = findings.map(({ name, needed, valueError, gradientError, verdict, reason }) => {
    const label = `${needed ? '*' : ' '} ${name}`.padEnd(width)
    return `${label}${figure(valueError)} ${figure(gradientError)}  ${verdict}${reason === undefined ? '' : `: ${reason}`}`
  })
  return [head, ...lines].join('\n')
}
