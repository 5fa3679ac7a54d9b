/** The page of `attune combat diagnose`: one HTML file that needs nothing else. It draws diagnostics.json and computes nothing of its own. */
import type {
  BeforeAfter,
  CombatDiagnostics,
  CovariateEffect,
  Probe,
  SiteVariance,
} from '../evidence/combat-diagnostics.ts'
import { median } from '../kernels/median.ts'
import {
  beforeAfterKey,
  boxPlot,
  componentsPlot,
  effectPlot,
  pairsPlot,
  priorPlot,
  probePlot,
  sitesKey,
} from './combat-plots.ts'
import { dataTable } from './html.ts'
import { html, type Markup } from './markup.ts'
import { pageOf } from './page.ts'

/** Lines of a plot, and batches whose priors are drawn (chosen: what fits a screen). */
const [MOST_LINES, MOST_PRIORS, MOST_ROWS] = [15, 6, 50]

const MORE_STYLE = `
svg.swatch { display: inline-block; width: 14px; height: 12px; overflow: visible; vertical-align: -0.1em; margin-right: 0.3rem; }
.notes li { margin: 0 0 0.7rem; max-width: 76ch; }
`

export function renderDiagnostics(diagnostics: CombatDiagnostics): string {
  const { batch, covariates, rows, features, sites, harmonized, software, notes } = diagnostics
  const title = `What ${batch} does to ${features} ${features === 1 ? 'feature' : 'features'}`
  const main = html`<header>
<p class="kicker">attune combat diagnose</p>
<h1>${title}</h1>
<p class="lead">${lead(diagnostics)}</p>
<p class="quiet">${rows} rows; ${batch} has ${sites.length} different values. ${covariates.length === 0 ? 'No covariate is declared: differences between people count as differences between sites.' : `Beside the covariates ${covariates.join(', ')}.`} ${harmonized === null ? 'There is no harmonized table.' : harmonized === 'model' ? 'After: the model applied to the table.' : 'After: the harmonized table that was given.'}</p>
</header>
${notes.length === 0 ? undefined : html`<h2>To be noted</h2><ul class="notes">${notes.map(({ text }) => html`<li>${text}</li>`)}</ul>`}
${varianceSection(diagnostics)}
${probeSection(diagnostics)}
${componentsSection(diagnostics)}
${boxSection(diagnostics)}
${effectsSection(diagnostics)}
${separationSection(diagnostics)}
${priorSection(diagnostics)}
${sizeSection(diagnostics)}
<footer>Made by ${software}. Every figure stands in diagnostics.json. No id of a person is in either file.</footer>`
  return pageOf(title, main, MORE_STYLE)
}

function lead({ batch, siteVariance, siteProbe, harmonized }: CombatDiagnostics): string {
  const share = (which: 'before' | 'after'): string => {
    const found = middle(siteVariance, which, 'location')
    return found > 0 ? `explains ${percent(found)} of the variance` : 'explains no more than chance would'
  }
  const named = (probe: Probe | null): string =>
    probe === null
      ? ''
      : ` (a classifier names it in ${percent(probe.balancedAccuracy)}, chance is ${percent(probe.chance.mean)})`
  const before = `In the median feature ${batch} ${share('before')}${named(siteProbe.before)}`
  return harmonized === null
    ? `${before}.`
    : `${before}; after harmonization it ${share('after')}${named(siteProbe.after)}.`
}

function varianceSection({ batch, siteVariance, harmonized }: CombatDiagnostics): Markup {
  const rows = siteVariance.slice(0, MOST_LINES)
  const of = (part: keyof SiteVariance, source: readonly BeforeAfter<SiteVariance>[]) =>
    source.map(({ feature, before, after }) => ({
      feature,
      before: before === null ? null : 100 * before[part],
      after: after === null ? null : 100 * after[part],
    }))
  const spread = siteVariance.toSorted((a, b) => (b.before?.spread ?? -1) - (a.before?.spread ?? -1))
  const cell = (value: number | undefined): string => (value === undefined ? '' : percent(value))
  return html`<h2>Variance explained by ${batch}</h2>
<p class="quiet">Partial epsilon squared: the share of the variance that sites explain beside the covariates, less what chance explains. A feature in which sites do not differ is around 0, as often below as above; a table harmonized with these very rows lies below.</p>
${beforeAfterKey(harmonized !== null)}
<div class="grid"><figure><h3>Location</h3>${pairsPlot(of('location', rows), '% of the variance', `Share of the variance by ${batch} of ${rows.length} features.`)}</figure>
<figure><h3>Spread</h3>${pairsPlot(of('spread', spread.slice(0, MOST_LINES)), '% of the variance of distances', `Share of the variance of distances from the median by ${batch}.`)}</figure></div>
<details><summary>As a table</summary>${dataTable({
    name: 'site-variance',
    caption: `${batch}: share of the variance, ${Math.min(MOST_ROWS, siteVariance.length)} of ${siteVariance.length} features with the largest first`,
    columns: ['Feature', 'Location before', 'after', 'Spread before', 'after'],
    rows: siteVariance.slice(0, MOST_ROWS).map(({ feature, before, after }) => ({
      label: feature,
      cells: [cell(before?.location), cell(after?.location), cell(before?.spread), cell(after?.spread)],
      role: 'baseline',
    })),
    notes: [],
  })}</details>
`
}

function probeSection({ batch, siteProbe }: CombatDiagnostics): Markup {
  const { before, after, leftOut } = siteProbe
  return html`<h2>Can a classifier name the ${batch}?</h2>
<p class="quiet">Shrunk linear discriminant analysis, trained on four fifths of the people and judged on the others, with the slopes of the covariates taken out. The green band is what classifiers trained on permuted names reach.</p>
${before === null ? html`<p>Fewer than two sites have enough people.</p>` : html`<div class="grid"><figure>${probePlot(before, after, `${batch} named`)}<figcaption>${probeText(before, 'Before')} ${after === null ? '' : probeText(after, 'After')}</figcaption></figure></div>`}
${leftOut.length === 0 ? undefined : html`<p class="fine">Left out: ${leftOut.join(', ')}.</p>`}
`
}

function probeText({ balancedAccuracy, interval, chance, p, area }: Probe, when: string): string {
  return (
    `${when} ${percent(balancedAccuracy)} (95 % interval ${percent(interval.low)} to ${percent(interval.high)}), chance ${percent(chance.low)} to ${percent(chance.high)}, ` +
    `p ${p < 0.01 ? 'below 0.01' : p.toFixed(2)}${area === null ? '' : `; area under the curve ${area.value.toFixed(2)} (${area.low.toFixed(2)} to ${area.high.toFixed(2)})`}.`
  )
}

function componentsSection({ components, sites, batch }: CombatDiagnostics): Markup {
  const names = sites.map(({ name }) => name)
  return html`<h2>Principal components</h2>
<p class="quiet">Every row as a point, on the two directions in which the table varies most; ${batch} by colour and symbol. Each table has its own directions.</p>
${sitesKey(names)}
<div class="grid"><figure><h3>Before</h3>${componentsPlot(components.before, names, 'before')}</figure>${components.after === null ? undefined : html`<figure><h3>After</h3>${componentsPlot(components.after, names, 'after')}</figure>`}</div>
`
}

function boxSection({ boxes, batch, harmonized }: CombatDiagnostics): Markup {
  return html`<h2>By ${batch}</h2>
<p class="quiet">Median and quartiles, and the furthest values within 1.5 interquartile ranges; the features with the largest share of variance by ${batch} first. Covariates are not taken out: sites with other people differ here, and should.</p>
${beforeAfterKey(harmonized !== null)}
<div class="grid">${boxes.map((box) => html`<figure><h3>${box.feature}</h3>${boxPlot(box)}</figure>`)}</div>
`
}

function effectsSection({ effects, harmonized }: CombatDiagnostics): Markup | undefined {
  if (effects.length === 0) return undefined
  const kept = (effect: CovariateEffect): string =>
    effect.kept === null
      ? ''
      : `All features together, the effect after is ${effect.kept.toFixed(2)} of that before.`
  return html`<h2>Effects of the covariates</h2>
<p class="quiet">The honest model: batch and all covariates in one linear model, before and after alike, with 95 % intervals. Do not test on the harmonized table without the batch: attune combat test shows the difference.</p>
${beforeAfterKey(harmonized !== null)}
<div class="grid">${effects.map((effect) => html`<figure><h3>${effect.column}</h3>${effectPlot(effect, MOST_LINES)}<figcaption>${kept(effect)}</figcaption></figure>`)}</div>
`
}

function separationSection({ separation, harmonized, batch }: CombatDiagnostics): Markup | undefined {
  if (separation === null) return undefined
  const { label, classes, fisher, probe } = separation
  const rows = fisher.toSorted((a, b) => (b.before ?? -1) - (a.before ?? -1)).slice(0, MOST_LINES)
  return html`<h2>Classes of ${label}</h2>
<p class="quiet">${classes.map(({ name, rows: count }) => `${name}: ${count}`).join(', ')}. Fisher ratio: squared difference of the means over the sum of the variances, with the means of each ${batch} taken out first. Harmonization should leave it as it is, or raise it where ${batch} added noise.</p>
${beforeAfterKey(harmonized !== null)}
<div class="grid"><figure><h3>Fisher ratio</h3>${pairsPlot(rows, 'Fisher ratio', `Fisher ratio of ${label} of ${rows.length} features.`)}</figure>
${probe.before === null ? undefined : html`<figure><h3>Classifier of ${label}</h3>${probePlot(probe.before, probe.after, `${label} named`)}<figcaption>${probeText(probe.before, 'Before')} ${probe.after === null ? '' : probeText(probe.after, 'After')} A table that was harmonized as a whole knows the people that it is judged on: attune combat crossfit does without.</figcaption></figure>`}</div>
`
}

function priorSection({ priors }: CombatDiagnostics): Markup | undefined {
  const drawn = priors.slice(0, MOST_PRIORS)
  if (drawn.length === 0) return undefined
  return html`<h2>Estimates and priors</h2>
<p class="quiet">What the model found at each site over all features (grey), and the prior that single features were drawn towards (dashed). Where the two differ much in shape, the non-parametric variant is worth a try. ${priors.length > drawn.length ? `The first ${drawn.length} of ${priors.length}.` : ''}</p>
<div class="grid">${drawn.map(
    (prior) =>
      html`<figure><h3>${prior.batch}</h3>${prior.location === null ? undefined : priorPlot(prior, prior.location, 'Location, residual SD')}${prior.scale === null ? undefined : priorPlot(prior, prior.scale, 'Scale, ratio of variances')}${prior.location === null && prior.scale === null ? html`<p class="fine">Nothing to draw: the reference, or too few features.</p>` : undefined}</figure>`,
  )}</div>
`
}

function sizeSection({ sites, batch }: CombatDiagnostics): Markup {
  const cell = (value: number | null): string => (value === null ? '–' : value.toFixed(2))
  return html`<h2>What each ${batch} could show</h2>
${dataTable({
  name: 'sizes',
  caption:
    'Smallest effect, in residual SD, that a test at 5 % finds with a power of 80 %: (t0.975 + t0.8) × standard error (Bloom 1995). Smaller ones may be there and not be seen.',
  columns: ['Site', 'Rows', 'Shift against the others', 'Slope per SD, within', 'Two equal groups, within'],
  rows: sites.map(({ name, rows, smallestShift, smallestSlope, smallestDifference }) => ({
    label: name,
    cells: [String(rows), cell(smallestShift), cell(smallestSlope), cell(smallestDifference)],
    role: 'baseline',
  })),
  notes: [],
})}
`
}

function middle(
  rows: readonly BeforeAfter<SiteVariance>[],
  which: 'before' | 'after',
  part: keyof SiteVariance,
): number {
  return median(rows.flatMap((row) => row[which]?.[part] ?? []))
}

function percent(value: number): string {
  return `${(100 * value).toFixed(Math.abs(value) < 0.1 ? 1 : 0)} %`.replace('-', '−')
}
