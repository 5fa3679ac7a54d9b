/** Fitting one method: the part of training that differs between them. */
import type { Cohort } from '../src/cohort/cohort.ts'
import type { BundleFiles } from '../src/harmonizer/bundle.ts'
import type { Manifest } from '../src/harmonizer/manifest.ts'
import type { ClosedFormModel, Method, Model } from '../src/harmonizer/method.ts'
import type { Graphs } from '../src/harmonizer/networks.ts'
import type { TrainingEvidence } from '../src/harmonizer/training-evidence.ts'
import { forcedMapping, unguarded } from '../src/harmonizer/unguarded.ts'
import type { LocalToneModel } from '../src/inference/local-tone-model.ts'
import type { ToneModel } from '../src/intensity/tone.ts'
import type { BandUnetOptions } from './band-unet.ts'
import type { EngineChoice } from './engine/engine.ts'
import type { LocalToneOptions } from './local-tone.ts'
import { type CheckpointPlace, laterStage } from './parts/checkpoint.ts'
import type { Start } from './parts/fine-tuning.ts'
import type { StepProgress } from './parts/optimize.ts'
import type { ResidualUnetOptions } from './residual-unet.ts'
import type { UnitSurvey } from './unit-survey.ts'

/** What a training is about to do: everything that decides its result, and no subject's name. */
export interface TrainStart {
  readonly method: Method | 'auto'
  readonly target: string
  readonly seed: number
  /** As it was asked for. */
  readonly engine: EngineChoice
  readonly settings: Readonly<Record<string, string | number | boolean>>
  /** Its hash, and how many of each. */
  readonly cohort: {
    readonly sha256: string
    readonly subjects: number
    readonly domains: number
    readonly scans: number
    readonly pairs: number
  }
}

export type TrainProgress =
  | { readonly stage: 'start'; readonly start: TrainStart }
  | { readonly stage: 'scans' | 'pairs' | 'lattices'; readonly done: number; readonly total: number }
  /** `fold`: of a fit that is only scored, counted from 1. */
  | ({ readonly stage: 'steps'; readonly fold?: number } & StepProgress)
  /** `auto`: the fit of these methods that is under way, and is scored on people it has not seen. */
  | {
      readonly stage: 'fold'
      readonly methods: readonly Method[]
      readonly done: number
      readonly total: number
    }
  | { readonly stage: 'scores'; readonly done: number; readonly total: number }
  | { readonly stage: 'remark'; readonly line: string }

/** What a method's own part of training gives. */
export interface Fitted {
  readonly model: Model
  readonly engine: string
  readonly loss: TrainingEvidence['loss']
  readonly options: Manifest['training']['options']
  readonly files: BundleFiles
}

export function closedForm(
  method: ClosedFormModel['kind'],
  models: readonly Model[],
  options: Manifest['training']['options'],
): Fitted {
  const model = method === 'identity' ? { kind: method } : models.find(({ kind }) => kind === method)
  return { model: model as Model, engine: 'closed form', loss: [], options, files: {} }
}

export async function fitLocalTone(
  cohort: Cohort,
  target: string,
  { start, ...options }: LocalToneOptions & { readonly start?: Start | undefined },
  checkpoint: CheckpointPlace,
  onProgress: (progress: TrainProgress) => void,
): Promise<Fitted> {
  const { trainLocalTone } = await import('./local-tone.ts')
  const { exportLocalTone } = await import('./parts/onnx-local-tone.ts')
  const hooks = {
    onPair: (done: number, total: number) => onProgress({ stage: 'lattices', done, total }),
    onStep: (progress: StepProgress) => onProgress({ stage: 'steps', ...progress }),
    log: (line: string) => onProgress({ stage: 'remark', line }),
    checkpoint,
  }
  const trained = await trainLocalTone(cohort, target, options, hooks, start)
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

/** @param survey of the same cohort */
export async function fitBandUnet(
  cohort: Cohort,
  target: string,
  survey: UnitSurvey,
  options: BandUnetOptions,
  checkpoint: CheckpointPlace,
  onProgress: (progress: TrainProgress) => void,
): Promise<Fitted> {
  const { trainBandUnet } = await import('./band-unet.ts')
  const { exportBandUnet } = await import('./parts/onnx-band-unet.ts')
  const trained = await trainBandUnet(cohort, target, survey, options, {
    onScan: (done, total) => onProgress({ stage: 'lattices', done, total }),
    onStep: (progress) => onProgress({ stage: 'steps', ...progress }),
    log: (line) => onProgress({ stage: 'remark', line }),
    checkpoint,
  })
  const { seed: _seed, engine: _engine, ...settings } = options
  return {
    ...{ model: trained.model, engine: trained.engine, loss: trained.loss, options: settings },
    files: { 'network.onnx': exportBandUnet(trained) },
  }
}

/** @param first fitted on the same cohort: what the network corrects */
export async function fitResidualUnet(
  cohort: Cohort,
  target: string,
  first: Fitted,
  options: ResidualUnetOptions,
  checkpoint: CheckpointPlace,
  onProgress: (progress: TrainProgress) => void,
): Promise<Fitted> {
  const { trainResidualUnet } = await import('./residual-unet.ts')
  const { exportResidualUnet } = await import('./parts/onnx-residual-unet.ts')
  const { 'network.onnx': complete, ...graphs } = first.files
  const harmonizer = unguarded(first.model, target, graphs as Graphs, 'first stage')
  const stage = { model: first.model as ToneModel | LocalToneModel, apply: forcedMapping(harmonizer) }
  try {
    const trained = await trainResidualUnet(cohort, target, stage, options, {
      onScan: (done, total) => onProgress({ stage: 'lattices', done, total }),
      onStep: (progress) => onProgress({ stage: 'steps', ...progress }),
      log: (line) => onProgress({ stage: 'remark', line }),
      checkpoint: laterStage(checkpoint, 'residual'),
    })
    const { seed: _seed, engine: _engine, ...settings } = options
    return {
      model: trained.model,
      engine: trained.engine,
      loss: trained.loss,
      options: {
        ...settings,
        first: first.model.kind,
        ...Object.fromEntries(Object.entries(first.options).map(([name, value]) => [`first.${name}`, value])),
      },
      files: {
        ...graphs,
        ...(complete && { 'first.onnx': complete }),
        'network.onnx': exportResidualUnet(trained),
      },
    }
  } finally {
    await harmonizer.close()
  }
}
