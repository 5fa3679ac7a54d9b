/** What a ComBat model says, as lines of a terminal. */
import type { Explanation } from '../combat/explain.ts'
import type { StepsExplanation } from '../combat/explain-steps.ts'
import { aligned } from '../report/aligned.ts'

export function explanationText(explanation: Explanation): readonly string[] {
  const { variant, formula, features, harmonized, rows, batches } = explanation
  const two = (value: number): string => (Number.isNaN(value) ? '-' : value.toFixed(2))
  const head = ['batch', 'rows', 'location, SD', 'its SD', 'variance ratio', 'its SD']
  const lines = batches.map(({ name, rows, estimated, location, scale }) => [
    estimated === 'fit' ? name : `${name} (new)`,
    String(rows),
    two(location.mean),
    two(location.sd),
    two(scale.mean),
    two(scale.sd),
  ])
  return [
    `${variant}: ${formula}`,
    `${harmonized} of ${features} features harmonized, from ${rows} rows. Taken out, mean and SD over the features:`,
    '',
    ...aligned([head, ...lines], 'right'),
    ...repeatedText(explanation),
    ...(explanation.smooth ?? []).map(
      ({ column, freedom, straight }) =>
        `s(${column}): ${two(freedom.low)} to ${two(freedom.high)} effective degrees of freedom (median ${two(freedom.median)}); a straight line in ${straight} of ${harmonized} features.`,
    ),
    ...covarianceText(explanation),
  ]
}

function covarianceText({ covariance }: Explanation): readonly string[] {
  if (covariance === undefined) return []
  const { components, share } = covariance
  return [
    '',
    `Covariance harmonized along ${components} principal components (${(100 * share).toFixed(1)} % of the variance of the residuals).`,
  ]
}

function repeatedText({ repeated }: Explanation): readonly string[] {
  if (repeated === undefined) return []
  const { people, repeaters, travelers, reliability, leftOut } = repeated
  return [
    '',
    `${people} people, ${repeaters} with several scans, ${travelers} on several scanners.`,
    ...(reliability === null
      ? []
      : [`${Math.round(100 * reliability)} % of the variance is between people (median over the features).`]),
    ...(leftOut === null
      ? []
      : [
          `People left out of the estimates (${leftOut.people} in ${leftOut.folds} folds): SD between scanners of one person ${leftOut.ratio.toFixed(2)} of before ` +
            `(median over the features), lower in ${Math.round(100 * leftOut.lower)} % of the features.`,
        ]),
  ]
}

/** Step by step, each as a model of its own. */
export function stepsText({ nested, columns, steps }: StepsExplanation): readonly string[] {
  return [
    nested
      ? `${columns.toReversed().join(' within ')}; the innermost first:`
      : `${columns.join(', then ')}, each on what the one before left:`,
    ...steps.flatMap((step, k) => ['', `Step ${k + 1}.`, ...explanationText(step)]),
  ]
}

/** What follows the figures where a model is explained: its notes, and the text for a paper. */
export function methodsText({ methods, notes }: Pick<Explanation, 'methods' | 'notes'>): readonly string[] {
  const remarks = notes.length === 0 ? [] : ['', ...notes.map(({ text }) => `note: ${text}`)]
  return [...remarks, '', 'For a paper:', '', methods]
}
