/** From a cohort to a bundle: choose the scans, look at each, fit, write down what was done. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { type Cohort, pairsOf } from '../src/cohort/cohort.ts'
import { requireCohort } from '../src/cohort/manifest.ts'
import {
  MIXED,
  PREPARATION_FIELDS,
  type Preparation,
  type PreparationField,
} from '../src/domain/preparation.ts'
import { ConfigError, InputError } from '../src/errors.ts'
import { sha256, sha256File } from '../src/files.ts'
import { BUNDLE_SUFFIX, type BundleFiles, checkBundlePlace, writeBundle } from '../src/harmonizer/bundle.ts'
import { copiesVolumes, needsDomain, rungOf } from '../src/harmonizer/ladder.ts'
import { MANIFEST_SCHEMA, type Manifest } from '../src/harmonizer/manifest.ts'
import type { Method, Model } from '../src/harmonizer/method.ts'
import { EVIDENCE_FILE, TRAINING_SCHEMA, type TrainingEvidence } from '../src/harmonizer/training-evidence.ts'
import { packageFile } from '../src/package-root.ts'
import { modelCard } from './card.ts'
import { fitTone, type Survey, surveyCohort } from './closed-form.ts'
import type { EngineChoice } from './engine/engine.ts'
import type { LocalToneOptions, StepProgress } from './local-tone.ts'
import { type CheckpointPlace, removeCheckpoint } from './parts/checkpoint.ts'
import { POPULATION_METHODS } from './population.ts'
import { settingsOf } from './settings.ts'

export interface TrainOptions {
  /** Path of the cohort's manifest. */
  readonly cohort: string
  readonly target: string
  readonly method: Method
  /** `NAME.harmonizer`, to be written. */
  readonly out: string
  readonly overwrite?: boolean
  readonly seed?: number
  readonly engine?: EngineChoice
  /** Settings of the method, checked against its defaults. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Train on these subjects only; on all but those excluded. */
  readonly subjects?: readonly string[]
  readonly excludeSubjects?: readonly string[]
  /** Go on from where an interrupted training of the same bundle stopped. */
  readonly resume?: boolean
  /** Accept one person's histogram or landmarks as the reference, which writes that person's tissue volumes into every image. */
  readonly singleReference?: boolean
  /** What was done to every image of the cohort before, where sidecars and images do not show it. */
  readonly prepared?: Preparation
}

export type TrainProgress =
  | { readonly stage: 'scans' | 'pairs' | 'lattices'; readonly done: number; readonly total: number }
  | ({ readonly stage: 'steps' } & StepProgress)
  | { readonly stage: 'remark'; readonly line: string }

export interface Trained {
  readonly path: string
  readonly manifest: Omit<Manifest, 'files'>
  readonly loss: TrainingEvidence['loss']
}

/** Weaker methods that are fitted to the same scans, for validation to compare with; `tone` only where there are pairs. */
const BASELINES: readonly Method[] = ['zscore', 'histogram', 'tone']

/** What a method's own part of training gives. */
interface Fitted {
  readonly model: Model
  readonly engine: string
  readonly loss: TrainingEvidence['loss']
  readonly options: Manifest['training']['options']
  readonly files: BundleFiles
}

/**
 * @throws {ConfigError} for options that cannot be; {InputError} for a cohort that cannot be trained on; {UnfittableError} for
 *         images without contrast. Nothing is written then
 */
export async function train(
  options: TrainOptions,
  onProgress: (progress: TrainProgress) => void = () => {},
): Promise<Trained> {
  const { target, method, out, overwrite = false, seed = 1, engine = 'auto' } = options
  await checkBundlePlace(out, overwrite)
  const settings = await settingsOf(method, options.config ?? {})
  const cohort = trainable(
    select(await requireCohort(options.cohort, { target }), options),
    options,
    onProgress,
  )
  const pairs = pairsOf(cohort, target)
  const collectors = BASELINES.includes(method) ? BASELINES : [...BASELINES, method]
  const learned = collectors.flatMap((name) => POPULATION_METHODS[name]?.(settings.population) ?? [])
  const survey = await surveyCohort(cohort, target, learned, options.prepared ?? {}, (done, total) =>
    onProgress({ stage: 'scans', done, total }),
  )
  for (const line of unevenPreparation(survey)) onProgress({ stage: 'remark', line })
  const cohortHash = await hashOf(cohort, survey)
  const tone =
    pairs.length === 0
      ? []
      : [await fitTone(pairs, survey, (done, total) => onProgress({ stage: 'pairs', done, total }))]
  const models: readonly Model[] = [...learned.map((collector) => collector.model()), ...tone]
  const baselines = models.filter(({ kind }) => BASELINES.includes(kind))
  const fitted =
    method === 'local-tone'
      ? await fitLocalTone(
          cohort,
          target,
          { ...settings.localTone, seed, engine },
          { path: checkpointPath(out), resume: options.resume ?? false, cohort: cohortHash },
          onProgress,
        )
      : closedForm(method, models, settings.own)
  const name = basename(out, BUNDLE_SUFFIX)
  const manifest: Omit<Manifest, 'files'> = {
    schema: MANIFEST_SCHEMA,
    rung: rungOf(method),
    sources: domainsOf(cohort).filter((domain) => domain !== target),
    target,
    steps: [fitted.model],
    guards: survey.guards,
    training: {
      cohort: { name: basename(options.cohort), sha256: cohortHash },
      subjects: [...new Set(cohort.scans.map(({ subject }) => subject))].sort(),
      pairs: pairs.length,
      seed,
      engine: fitted.engine,
      options: fitted.options,
    },
    versions: { attune: version() },
  }
  const evidence: TrainingEvidence = { schema: TRAINING_SCHEMA, loss: fitted.loss, baselines }
  const files: BundleFiles = {
    ...fitted.files,
    'card.md': modelCard(name, manifest),
    [EVIDENCE_FILE]: `${JSON.stringify(evidence, null, 2)}\n`,
  }
  await writeBundle(out, manifest, files, overwrite)
  await removeCheckpoint(checkpointPath(out))
  return { path: out, manifest, loss: fitted.loss }
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
  if (copiesVolumes(method) && references.size === 1 && !singleReference)
    throw new ConfigError(
      `Only ${[...references][0]} was scanned on ${target}: matching one person's distribution of intensities writes that person's tissue volumes into every image.`,
      'Train on several people, use `tone`, or accept it with --single-reference.',
    )
  if (!needsDomain(method)) return cohort
  const paired = new Set(pairsOf(cohort, target).map(({ source }) => source.domain))
  if (paired.size === 0)
    throw new InputError(
      `${cohort.source}: no subject has scans of both ${target} and another domain; \`${method}\` learns from such pairs.`,
      'Add traveling subjects, or use `histogram`, which needs none.',
    )
  const unpaired = domainsOf(cohort).filter((domain) => domain !== target && !paired.has(domain))
  if (unpaired.length > 0)
    onProgress({
      stage: 'remark',
      line: `left out, since no subject links it to ${target}: ${unpaired.join(', ')}`,
    })
  return { ...cohort, scans: cohort.scans.filter(({ domain }) => domain === target || paired.has(domain)) }
}

/** Preparation in which the scans of a domain differ: nothing can then be required of images. */
function unevenPreparation({ guards }: Survey): readonly string[] {
  return Object.entries(guards).flatMap(([domain, { preparation = {} }]) =>
    (Object.entries(preparation) as [PreparationField, string][])
      .filter(([, value]) => value === MIXED)
      .map(([field]) => `scans of ${domain} differ in preparation: ${PREPARATION_FIELDS[field]}`),
  )
}

function closedForm(
  method: Exclude<Method, 'local-tone'>,
  models: readonly Model[],
  options: Manifest['training']['options'],
): Fitted {
  const model = method === 'identity' ? { kind: method } : models.find(({ kind }) => kind === method)
  return { model: model as Model, engine: 'closed form', loss: [], options, files: {} }
}

async function fitLocalTone(
  cohort: Cohort,
  target: string,
  options: LocalToneOptions,
  checkpoint: CheckpointPlace,
  onProgress: (progress: TrainProgress) => void,
): Promise<Fitted> {
  const { trainLocalTone } = await import('./local-tone.ts')
  const { exportLocalTone } = await import('./parts/onnx-local-tone.ts')
  const trained = await trainLocalTone(cohort, target, options, {
    onPair: (done, total) => onProgress({ stage: 'lattices', done, total }),
    onStep: (progress) => onProgress({ stage: 'steps', ...progress }),
    log: (line) => onProgress({ stage: 'remark', line }),
    checkpoint,
  })
  const { complete, curves } = exportLocalTone(trained.model, trained.weights)
  const { seed: _seed, engine: _engine, ...settings } = options
  return {
    model: trained.model,
    engine: trained.engine,
    loss: trained.loss,
    options: settings,
    files: { 'network.onnx': complete, 'curves.onnx': curves },
  }
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

function version(): string {
  return (JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string }).version
}
