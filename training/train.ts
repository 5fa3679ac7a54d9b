/** From a cohort to a bundle: choose the scans, look at each, fit, write down what was done. */
import { basename, resolve } from 'node:path'
import { type Cohort, pairsOf } from '../src/cohort/cohort.ts'
import { type CohortOptions, requireCohort } from '../src/cohort/manifest.ts'
import {
  MIXED,
  PREPARATION_FIELDS,
  type Preparation,
  type PreparationField,
} from '../src/domain/preparation.ts'
import { translationText } from '../src/domain/translation.ts'
import { ConfigError, InputError } from '../src/errors.ts'
import type { Selection } from '../src/evidence/selection.ts'
import { sha256, sha256File } from '../src/files.ts'
import { BUNDLE_SUFFIX, type BundleFiles, checkBundlePlace, writeBundle } from '../src/harmonizer/bundle.ts'
import { copiesVolumes, needsDomain, rungOf } from '../src/harmonizer/ladder.ts'
import { MANIFEST_SCHEMA, type Manifest } from '../src/harmonizer/manifest.ts'
import { isNetworkMethod, type Method, type Model, stageOf } from '../src/harmonizer/method.ts'
import { pooledRange, rangeSample } from '../src/harmonizer/reference-range.ts'
import { EVIDENCE_FILE, TRAINING_SCHEMA, type TrainingEvidence } from '../src/harmonizer/training-evidence.ts'
import { packageVersion } from '../src/package-root.ts'
import { modelCard } from './card.ts'
import { readPoints, type Survey, surveyCohort, toneOf } from './closed-form.ts'
import type { EngineChoice } from './engine/engine.ts'
import { withFeatureLimits } from './feature-limits.ts'
import {
  closedForm,
  type Fitted,
  fitBandUnet,
  fitLocalTone,
  fitResidualUnet,
  type TrainProgress,
} from './fit.ts'
import type { FoldInput } from './fold-models.ts'
import { removeFolds } from './fold-store.ts'
import type { LocalToneOptions } from './local-tone.ts'
import { requireOneContrast } from './one-contrast.ts'
import { removeCheckpoint } from './parts/checkpoint.ts'
import { collectorsOf, modelsOf } from './population.ts'
import type { ResidualUnetOptions } from './residual-unet.ts'
import { selectMethod } from './select.ts'
import { settingsOf } from './settings.ts'
import { type From, footingOf, SCRATCH } from './start.ts'
import { declaredTranslation, requireSameOrder, requireTranslator } from './translation.ts'
import { calibrate, costOfFolds, requireTravelers } from './uncertainty.ts'
import { surveyUnits } from './unit-survey.ts'

export interface TrainOptions {
  /** Path of the cohort's manifest, or of a BIDS dataset. */
  readonly cohort: string
  /** How a BIDS dataset is read. */
  readonly cohortOptions?: CohortOptions
  readonly target: string
  /** `auto` chooses the weakest that suffices; see select.ts. */
  readonly method: Method | 'auto'
  /** `NAME.harmonizer`, to be written. */
  readonly out: string
  readonly overwrite?: boolean
  readonly seed?: number
  readonly engine?: EngineChoice
  /**
   * Where a network starts: `universal`, `scratch`, or a universal bundle; by default `universal` where it fits the scans.
   */
  readonly from?: From
  /** Settings of the method, checked against its defaults. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Train on these subjects only; on all but those excluded. */
  readonly subjects?: readonly string[]
  readonly excludeSubjects?: readonly string[]
  /** Go on from where an interrupted training of the same bundle stopped. */
  readonly resume?: boolean
  /** Accept one person's histogram or landmarks as the reference, which writes that person's tissue volumes into every image. */
  readonly singleReference?: boolean
  /** With `auto`: the strongest rung that may be chosen, whatever the number of travelers. */
  readonly maxRung?: number
  /** What was done to every image of the cohort before, where sidecars and images do not show it. */
  readonly prepared?: Preparation
  /**
   * Measure errors in people left out, for uncertainty maps. By default with `auto`, which leaves people out anyway; with other methods it
   * takes as many trainings more as there are people, five at most.
   */
  readonly uncertainty?: boolean | undefined
  /** Make the target's contrast from another one, declared as that; see translation.ts. Without it, contrasts that differ are refused. */
  readonly translation?: boolean | undefined
}

export interface Trained {
  readonly path: string
  readonly manifest: Omit<Manifest, 'files'>
  readonly loss: TrainingEvidence['loss']
  /** Why this method, where `auto` chose it. */
  readonly selection?: Selection
}

/**
 * @throws {ConfigError} for options that cannot be; {InputError} for a cohort that cannot be trained on; {UnfittableError} for
 *         images without contrast. Nothing is written then
 */
export async function train(
  options: TrainOptions,
  onProgress: (progress: TrainProgress) => void = () => {},
): Promise<Trained> {
  const { target, out, overwrite = false, seed = 1, engine = 'auto', resume = false } = options
  const auto = options.method === 'auto'
  await checkBundlePlace(out, overwrite)
  if (options.translation === true) requireTranslator(options.method, options.from)
  const config = options.config ?? {}
  const { population } = await settingsOf(options.method, config)
  const cohort = trainable(
    select(await requireCohort(options.cohort, { ...options.cohortOptions, target }), options),
    options,
    onProgress,
  )
  if (options.uncertainty === true) requireTravelers(cohort, target, options.method)
  const uncertain = options.uncertainty ?? auto
  const cost = uncertain ? costOfFolds(cohort, target, options.method) : undefined
  if (cost !== undefined) onProgress({ stage: 'remark', line: cost })
  const collectors = collectorsOf(population, options.method)
  const samples: Float32Array[] = []
  const range = { add: (x: Float32Array, mask: Uint8Array) => samples.push(rangeSample(x, mask)) }
  const onScan = (done: number, total: number): void => onProgress({ stage: 'scans', done, total })
  const inUnit = options.method === 'band-unet' ? await surveyUnits(cohort, onScan) : undefined
  const survey =
    inUnit ??
    (await surveyCohort(
      cohort,
      target,
      [...collectors.values(), ...(auto ? [range] : [])],
      options.prepared ?? {},
      onScan,
    ))
  const translation = options.translation === true ? declaredTranslation(survey, target) : undefined
  if (translation === undefined) requireOneContrast(survey, target)
  for (const line of unevenPreparation(survey)) onProgress({ stage: 'remark', line })
  const cohortHash = await hashOf(cohort, survey)
  const pairs = pairsOf(cohort, target)
  if (translation !== undefined) await requireSameOrder(pairs, translation, options.method)
  const points = inUnit
    ? []
    : await readPoints(pairs, survey, (done, total) => onProgress({ stage: 'pairs', done, total }))
  const from = translation === undefined ? options.from : SCRATCH
  const { settings, start, guards } = await footingOf(
    { method: options.method, from, config },
    { survey, pairs },
    (line) => onProgress({ stage: 'remark', line }),
  )
  const localTone: LocalToneOptions = { ...settings.localTone, seed, engine }
  const checkpoint = { path: checkpointPath(out), resume, cohort: cohortHash }
  if (!resume) await removeFolds(out)
  const { first, ...ofUnet } = settings.residualUnet
  const residualUnet: ResidualUnetOptions = { ...ofUnet, seed, engine }
  const ofLocalTone = { ...localTone, start: start?.sha256 }
  const fitNetwork: FoldInput['fit'] = async (method, scans, place, progress) => {
    if (inUnit)
      return fitBandUnet(scans, target, inUnit, { ...settings.bandUnet, seed, engine }, place, progress)
    if (method === 'local-tone') return fitLocalTone(scans, target, { ...localTone, start }, place, progress)
    const stage = first === 'tone' ? toneStage(scans) : await fitNetwork('local-tone', scans, place, progress)
    return fitResidualUnet(scans, target, stage, residualUnet, place, progress)
  }
  const toneStage = (scans: Cohort): Fitted => {
    const chosen = new Set(scans.scans.map(({ subject }) => subject))
    const own = points.filter(({ pair }) => chosen.has(pair.subject))
    return closedForm('tone', [toneOf(own, survey)], {})
  }
  onProgress({
    stage: 'start',
    start: {
      ...{ method: options.method, target, seed, engine },
      settings: {
        ...settings.takenBy(options.method),
        ...(options.maxRung !== undefined && { maxRung: options.maxRung }),
        ...(options.singleReference === true && { singleReference: true }),
        ...(translation && { translation: translationText(translation) }),
      },
      cohort: {
        sha256: cohortHash,
        subjects: new Set(cohort.scans.map(({ subject }) => subject)).size,
        domains: domainsOf(cohort).length,
        scans: cohort.scans.length,
        pairs: pairs.length,
      },
    },
  })
  const foldInput: FoldInput = {
    ...{ cohort, cohortHash, target, survey, collectors, points, out, checkpoint },
    fit: fitNetwork,
    settings: {
      'local-tone': ofLocalTone,
      'residual-unet': { residualUnet, first, ofLocalTone },
      'band-unet': settings.bandUnet,
    },
  }
  const selected =
    options.method === 'auto'
      ? await selectMethod(
          {
            ...foldInput,
            range: width(pooledRange(samples)),
            maxRung: options.maxRung ?? settings.maxRung,
            singleReference: options.singleReference ?? false,
          },
          onProgress,
        )
      : { method: options.method }
  const { method } = selected
  // Beside the method in hand, for validation to compare it with; `tone` only where there are pairs.
  const baselines: readonly Model[] = [
    ...(inUnit ? [] : modelsOf(collectors, method)),
    ...(points.length === 0 ? [] : [toneOf(points, survey)]),
  ]
  const fitted =
    'network' in selected && selected.network !== undefined
      ? selected.network
      : isNetworkMethod(method)
        ? await fitNetwork(method, cohort, checkpoint, onProgress)
        : closedForm(method, baselines, settings.ownOf(method))
  const calibrated = uncertain ? await calibrate(foldInput, method, onProgress) : undefined
  const onFooting = stageOf(fitted.model).kind === 'local-tone'
  const name = basename(out, BUNDLE_SUFFIX)
  const manifest: Omit<Manifest, 'files'> = {
    schema: MANIFEST_SCHEMA,
    rung: rungOf(method),
    sources: domainsOf(cohort).filter((domain) => domain !== target),
    target,
    ...(translation && { translation }),
    steps: [fitted.model],
    guards: await withFeatureLimits(onFooting ? guards : survey.guards, cohort, target, fitted, onScan),
    ...(calibrated && { uncertainty: calibrated.model }),
    training: {
      cohort: { name: basename(resolve(options.cohort)), sha256: cohortHash },
      subjects: [...new Set(cohort.scans.map(({ subject }) => subject))].sort(),
      pairs: pairs.length,
      seed,
      engine: fitted.engine,
      options: fitted.options,
      ...(onFooting && start && { start: { name: start.name, sha256: start.sha256 } }),
    },
    versions: { attune: packageVersion() },
  }
  const selection = 'selection' in selected ? selected.selection : undefined
  const evidence: TrainingEvidence = {
    schema: TRAINING_SCHEMA,
    loss: fitted.loss,
    baselines,
    ...(selection && { selection }),
  }
  const files: BundleFiles = {
    ...fitted.files,
    ...calibrated?.files,
    'card.md': modelCard(name, manifest, selection),
    [EVIDENCE_FILE]: `${JSON.stringify(evidence, null, 2)}\n`,
  }
  await writeBundle(out, manifest, files, overwrite)
  await removeCheckpoint(checkpointPath(out))
  await removeFolds(out)
  return { path: out, manifest, loss: fitted.loss, ...(selection && { selection }) }
}

/** The scans of the chosen subjects. */
function select(cohort: Cohort, { subjects, excludeSubjects = [] }: TrainOptions): Cohort {
  const known = new Set(cohort.scans.map(({ subject }) => subject))
  const unknown = [...(subjects ?? []), ...excludeSubjects].filter((subject) => !known.has(subject))
  if (unknown.length > 0)
    throw new ConfigError(
      `${cohort.source} has no subject ${unknown.join(', ')}.`,
      `Its subjects are ${[...known].sort().join(', ')}.`,
    )
  const chosen = (subject: string): boolean =>
    (subjects === undefined || subjects.includes(subject)) && !excludeSubjects.includes(subject)
  return { ...cohort, scans: cohort.scans.filter(({ subject }) => chosen(subject)) }
}

/** The scans that the method can use: with paired methods, domains without a pair are left out, and that is said. */
function trainable(
  cohort: Cohort,
  { target, method, singleReference = false }: TrainOptions,
  onProgress: (progress: TrainProgress) => void,
): Cohort {
  const references = new Set(
    cohort.scans.filter(({ domain }) => domain === target).map(({ subject }) => subject),
  )
  if (references.size === 0)
    throw new InputError(
      `${cohort.source}: no chosen subject has a scan of the target domain ${target}.`,
      'Choose subjects that were scanned there, or another --target.',
    )
  if (method !== 'auto' && copiesVolumes(method) && references.size === 1 && !singleReference)
    throw new ConfigError(
      `Only ${[...references][0]} was scanned on ${target}: matching one person's distribution of intensities writes that person's tissue volumes into every image.`,
      'Train on several people, use `tone`, or accept it with --single-reference.',
    )
  if (method !== 'auto' && !needsDomain(method)) return cohort
  const paired = new Set(pairsOf(cohort, target).map(({ source }) => source.domain))
  if (paired.size === 0)
    throw new InputError(
      `${cohort.source}: no subject has scans of both ${target} and another domain; \`${method}\` ${method === 'auto' ? 'has nothing to tell by which method brings images nearer' : 'learns from such pairs'}.`,
      method === 'auto'
        ? 'Add traveling subjects, or name a method that needs none and that you can vouch for: `lsq` or `zscore` change only gain and offset.'
        : 'Add traveling subjects, or use `histogram`, which needs none.',
    )
  const unpaired = domainsOf(cohort).filter((domain) => domain !== target && !paired.has(domain))
  if (unpaired.length > 0)
    onProgress({
      stage: 'remark',
      line: `left out, since no subject links it to ${target}: ${unpaired.join(', ')}`,
    })
  return { ...cohort, scans: cohort.scans.filter(({ domain }) => domain === target || paired.has(domain)) }
}

function width({ low, high }: { readonly low: number; readonly high: number }): number {
  return high - low
}

/** Preparation in which the scans of a domain differ: nothing can then be required of images. */
function unevenPreparation({ guards }: Survey): readonly string[] {
  return Object.entries(guards).flatMap(([domain, { preparation = {} }]) =>
    (Object.entries(preparation) as [PreparationField, string][])
      .filter(([, value]) => value === MIXED)
      .map(([field]) => `scans of ${domain} differ in preparation: ${PREPARATION_FIELDS[field]}`),
  )
}

/** Beside the bundle that is to be written. */
function checkpointPath(out: string): string {
  return `${out}.checkpoint`
}

/** Of what the scans, masks and regions are and hold, independent of where they lie and of the order of rows. */
async function hashOf({ scans }: Cohort, { hashes }: Survey): Promise<string> {
  const limits = (path: string | undefined): Promise<string | null> =>
    path === undefined ? Promise.resolve(null) : sha256File(path)
  const rows = await Promise.all(
    scans.map(async ({ subject, domain, session, image, mask, region }) =>
      JSON.stringify([subject, domain, session, hashes.get(image), await limits(mask), await limits(region)]),
    ),
  )
  return sha256(rows.sort().join('\n'))
}

function domainsOf({ scans }: Cohort): readonly string[] {
  return [...new Set(scans.map(({ domain }) => domain))].sort()
}
