/** What people look at before and after a harmonization, computed; the page draws it. */
import {
  type BeforeAfter,
  COMBAT_DIAGNOSTICS_VERSION,
  type CombatDiagnostics,
  type Probe,
  type Separation,
  type SiteProbe,
  type SiteSize,
} from '../evidence/combat-diagnostics.ts'
import { type BatchDesign, batchDesign, featureOf } from './batch-model.ts'
import { fisherRatios } from './class-separation.ts'
import { withoutCovariates } from './covariates-out.ts'
import { counted, type Features, levelsOf, listed, type Note, type SampleTable } from './data.ts'
import { indicesOf } from './design.ts'
import { peopleIn, rowsOfPeople, smallBatches, stratifiedFolds } from './folds.ts'
import type { CombatModel } from './model.ts'
import { componentsOf, priorsOf, siteBoxes } from './pictures.ts'
import { siteSizes } from './power.ts'
import { probeClasses } from './probe.ts'
import { covariateEffects, siteVariances } from './site-variance.ts'

export interface DiagnoseRequest {
  readonly before: Features
  /** The same rows and features, harmonized. */
  readonly after: { readonly features: Features; readonly from: 'table' | 'model' } | null
  readonly samples: SampleTable
  readonly model: CombatModel | null
  /** Column of classes of interest, with a name for each row; empty where it is unknown. */
  readonly label: { readonly name: string; readonly values: readonly string[] } | null
  readonly software: string
  readonly notes: readonly Note[]
}

/** Folds of the classifiers (chosen: the convention). */
const FOLDS = 5
const SEED = 0
/** Features that are drawn as boxes (chosen: what people look at). */
const MOST_BOXES = 9

/** @throws as `designOf`, for sites and covariates that cannot be told apart */
export function diagnoseCombat(request: DiagnoseRequest): CombatDiagnostics {
  const { before, samples, model, label, software } = request
  const after = request.after?.features ?? null
  const design = batchDesign(samples)
  const both = <T>(of: (features: Features) => readonly (T | null)[]): readonly BeforeAfter<T>[] => {
    const [own, other] = [of(before), after === null ? null : of(after)]
    return before.names.map((feature, f) => ({
      feature,
      before: own[f] ?? null,
      after: other?.[f] ?? null,
    }))
  }
  const variances = both((features) => siteVariances(features, design)).toSorted(
    (a, b) => (b.before?.location ?? -1) - (a.before?.location ?? -1),
  )
  const sites = siteSizes(samples, design.codings)
  const probe = siteProbes(before, after, samples, design)
  return {
    kind: 'combat-diagnostics',
    version: COMBAT_DIAGNOSTICS_VERSION,
    software,
    batch: samples.batchName,
    covariates: samples.covariates.map(({ name }) => name),
    rows: before.rows,
    features: before.names.length,
    harmonized: request.after?.from ?? null,
    sites,
    siteVariance: variances,
    siteProbe: probe,
    effects: covariateEffects(before, after, design),
    priors: model === null ? [] : priorsOf(model),
    boxes: variances.slice(0, MOST_BOXES).map(({ feature }) => {
      const f = before.names.indexOf(feature)
      const boxes = (features: Features | null) =>
        features === null ? null : siteBoxes(featureOf(features, f), samples)
      return { feature, before: boxes(before), after: boxes(after) }
    }),
    components: {
      before: componentsOf(before.values, samples),
      after: after === null ? null : componentsOf(after.values, samples),
    },
    separation: label === null ? null : separationOf(label, before, after, samples, design),
    notes: [...request.notes, ...sizeNotes(sites, samples.batchName), ...probeNotes(probe, samples)].map(
      ({ code, text }) => ({ code, text }),
    ),
  }
}

/** Of sites with as many people as folds, with the covariates' slopes of the training rows taken out. */
function siteProbes(
  before: Features,
  after: Features | null,
  samples: SampleTable,
  design: BatchDesign,
): SiteProbe {
  const leftOut = smallBatches(samples, FOLDS).map(({ name }) => name)
  const classes = design.batches.filter((name) => !leftOut.includes(name))
  if (classes.length < 2) return { before: null, after: null, leftOut }
  const people = peopleIn(samples)
  const labels = indicesOf(samples.batch, classes)
  const dealt = stratifiedFolds(samples.batch, people, FOLDS, SEED)
  const foldOf = dealt.map((fold, row) => ((labels[row] ?? -1) < 0 ? -1 : fold))
  const probe = ({ values, rows }: Features): Probe =>
    probeClasses({
      rows,
      table: (fold) =>
        withoutCovariates(values, design, (row) => foldOf[row] !== fold && (foldOf[row] ?? -1) >= 0),
      foldOf,
      folds: FOLDS,
      labels,
      classes,
      people: rowsOfPeople(people),
      seed: SEED,
    })
  return { before: probe(before), after: after === null ? null : probe(after), leftOut }
}

function probeNotes({ after, leftOut }: SiteProbe, { batchName }: SampleTable): readonly Note[] {
  const notes: Note[] = []
  if (leftOut.length > 0)
    notes.push({
      code: 'small-sites',
      text: `${batchName} ${listed(leftOut)}: fewer people than the ${FOLDS} folds of the classifier, which leaves ${leftOut.length === 1 ? 'it' : 'them'} out.`,
    })
  if (after !== null && after.balancedAccuracy < after.chance.low)
    notes.push({
      code: 'below-chance',
      text:
        'After harmonization the classifier does worse than chance. This is what a table looks like that was harmonized with the very rows that are held out: their site is centred with ' +
        'them, so that those left lie on the other side. It says nothing of new people: attune combat crossfit does.',
    })
  return notes
}

function separationOf(
  label: NonNullable<DiagnoseRequest['label']>,
  before: Features,
  after: Features | null,
  samples: SampleTable,
  design: BatchDesign,
): Separation {
  const named = levelsOf(label.values.filter((name) => name !== ''))
  const labels = indicesOf(label.values, named)
  const rowsOf = (name: string): number => label.values.filter((own) => own === name).length
  const people = peopleIn(samples)
  const strata = samples.batch.map((batch, row) => JSON.stringify([label.values[row], batch]))
  const dealt = stratifiedFolds(strata, people, FOLDS, SEED)
  const foldOf = dealt.map((fold, row) => ((labels[row] ?? -1) < 0 ? -1 : fold))
  const enough = named.length >= 2 && named.every((name) => rowsOf(name) >= FOLDS)
  const probe = (features: Features | null): Probe | null =>
    features === null || !enough
      ? null
      : probeClasses({
          rows: features.rows,
          table: () => features.values,
          foldOf,
          folds: FOLDS,
          labels,
          classes: named,
          people: rowsOfPeople(people),
          seed: SEED,
        })
  const ratios = (features: Features) => fisherRatios(features, design.groupOf, labels, named.length)
  const [own, other] = [ratios(before), after === null ? null : ratios(after)]
  return {
    label: label.name,
    classes: named.map((name) => ({ name, rows: rowsOf(name) })),
    fisher: before.names.map((feature, f) => ({
      feature,
      before: own[f] ?? null,
      after: other?.[f] ?? null,
    })),
    probe: { before: probe(before), after: probe(after) },
  }
}

/** A large effect after Cohen, in SD. */
const LARGE = 0.8

/** Where a site is too small for its effect to be seen. */
function sizeNotes(sites: readonly SiteSize[], batchName: string): readonly Note[] {
  const few = sites.filter(({ smallestShift }) => (smallestShift ?? Number.POSITIVE_INFINITY) > LARGE)
  if (few.length === 0) return []
  return [
    {
      code: 'low-power',
      text:
        `${batchName} ${listed(few.map(({ name, rows }) => `${name} (${counted(rows, 'row')})`))}: even a large difference to the others (${LARGE} SD) would be missed in more than ` +
        'one study of five. That none is seen there says little, and its estimates are drawn strongly towards what features have in common.',
    },
  ]
}
