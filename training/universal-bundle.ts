/** From a run to a bundle: train, draw up guards, write down what was done. */
import { sha256 } from '../src/files.ts'
import { type BundleFiles, checkBundlePlace, writeBundle } from '../src/harmonizer/bundle.ts'
import { rungOf } from '../src/harmonizer/ladder.ts'
import { MANIFEST_SCHEMA, type Manifest } from '../src/harmonizer/manifest.ts'
import { EVIDENCE_FILE, TRAINING_SCHEMA, type TrainingEvidence } from '../src/harmonizer/training-evidence.ts'
import { ANY_DOMAIN, CURVES_OF_PASS } from '../src/inference/local-tone-model.ts'
import { packageVersion } from '../src/package-root.ts'
import type { EngineChoice } from './engine/engine.ts'
import { removeCheckpoint } from './parts/checkpoint.ts'
import { exportPasses } from './parts/onnx-local-tone.ts'
import { type Simulators, trainUniversal, type UniversalHooks } from './universal.ts'
import { universalCard } from './universal-card.ts'
import { universalGuards } from './universal-guards.ts'
import type { UniversalRun } from './universal-run.ts'

export interface PretrainOptions {
  readonly run: UniversalRun
  readonly simulate: Simulators
  /** `NAME.harmonizer`, to be written. */
  readonly out: string
  /** Folder of simulated scans, kept for other runs of the same heads. */
  readonly store: string
  readonly engine: EngineChoice
  readonly overwrite: boolean
  readonly resume: boolean
}

/** @throws {ConfigError} for a place that is taken, and a checkpoint of another training */
export async function pretrain(
  { run, simulate, out, store, engine, overwrite, resume }: PretrainOptions,
  hooks: Omit<UniversalHooks, 'checkpoint'> = {},
): Promise<{
  readonly path: string
  readonly manifest: Omit<Manifest, 'files'>
  readonly loss: TrainingEvidence['loss']
}> {
  await checkBundlePlace(out, overwrite)
  const {
    contrast,
    seed,
    anatomies,
    scansPerHead,
    heads,
    passes,
    network,
    furtherPasses = {},
    tone = {},
  } = run
  const key = sha256(JSON.stringify({ contrast, seed, anatomies, scansPerHead, attune: packageVersion() }))
  const path = `${out}.checkpoint`
  const trained = await trainUniversal(
    run,
    simulate,
    { key, store, engine },
    { ...hooks, checkpoint: { path, resume, cohort: key } },
  )
  const { complete, curves } = exportPasses(trained.passes, trained.tone)
  const [first, ...further] = [...trained.passes, ...(trained.tone ? [trained.tone] : [])] as const
  const named = (group: string, settings: object): Record<string, number> =>
    Object.fromEntries(Object.entries(settings).map(([name, value]) => [`${group}.${name}`, value]))
  const manifest: Omit<Manifest, 'files'> = {
    schema: MANIFEST_SCHEMA,
    rung: rungOf('local-tone'),
    sources: [ANY_DOMAIN],
    target: run.target,
    steps: [first.model, ...further.map(({ model }) => model)],
    guards: universalGuards(trained.scans, contrast),
    training: {
      cohort: { name: `digital heads of ${run.name}`, sha256: key },
      subjects: [],
      pairs: passes * heads * scansPerHead + (run.tone ? run.tone.heads * run.tone.scansPerHead : 0),
      seed,
      engine: trained.engine,
      options: {
        ...{ ...network, passes, heads, scansPerHead, anatomies: anatomies.join(',') },
        ...named('furtherPasses', furtherPasses),
        ...named('tone', tone),
      },
    },
    versions: { attune: packageVersion() },
  }
  const evidence: TrainingEvidence = { schema: TRAINING_SCHEMA, loss: trained.loss, baselines: [] }
  const files: BundleFiles = {
    'network.onnx': complete,
    ...Object.fromEntries(curves.map((graph, k) => [CURVES_OF_PASS[k] as string, graph])),
    'card.md': universalCard(run, manifest),
    [EVIDENCE_FILE]: `${JSON.stringify(evidence, null, 2)}\n`,
  }
  await writeBundle(out, manifest, files, overwrite)
  await removeCheckpoint(path)
  return { path: out, manifest, loss: trained.loss }
}
