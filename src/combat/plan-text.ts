/** Text for a statistical analysis plan: what will be done, refused and reported, from the model of a first table. */
import { counted } from './data.ts'
import { formulaOf, referencesOf } from './explain.ts'
import type { CombatModel } from './model.ts'
import type { AnyVariant } from './repeated.ts'

const NYGAARD =
  'Nygaard V, Rodland EA, Hovig E. Methods that remove batch effects while retaining group differences may lead to exaggerated confidence in downstream analyses. Biostatistics 2016;17:29-39. doi:10.1093/biostatistics/kxv027'
const FREEDMAN =
  'Freedman D, Lane D. A nonstochastic interpretation of reported significance levels. Journal of Business & Economic Statistics 1983;1:292-298. doi:10.1080/07350015.1983.10509354'
const HOLM =
  'Holm S. A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 1979;6:65-70.'

/** Another variant whose assumptions differ, as a check on how much the result owes to them. */
const OTHERS: Readonly<Partial<Record<AnyVariant, string>>> = {
  eb: 'variants no-eb (each feature by itself) and robust (resistant to outliers)',
  nonparametric: 'variants eb (parametric priors) and no-eb (each feature by itself)',
  'no-eb': 'variants eb (features drawn together) and robust (resistant to outliers)',
  'mean-only': 'variant eb (location and scale)',
  robust: 'variants eb (least squares) and no-eb (each feature by itself)',
  traveling: 'each feature by itself (--no-eb)',
  longitudinal: 'residuals standardized by their mean square (--residual msr)',
}

/** Paragraphs under headings, and the references. */
export function analysisPlanOf(model: CombatModel): string {
  const { batchColumn, covariates, features, variant, reference, software, repeated, compat, batches } = model
  const kept = covariates.map(({ name }) => name)
  const site = batchColumn
  const terms = kept.length === 0 ? 'no covariate' : kept.join(', ')
  const sections: readonly (readonly [string, string])[] = [
    [
      'Estimand',
      `For each of ${counted(features.length, 'feature')}: the coefficient of the effect of interest${kept.length === 0 ? '' : ` (of ${terms})`} in a linear model with ${site}${kept.length === 0 ? '' : ' and all covariates'}, ` +
        `which is the difference between groups, or the slope, among people of one ${site}${kept.length > 1 ? ' who are equal in the other covariates' : ''}; one value for all of the ${counted(batches.length, 'batch')}. Effects of ${site} itself are not of interest.`,
    ],
    [
      'Harmonization',
      `ComBat, variant ${variant}${compat === null ? '' : ` with the stopping rule of ${compat}`}, as implemented in ${software}: ${formulaOf(model)}. Features are brought to ${reference === null ? `the mean and variance of all batches together` : `${site} ${reference}, which is not changed`}. ` +
        `${kept.length === 0 ? 'No covariate is kept.' : `Effects of ${terms} are estimated in the same model and kept.`} The model is fitted once, before any outcome is tested, and stored with its estimates; later rows are harmonized by the stored model.`,
    ],
    [
      'Primary analysis',
      repeated === undefined
        ? `Effects are tested on the features as measured, in one linear model of each feature with an intercept for each ${site} and all covariates (F test, two-sided 5 %), not on harmonized values: harmonization that keeps a covariate makes later tests of it too optimistic (Nygaard 2016). P-values are adjusted by Holm's method over the features. Harmonized values serve for description, for pictures and for prediction.`
        : `Effects are tested on the features as measured, in one mixed model of each feature with ${site}, all covariates and a random intercept for each ${repeated.subjectColumn}, not on harmonized values (Nygaard 2016). P-values are adjusted by Holm's method over the features.`,
    ],
    [
      'Prediction',
      `Where harmonized features enter a classifier, the harmonization is fitted within the training part of each fold alone and applied to the held-out part (attune combat crossfit); folds are stratified by ${site}, and nobody is in two folds. The predicted class is no covariate of the harmonization.`,
    ],
    [
      'What is refused, and missing data',
      `A table in which a covariate cannot be told from ${site} is not analysed with that covariate; nor is a ${site} added that the model does not know, unless it has 20 rows and more and is reported as added. ` +
        `Rows without ${site} or covariate are left out and counted. Missing features stay missing: each feature is estimated from the rows that have it. Features that are constant, or constant within a ${site}, are not harmonized and are named.`,
    ],
    [
      'Sensitivity analyses',
      [
        `(1) ${OTHERS[variant] ?? 'another variant'};`,
        `(2) leaving out each ${site} in turn;`,
        ...(repeated === undefined
          ? [
              '(3) a permutation test that repeats the harmonization, with residuals permuted within batches (Freedman and Lane 1983);',
            ]
          : []),
        `(${repeated === undefined ? 4 : 3}) the share of variance explained by ${site}, a cross-validated classifier of ${site}, and effects of the covariates before and after harmonization (attune combat diagnose).`,
      ].join(' '),
    ],
    [
      'Reporting',
      `Number of rows of each ${site}, with the smallest effect that each could show at a power of 80 %; effects with 95 % intervals in residual standard deviations; all notes of the program, in particular of designs that are not balanced; the stored model and the version of the software.`,
    ],
  ]
  const references = [...referencesOf(model), NYGAARD, HOLM, ...(repeated === undefined ? [FREEDMAN] : [])]
  return [...sections.map(([title, text]) => `${title}. ${text}`), references.join('\n')].join('\n\n')
}
