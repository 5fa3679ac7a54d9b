/** What a model says: figures for people who have to judge it, and the sentences that a paper needs. */
import type { Coding } from './coding.ts'
import { counted, listed, type Note } from './data.ts'
import type { CombatModel, PerFeature } from './model.ts'
import type { Variant } from './variants.ts'

/** Mean and standard deviation (divisor F - 1) over the features. */
export interface Summary {
  readonly mean: number
  readonly sd: number
}

export interface BatchExplanation {
  readonly name: string
  readonly rows: number
  readonly estimated: 'fit' | 'apply'
  /** In residual standard deviations of the feature, as taken out. */
  readonly location: Summary
  /** Residual variance over that of all, as taken out. */
  readonly scale: Summary
}

export interface Explanation {
  readonly software: string
  readonly variant: Variant
  readonly formula: string
  readonly rows: number
  readonly features: number
  readonly harmonized: number
  readonly batches: readonly BatchExplanation[]
  readonly notes: readonly Note[]
  /** For the methods section of a paper. */
  readonly methods: string
}

export function explainCombat(model: CombatModel): Explanation {
  return {
    software: model.software,
    variant: model.variant,
    formula: formulaOf(model),
    rows: model.rows,
    features: model.features.length,
    harmonized: harmonizedOf(model),
    batches: model.batches.map(({ name, rows, estimated, location, scale }) => ({
      name,
      rows,
      estimated,
      location: summaryOf(location),
      scale: summaryOf(scale),
    })),
    notes: model.notes,
    methods: methodsOf(model),
  }
}

/** `feature ~ age + sex (M against F) + site (location and scale)`. */
export function formulaOf({ covariates, batchColumn, variant, reference }: CombatModel): string {
  const effect = variant === 'mean-only' ? 'location' : 'location and scale'
  const site = `${batchColumn} (${effect}${reference === null ? '' : `, against ${reference}`})`
  return `feature ~ ${[...covariates.map(termOf), site].join(' + ')}`
}

function termOf(coding: Coding): string {
  return coding.kind === 'continuous'
    ? coding.name
    : `${coding.name} (${listed(coding.levels, 10)} against ${coding.base})`
}

function harmonizedOf({ mean }: CombatModel): number {
  return mean.filter((value) => value !== null).length
}

function summaryOf(values: PerFeature): Summary {
  const known = values.filter((value) => value !== null)
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length
  const squares = known.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, sd: Math.sqrt(squares / (known.length - 1)) }
}

const JOHNSON =
  'Johnson WE, Li C, Rabinovic A. Adjusting batch effects in microarray expression data using empirical Bayes methods. Biostatistics 2007;8:118-127. doi:10.1093/biostatistics/kxj037'
const FORTIN =
  'Fortin JP, Cullen N, Sheline YI, et al. Harmonization of cortical thickness measurements across scanners and sites. NeuroImage 2018;167:104-120. doi:10.1016/j.neuroimage.2017.11.024'
const HUBER = 'Huber PJ. Robust Statistics. Wiley, 1981 (section 7.8).'

const HOW: Readonly<Record<Variant, string>> = {
  eb: 'Location and scale of each feature were estimated by parametric empirical Bayes (normal and inverse gamma priors across features)',
  nonparametric:
    'Location and scale of each feature were estimated by empirical Bayes with a non-parametric prior across features',
  'no-eb': 'Location and scale were estimated for each feature by itself, without empirical Bayes',
  'mean-only': 'Only the location was adjusted, by parametric empirical Bayes (normal prior across features)',
  robust:
    "Location, scale and covariate effects were estimated by Huber's method (k = 1.345), and then drawn together by parametric empirical " +
    'Bayes (normal and inverse gamma priors across features)',
}

/** Sentences for a methods section, with references. */
function methodsOf(model: CombatModel): string {
  const { batches, batchColumn, covariates, reference, rows, features, variant, compat, software } = model
  const first = batches.filter(({ estimated }) => estimated === 'fit')
  const later = batches.filter(({ estimated }) => estimated === 'apply')
  const passed = features.length - harmonizedOf(model)
  const single = first.filter((batch) => batch.rows === 1)
  const kept =
    covariates.length === 0
      ? 'No covariate was declared: differences between batches that come from their people were removed too.'
      : `Effects of ${covariates.map(termOf).join(', ')} were estimated in the same model and kept.`
  const sentences = [
    `Effects of ${batchColumn} (${counted(first.length, 'level')}, ${Math.min(...first.map((batch) => batch.rows))} to ${Math.max(...first.map((batch) => batch.rows))} of ` +
      `${rows} rows each) on ${counted(features.length - passed, 'feature')} were removed with ComBat (Johnson 2007; Fortin 2018) as implemented in ${software}.`,
    kept,
    `${HOW[variant]}${
      compat === 'neurocombat'
        ? ', iterated until the largest relative change was at most 1e-4, as in neuroCombat.'
        : variant === 'eb' || variant === 'robust'
          ? ', iterated to the fixed point.'
          : '.'
    }`,
    reference === null
      ? 'Features were brought to the mean and variance of all batches together.'
      : `Features were brought to ${batchColumn} ${reference}, which was left as it was.`,
    ...(passed > 0 ? [`${counted(passed, 'feature')} could not be harmonized and stayed as measured.`] : []),
    ...(single.length > 0 && variant !== 'mean-only'
      ? [`Of ${listed(single.map(({ name }) => name))}, with one row each, the location alone was adjusted.`]
      : []),
    ...later.map(
      (batch) =>
        `Effects of ${batch.name} were estimated afterwards from ${counted(batch.rows, 'row')}, with covariate effects and variances as they were.`,
    ),
  ]
  const references = [JOHNSON, FORTIN, ...(variant === 'robust' ? [HUBER] : [])]
  return `${sentences.join(' ')}\n\n${references.join('\n')}`
}
