/** What a model says: figures for people who have to judge it, and the sentences that a paper needs. */
import { median } from '../kernels/median.ts'
import type { Coding } from './coding.ts'
import type { Covariance } from './covariance.ts'
import { counted, listed, type Note, type PerFeature } from './data.ts'
import { type SmoothExplanation, smoothOf, smoothSentences, WOOD } from './explain-smooth.ts'
import type { BatchEffect, CombatModel } from './model.ts'
import type { AnyVariant, Repeated } from './repeated.ts'

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
  readonly variant: AnyVariant
  readonly formula: string
  readonly rows: number
  readonly features: number
  readonly harmonized: number
  readonly batches: readonly BatchExplanation[]
  readonly notes: readonly Note[]
  readonly repeated?: RepeatedExplanation
  /** Components whose location and scale were taken out too, and their share of the variance of the residuals. */
  readonly covariance?: { readonly components: number; readonly share: number }
  readonly smooth?: readonly SmoothExplanation[]
  /** For the methods section of a paper. */
  readonly methods: string
}

export interface RepeatedExplanation {
  readonly subjectColumn: string
  readonly people: number
  readonly repeaters: number
  readonly travelers: number
  /** Share of the variance that is between people, median over the features; null for `traveling`, where levels are not drawn. */
  readonly reliability: number | null
  /** Of people whose scans took no part in the estimates. */
  readonly leftOut: {
    readonly people: number
    readonly folds: number
    /** SD between scanners of one person, after over before: median over the features, and the share of features where it fell. */
    readonly ratio: number
    readonly lower: number
  } | null
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
    ...(model.repeated === undefined ? {} : { repeated: repeatedOf(model.repeated) }),
    ...(model.covariance === undefined ? {} : { covariance: covarianceOf(model.covariance) }),
    ...(model.smooth === undefined ? {} : { smooth: smoothOf(model.smooth) }),
    methods: methodsOf(model, model.features.length, harmonizedOf(model)),
  }
}

function covarianceOf({ explained }: Covariance): { readonly components: number; readonly share: number } {
  return { components: explained.length, share: explained.reduce((a, b) => a + b, 0) }
}

function repeatedOf({
  subjectColumn,
  people,
  repeaters,
  travelers,
  method,
  reliability,
  leftOut,
}: Repeated): RepeatedExplanation {
  const ratios = (leftOut?.after ?? []).flatMap((after, f) => {
    const before = leftOut?.before[f] ?? null
    return after === null || before === null || before === 0 ? [] : [after / before]
  })
  return {
    subjectColumn,
    people,
    repeaters,
    travelers,
    reliability: method === null ? null : median(reliability.filter((value) => value !== null)),
    leftOut:
      leftOut === null
        ? null
        : {
            people: leftOut.people,
            folds: leftOut.folds,
            ratio: median(ratios),
            lower: ratios.filter((ratio) => ratio < 1).length / ratios.length,
          },
  }
}

/** `feature ~ age + sex (M against F) + site (location and scale)`. */
export function formulaOf({
  covariates,
  batchColumn,
  variant,
  reference,
  repeated,
  within,
}: Pick<
  CombatModel,
  'covariates' | 'batchColumn' | 'variant' | 'reference' | 'repeated' | 'within'
>): string {
  const effect = variant === 'mean-only' ? 'location' : 'location and scale'
  const against = within === undefined ? reference : outerOf(batchColumn)
  const site = `${batchColumn} (${effect}${against === null ? '' : `, against ${against}`})`
  const person =
    repeated === undefined
      ? []
      : [`${repeated.subjectColumn} (${repeated.method === null ? 'a level each' : 'random intercept'})`]
  return `feature ~ ${[...covariates.map(termOf), ...person, site].join(' + ')}`
}

function termOf(coding: Coding): string {
  if (coding.kind === 'smooth') return `s(${coding.name})`
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

const YAMASHITA =
  'Yamashita A, Yahata N, Itahashi T, et al. Harmonization of resting-state functional MRI data across multiple imaging sites via the separation of site differences into sampling bias and measurement bias. PLoS Biology 2019;17:e3000042. doi:10.1371/journal.pbio.3000042'
const MAIKUSA =
  'Maikusa N, Zhu Y, Uematsu A, et al. Comparison of traveling-subject and ComBat harmonization methods for assessing structural brain characteristics. Human Brain Mapping 2021;42:5278-5287. doi:10.1002/hbm.25615'
const BEER =
  'Beer JC, Tustison NJ, Cook PA, et al. Longitudinal ComBat: a method for harmonizing longitudinal multi-scanner imaging data. NeuroImage 2020;220:117129. doi:10.1016/j.neuroimage.2020.117129'
const CHEN =
  'Chen AA, Beer JC, Tustison NJ, et al. Mitigating site effects in covariance for machine learning in neuroimaging data. Human Brain Mapping 2022;43:1179-1195. doi:10.1002/hbm.25688'
const REFERENCES: Readonly<Partial<Record<AnyVariant, readonly string[]>>> = {
  robust: [HUBER],
  traveling: [YAMASHITA, MAIKUSA],
  longitudinal: [BEER],
  covbat: [CHEN],
}

const HOW: Readonly<Record<AnyVariant, string>> = {
  traveling:
    'Locations were estimated by least squares with a level for each person, from people scanned on several scanners (Yamashita 2019; Maikusa 2021)',
  longitudinal:
    'Location and scale were estimated from residuals of a linear mixed model with a random intercept for each person (Beer 2020)',
  eb: 'Location and scale of each feature were estimated by parametric empirical Bayes (normal and inverse gamma priors across features)',
  covbat:
    'Location and scale of each feature were estimated by parametric empirical Bayes (normal and inverse gamma priors across features)',
  nonparametric:
    'Location and scale of each feature were estimated by empirical Bayes with a non-parametric prior across features',
  'no-eb': 'Location and scale were estimated for each feature by itself, without empirical Bayes',
  'mean-only': 'Only the location was adjusted, by parametric empirical Bayes (normal prior across features)',
  robust:
    "Location, scale and covariate effects were estimated by Huber's method (k = 1.345), and then drawn together by parametric empirical " +
    'Bayes (normal and inverse gamma priors across features)',
}

type Described = Pick<
  CombatModel,
  | 'batchColumn'
  | 'covariates'
  | 'reference'
  | 'rows'
  | 'variant'
  | 'compat'
  | 'software'
  | 'repeated'
  | 'covariance'
  | 'within'
  | 'smooth'
> & { readonly batches: readonly Pick<BatchEffect, 'name' | 'rows' | 'estimated'>[] }

/** Sentences for a methods section, with references. */
export function methodsOf(model: Described, features: number, harmonized: number): string {
  const { batches, batchColumn, covariates, reference, rows, variant, compat, software } = model
  const first = batches.filter(({ estimated }) => estimated === 'fit')
  const later = batches.filter(({ estimated }) => estimated === 'apply')
  const passed = features - harmonized
  const single = first.filter((batch) => batch.rows === 1)
  const kept =
    model.repeated !== undefined && covariates.length === 0
      ? "No covariate was in the model; people's own levels were kept."
      : covariates.length === 0
        ? 'No covariate was declared: differences between batches that come from their people were removed too.'
        : `Effects of ${covariates.map(termOf).join(', ')} were estimated in the same model and kept.`
  const sentences = [
    `Effects of ${batchColumn} (${counted(first.length, 'level')}, ${Math.min(...first.map((batch) => batch.rows))} to ${Math.max(...first.map((batch) => batch.rows))} of ` +
      `${rows} rows each) on ${counted(harmonized, 'feature')} were removed with ComBat (Johnson 2007; Fortin 2018) as implemented in ${software}.`,
    kept,
    ...smoothSentences(model),
    `${HOW[variant]}${
      compat === 'neurocombat'
        ? ', iterated until the largest relative change was at most 1e-4, as in neuroCombat.'
        : variant === 'eb' || variant === 'robust' || variant === 'covbat'
          ? ', iterated to the fixed point.'
          : '.'
    }`,
    model.within !== undefined
      ? `Features were brought to the mean and variance of the ${outerOf(batchColumn)} of their own.`
      : reference === null
        ? 'Features were brought to the mean and variance of all batches together.'
        : `Features were brought to ${batchColumn} ${reference}, which was left as it was.`,
    ...repeatedSentences(model),
    ...covarianceSentences(model),
    ...(passed > 0 ? [`${counted(passed, 'feature')} could not be harmonized and stayed as measured.`] : []),
    ...(single.length > 0 && variant !== 'mean-only' && model.repeated === undefined
      ? [`Of ${listed(single.map(({ name }) => name))}, with one row each, the location alone was adjusted.`]
      : []),
    ...later.map(
      (batch) =>
        `Effects of ${batch.name} were estimated afterwards from ${counted(batch.rows, 'row')}, with covariate effects and variances as they were.`,
    ),
  ]
  return `${sentences.join(' ')}\n\n${referencesOf(model).join('\n')}`
}

export function referencesOf({
  variant,
  smooth,
}: Pick<CombatModel, 'variant' | 'smooth'>): readonly string[] {
  return [JOHNSON, FORTIN, ...(REFERENCES[variant] ?? []), ...(smooth === undefined ? [] : [WOOD])]
}

/** `site` of `site/scanner`. */
function outerOf(batchColumn: string): string {
  return batchColumn.slice(0, batchColumn.lastIndexOf('/'))
}

function repeatedSentences({ repeated, variant }: Described): readonly string[] {
  if (repeated === undefined) return []
  const { people, repeaters, travelers, shrunk, method, leftOut } = repeated
  const { leftOut: evidence } = repeatedOf(repeated)
  return [
    `Of ${people} people, ${repeaters} were scanned more than once and ${travelers} on more than one scanner.`,
    variant === 'traveling'
      ? shrunk
        ? 'Locations, and the noise of scanners where it could be told apart (Grubbs 1948), were drawn together over the features by parametric empirical Bayes with the standard errors of the regression.'
        : 'Each feature was estimated by itself, without empirical Bayes.'
      : `Variances were estimated by restricted maximum likelihood${method === 'msr' ? '; residuals were standardized by the root of their mean square' : ''}.`,
    ...(leftOut === null || evidence === null
      ? []
      : [
          `In people left out of the estimates (${leftOut.people} in ${leftOut.folds} folds) the SD between scanners of one person fell to ${evidence.ratio.toFixed(2)} of before (median over features).`,
        ]),
  ]
}

function covarianceSentences({ covariance, batchColumn }: Described): readonly string[] {
  if (covariance === undefined) return []
  const { components, share } = covarianceOf(covariance)
  return [
    `Then covariance was harmonized (CovBat; Chen 2022): location and scale by ${batchColumn}, without empirical Bayes, were taken out of the scores of the residuals along ` +
      `${counted(components, 'principal component')} (${(100 * share).toFixed(1)} % of their variance).`,
  ]
}
