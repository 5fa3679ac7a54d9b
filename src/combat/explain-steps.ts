/** What a model of several columns of batches says. */
import type { Note } from './data.ts'
import { type Explanation, explainCombat } from './explain.ts'
import { type CombatSteps, onceEach } from './steps.ts'

export interface StepsExplanation {
  readonly nested: boolean
  readonly columns: readonly string[]
  readonly harmonized: number
  readonly steps: readonly Explanation[]
  readonly notes: readonly Note[]
  /** For the methods section of a paper. */
  readonly methods: string
}

const HORNG =
  'Horng H, Singh A, Yousefi B, et al. Generalized ComBat harmonization methods for radiomic features with multi-modal distributions and multiple batch effects. Scientific Reports 2022;12:4493. doi:10.1038/s41598-022-08412-9'
const LINDLEY =
  'Lindley DV, Smith AFM. Bayes estimates for the linear model. J R Stat Soc B 1972;34:1-41. doi:10.1111/j.2517-6161.1972.tb00885.x'

export function explainSteps({ nested, columns, steps: models }: CombatSteps): StepsExplanation {
  const names = columns.map(({ name }) => name)
  const steps = models.map(explainCombat)
  const how = nested
    ? `Effects of ${names.toReversed().join(' within ')} were removed in stages: those of the innermost level first, each brought to the level around it (effects in stages: Lindley and Smith 1972), those of ${names[0]} last.`
    : `Effects of ${names.join(', then of ')} were removed one after the other, each from what the one before left (Nested ComBat: Horng 2022).`
  // Each step's text ends with its references, a line each.
  const texts = steps.map(({ methods }) => methods.split('\n\n'))
  const references = [
    ...new Set([nested ? LINDLEY : HORNG, ...texts.flatMap(([, list = '']) => list.split('\n'))]),
  ]
  return {
    nested,
    columns: names,
    harmonized: Math.min(...steps.map(({ harmonized }) => harmonized)),
    steps,
    notes: onceEach(steps.flatMap(({ notes }) => notes)),
    methods: [how, ...texts.map(([text = ''], k) => `Step ${k + 1}: ${text}`), '', ...references].join('\n'),
  }
}
