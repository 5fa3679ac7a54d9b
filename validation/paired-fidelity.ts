/**
 * The paired-fidelity study: people scanned on a source and on the target scanner, harmonized by a bundle that has
 * not seen them, compared with their own target scan; beside weaker methods fitted to the same training scans, and beside
 * what the same person scanned twice differs by. One pair of scans is in memory at a time.
 */

import { type Cohort, type Pair, pairsOf, type Scan } from '../src/cohort/cohort.ts'
import { familiesOf } from '../src/cohort/families.ts'
import { loadScan } from '../src/cohort/images.ts'
import { type CohortOptions, requireCohort } from '../src/cohort/manifest.ts'
import { translationCaveat, translationText } from '../src/domain/translation.ts'
import { InputError, RefusedError } from '../src/errors.ts'
import { EVIDENCE_SCHEMA, type Evidence, NOT_TESTED } from '../src/evidence/evidence.ts'
import { type Bundle, readBundle } from '../src/harmonizer/bundle.ts'
import { type Harmonizer, loadHarmonizer } from '../src/harmonizer/harmonizer.ts'
import { isMethod, rungOf } from '../src/harmonizer/ladder.ts'
import { seenInTraining } from '../src/harmonizer/manifest.ts'
import { pooledRange, rangeSample } from '../src/harmonizer/reference-range.ts'
import { trainingEvidence } from '../src/harmonizer/training-evidence.ts'
import { firstStageOf, unguardedBundle } from '../src/harmonizer/unguarded.ts'
import { scanFeatures } from '../src/metrics/scan-features.ts'
import { type Grid, toFloat32, voxelSize } from '../src/volume/volume.ts'
import { type Correction, correctionsOf, isClosedForm } from './corrections.ts'
import { coverageOf } from './coverage.ts'
import { figuresOf, medianFigure, type SubjectValue } from './figures.ts'
import { gatesOf } from './gates.ts'
import { confidenceMeaning } from './intervals.ts'
import { keptAsBefore } from './kept-as-before.ts'
import { type MeasuredPair, measurePair, type Refusal } from './measure-pair.ts'
import { identify, type Portrait, portraitGrid, portraitOf } from './portraits.ts'
import { preservationGates } from './preservation-gates.ts'
import { provenanceOf } from './provenance.ts'
import { allRescans } from './rescans.ts'
import { type ProbedScan, scannerProbe } from './scanner-probe.ts'
import { type Choice, chooseSubjects } from './subjects.ts'
import { uncertaintyGates } from './uncertainty-gates.ts'
import { unitGates } from './unit-gates.ts'
import { unseenScanners } from './unseen-scanners.ts'
import { type Views, viewsOf } from './views.ts'

export interface StudyOptions {
  /** `NAME.harmonizer`. */
  readonly bundle: string
  /** The cohort's manifest, or a BIDS dataset. */
  readonly cohort: string
  /** How a BIDS dataset is read. */
  readonly cohortOptions?: CohortOptions
  readonly subjects?: readonly string[] | undefined
  /** Test on the training subjects, and label the result as such. */
  readonly withinSubject?: boolean
  /** For the record. */
  readonly command: string
  readonly date: string
  readonly attune: string
}

export interface StudyProgress {
  readonly stage: 'reference' | 'pairs' | 'rescans' | 'uncertainty'
  readonly done: number
  readonly total: number
}

type OnProgress = (progress: StudyProgress) => void

/**
 * @throws {RefusedError} for test subjects that training has seen, and when every scan is refused by a guard
 * @throws {InputError} for a cohort without a pair of the bundle's domains
 */
export async function pairedFidelity(
  options: StudyOptions,
  onProgress: OnProgress = () => {},
): Promise<Evidence> {
  const bundle = await readBundle(options.bundle)
  const { target, sources, training } = bundle.manifest
  const whole = await requireCohort(options.cohort, { ...options.cohortOptions, target })
  const everyone = [...new Set(whole.scans.map(({ subject }) => subject))]
  const choice = chooseSubjects(whole, seenInTraining(training, everyone), {
    wanted: options.subjects,
    withinSubject: options.withinSubject ?? false,
  })
  const cohort = { ...whole, scans: whole.scans.filter(({ subject }) => choice.subjects.includes(subject)) }
  const pairs = pairsOf(cohort, target).filter(
    ({ source }) => sources.length === 0 || sources.includes(source.domain),
  )
  if (pairs.length === 0)
    throw new InputError(
      `${options.cohort}: no tested subject has scans of both ${target} and ${sources.join(', ') || 'another domain'}.`,
      'Add scans, or test other subjects.',
    )
  const harmonizer = await loadHarmonizer(options.bundle)
  const bare = unguardedBundle(bundle)
  const first = firstStageOf(bundle)
  try {
    return await study({ options, bundle, harmonizer, bare, first, cohort, choice, pairs }, onProgress)
  } finally {
    for (const opened of [harmonizer, bare, first]) await opened?.close()
  }
}

interface Setting {
  readonly options: StudyOptions
  readonly bundle: Bundle
  readonly harmonizer: Harmonizer
  /** The same without its guards. */
  readonly bare: Harmonizer
  /** What a harmonizer of two stages does first. */
  readonly first: Harmonizer | undefined
  readonly cohort: Cohort
  readonly choice: Choice
  readonly pairs: readonly Pair[]
}

async function study(setting: Setting, onProgress: OnProgress): Promise<Evidence> {
  const { bundle, harmonizer, bare, first, cohort, pairs } = setting
  const { target, translation } = bundle.manifest
  const { loss, baselines, selection } = trainingEvidence(bundle)
  const { method } = harmonizer.identity
  const { range, targets, coarse } = await lookAtTargets(pairs, onProgress)
  const width = range.high - range.low
  const weaker = baselines.filter(isClosedForm)
  const corrections = correctionsOf(harmonizer, bare, weaker, first)
  const { measured, views, refused, portraits } = await measureAll(
    pairs,
    corrections,
    { method, width, coarse },
    onProgress,
  )
  if (measured.length === 0)
    throw new RefusedError(
      `Every test scan was refused. ${refused[0]?.reason}`,
      'See the guards of the bundle.',
    )
  const domains = [...new Set(measured.map(({ pair }) => pair.source.domain))].toSorted()
  const zscore = baselines.find((model) => model.kind === 'zscore')
  const rescans = await allRescans(cohort, [target, ...domains], { target, zscore, width }, onProgress)
  const uncertainty = await coverageOf(
    measured.map(({ pair }) => pair),
    {
      ...{ cohort, harmonizer, range: width, rescans: rescans.get(target) ?? [] },
      onPair: (done, total) => onProgress({ stage: 'uncertainty', done, total }),
    },
  )
  const familyOf = familiesOf(cohort)
  const kept = await keptAsBefore(cohort, corrections.at(-1) as Correction, {
    domains,
    references: targets.map(({ scan }) => scan),
    width,
  })
  const atrophy = measured.flatMap((m) => m.atrophy)
  const methods = corrections.map(({ name }) => name)
  const separations = measured.flatMap((m) => m.separations)
  const lesions = measured.flatMap((m) => m.lesions)
  const results = measured.flatMap((m) => m.results)
  const units = measured.flatMap(({ unit }) => unit ?? [])
  const perDomain = domains.flatMap((domain) =>
    figuresOf({
      domain,
      method,
      pairs: results.filter((row) => row.domain === domain),
      lesions: lesions.filter((lesion) => lesion.domain === domain),
      separations: separations.filter((row) => row.domain === domain),
      rescans: { target: rescans.get(target) ?? [], source: rescans.get(domain) ?? [] },
      familyOf,
      atrophy: atrophy.filter((row) => row.domain === domain),
      consistency: kept.consistency.filter((row) => row.domain === domain),
    }),
  )
  const changed = medianFigure(
    { domain: target, familyOf },
    method,
    'reference-change',
    'range',
    kept.referenceChanges,
  )
  const figures = [...perDomain, ...(changed.n > 0 ? [changed] : [])]
  const refusals = refused.map(({ pair, reason }) => `${pair.subject}, ${pair.source.domain}: ${reason}`)
  const scans = { tested: measured.length, refused: refusals }
  const judgedOn = { method, target, domains, figures, lesions, scans }
  return {
    schema: EVIDENCE_SCHEMA,
    title: `${translation ? `${translationText(translation)}, translated: ` : ''}${domains.length === 1 ? domains[0] : `${domains.length} scanners`} to ${target}`,
    harmonizer: {
      name: bundle.name,
      method,
      target,
      ...(translation && { translation: { ...translation, caveat: translationCaveat(translation) } }),
      sources: bundle.manifest.sources,
      trainingSubjects: bundle.manifest.training.subjects,
      manifestSha256: bundle.sha256,
    },
    design: designOf(setting, domains, range, rescans, measured),
    gates: [
      ...gatesOf(judgedOn),
      ...preservationGates(judgedOn),
      ...unitGates(units),
      ...(uncertainty ? uncertaintyGates(uncertainty) : []),
    ],
    figures,
    pairs: results,
    lesions,
    pictures: views.map(({ pictures }) => pictures),
    histograms: views.map(({ histograms }) => histograms),
    curves: views.map(({ curves }) => curves),
    ...(loss.length > 0 && { training: loss }),
    ...(selection && { selection }),
    ladder: corrections.flatMap(({ name }) => (isMethod(name) ? [{ method: name, rung: rungOf(name) }] : [])),
    separations,
    atrophy,
    ...kept,
    probe: scannerProbe(probedScans(measured, targets, methods), methods, familyOf),
    identification: identify(onePerSubject(targets), portraits, familyOf),
    ...(units.length > 0 && { units }),
    unseen: await unseenScanners(
      cohort,
      { target, known: bundle.manifest.sources, range: width },
      harmonizer,
      weaker,
      familyOf,
    ),
    ...(uncertainty && { uncertainty }),
    provenance: await provenanceOf(setting),
    limits: limitsOf(setting, measured, refused.length),
  }
}

/** A target scan, as probe and identification see it. */
interface TargetScan {
  readonly scan: Scan
  readonly features: Float64Array
  readonly pixels: Float32Array
}

/** The reference's range: pooled 1st to 99th percentile of the tested target scans, each in its own mask and with equal weight. */
async function lookAtTargets(
  pairs: readonly Pair[],
  onProgress: OnProgress,
): Promise<{ range: { low: number; high: number }; targets: readonly TargetScan[]; coarse: Grid }> {
  const scans = [...new Map(pairs.map(({ target }) => [target.image, target])).values()]
  const samples: Float32Array[] = []
  const targets: TargetScan[] = []
  let coarse: Grid | undefined
  for (const [index, scan] of scans.entries()) {
    const { volume, mask } = await loadScan(scan)
    const x = toFloat32(volume)
    samples.push(rangeSample(x, mask))
    coarse ??= portraitGrid(volume)
    targets.push({
      scan,
      features: scanFeatures(x, volume.shape, mask, voxelSize(volume)),
      pixels: portraitOf(x, volume, mask, coarse),
    })
    onProgress({ stage: 'reference', done: index + 1, total: scans.length })
  }
  return { range: pooledRange(samples), targets, coarse: coarse as Grid }
}

type Measured = Omit<MeasuredPair, 'images'>

interface AllMeasured {
  readonly measured: readonly Measured[]
  readonly views: readonly Views[]
  readonly refused: readonly Refusal[]
  /** Of the source scans, as they were and as the tested method left them. */
  readonly portraits: ReadonlyMap<string, readonly Portrait[]>
}

/** Pictures are drawn for the first pair of each domain; images are then let go. */
async function measureAll(
  pairs: readonly Pair[],
  corrections: readonly Correction[],
  { method, width, coarse }: { readonly method: string; readonly width: number; readonly coarse: Grid },
  onProgress: OnProgress,
): Promise<AllMeasured> {
  const measured: Measured[] = []
  const views = new Map<string, Views>()
  const refused: Refusal[] = []
  const portraits = new Map<string, Portrait[]>(['identity', method].map((name) => [name, []]))
  for (const [index, pair] of pairs.entries()) {
    const found = await measurePair(pair, corrections, width)
    if ('reason' in found) refused.push(found)
    else {
      if (!views.has(pair.source.domain)) views.set(pair.source.domain, viewsOf(found, method, width))
      const { images, ...rest } = found
      measured.push(rest)
      for (const [name, list] of portraits) {
        const x = images.outputs.get(name) as Float32Array
        list.push({ subject: pair.subject, pixels: portraitOf(x, images.grid, images.ownMask, coarse) })
      }
    }
    onProgress({ stage: 'pairs', done: index + 1, total: pairs.length })
  }
  const sorted = [...views].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, view]) => view)
  return { measured, views: sorted, refused, portraits }
}

/** Source scans as each method left them, then target scans as they are. */
function probedScans(
  measured: readonly Measured[],
  targets: readonly TargetScan[],
  methods: readonly string[],
): readonly ProbedScan[] {
  const sources = measured.map(({ pair, features }) => ({
    subject: pair.subject,
    domain: pair.source.domain,
    features,
  }))
  const references = targets.map(({ scan, features }) => ({
    subject: scan.subject,
    domain: scan.domain,
    features: new Map(methods.map((method) => [method, features])),
  }))
  return [...sources, ...references]
}

function onePerSubject(targets: readonly TargetScan[]): readonly Portrait[] {
  const first = new Map(targets.toReversed().map(({ scan, pixels }) => [scan.subject, pixels]))
  return [...first].map(([subject, pixels]) => ({ subject, pixels }))
}

function designOf(
  { choice, pairs, bundle, cohort }: Setting,
  domains: readonly string[],
  range: { low: number; high: number },
  rescans: ReadonlyMap<string, readonly SubjectValue[]>,
  measured: readonly Measured[],
): Evidence['design'] {
  const { target } = bundle.manifest
  const familyOf = familiesOf(cohort)
  const scans = pairs.flatMap(({ source, target: reference }) => [source, reference])
  const given = scans.filter(({ mask }) => mask !== undefined).length
  const counts = [target, ...domains].map((domain) => `${domain} ${rescans.get(domain)?.length ?? 0}`)
  return {
    kind: choice.kind,
    subjects: [...new Set(pairs.map(({ subject }) => subject))],
    domains,
    grid: "The source scan's grid; where the target's differs, the target is resampled to it (linear). Outputs are never resampled.",
    mask: `Where the masks of both scans overlap; ${given === scans.length ? 'masks as given' : given === 0 ? 'foreground found in each image' : `masks given for ${given} of ${scans.length} scans, foreground for the others`}.`,
    range: { ...range, meaning: '1st to 99th percentile of the tested target scans in their masks, pooled.' },
    rescan: `Pairs of sessions of one subject on one scanner: ${counts.join(', ')}. Source scanners after zscore, in the target's unit.`,
    confidence: confidenceMeaning(new Set(pairs.map(({ subject }) => familyOf(subject))).size),
    tissues: tissuesMeaning(measured),
  }
}

function tissuesMeaning(measured: readonly Measured[]): string {
  const estimated = measured.filter(({ tissues }) => tissues === 'estimate').length
  return estimated === 0
    ? 'Tissues as labelled in the cohort (column tissue).'
    : `Three classes (1 dark, 2 middle, 3 bright) by fuzzy c-means of the target scan, used for both images, for ${estimated} of ${measured.length} pairs, whose cohort gives no tissue.`
}

function limitsOf(
  { choice, pairs, bundle }: Setting,
  measured: readonly Measured[],
  refused: number,
): readonly string[] {
  const subjects = new Set(pairs.map(({ subject }) => subject)).size
  const truths = measured.flatMap(({ truth }) => (truth === undefined ? [] : [truth]))
  const unmeasured = truths.reduce((sum, truth) => sum + truth.unmeasured, 0)
  const { translation } = bundle.manifest
  return [
    ...(translation ? [translationCaveat(translation)] : []),
    ...(choice.kind === 'within-subject'
      ? ['Tested on people that training has seen: this says nothing about other people.']
      : []),
    ...(subjects < 5
      ? [
          `${subjects} ${subjects === 1 ? 'subject' : 'subjects'}: medians and ranges describe these people; they are no estimate for a population.`,
        ]
      : []),
    ...(choice.leftOut.length > 0 ? [`${NOT_TESTED}: ${choice.leftOut.join(', ')}.`] : []),
    ...(refused > 0
      ? [`${refused} pairs are missing from every figure because a guard refused the scan.`]
      : []),
    ...(truths.length === 0
      ? ['No lesion truth: whether lesions keep their contrast was not measured.']
      : unmeasured > 0
        ? [`${unmeasured} lesions had too little tissue around them to measure a contrast.`]
        : []),
    'Paired scans hold misregistration and what changed in the person between scans; both count as error here, for every method alike.',
    'Only these scanners and protocols were tested.',
    'attune is not a medical device; not for diagnosis.',
  ]
}
