/** What cohorts of every kind are checked for. */
import type { Cohort, CohortProblem } from './cohort.ts'

export function unknownTarget({ scans }: Cohort, target: string | undefined): readonly CohortProblem[] {
  const known = [...new Set(scans.map(({ domain }) => domain))].sort()
  if (target === undefined || known.includes(target)) return []
  return [
    {
      code: 'unknown-target',
      message: `No scan is of the target domain ${target}.`,
      remedy: `The domains are ${known.join(', ') || 'none'}: name one of them.`,
    },
  ]
}

/** One line per problem: of which row or image, what, and what to do. */
export function problemLines(problems: readonly CohortProblem[]): readonly string[] {
  return problems.map(({ row, image, message, remedy }) => {
    const where = row !== undefined ? `row ${row}: ` : image !== undefined ? `${image}: ` : ''
    return `- ${where}${message} ${remedy}`
  })
}
