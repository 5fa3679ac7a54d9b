/** Fitting one method: the part of training that differs between them. */
import type { Cohort } from '../src/cohort/cohort.ts'
import type { BundleFiles } from '../src/harmonizer/bundle.ts'
import type { Manifest } from '../src/harmonizer/manifest.ts'
import type { Method, Model } from '../src/harmonizer/method.ts'
import type { TrainingEvidence } from '../src/harmonizer/training-evidence.ts'
import type { LocalToneOptions } from './local-tone.ts'
import type { CheckpointPlace } from './parts/checkpoint.ts'
import type { Start } from './parts/fine-tuning.ts'
import type { StepProgress } from './parts/local-tone-steps.ts'

export type TrainProgress =
  | { readonly stage: 'scans' | 'pairs' | 'lattices'; readonly done: number; readonly total: number }
  | ({ readonly stage: 'steps' } & StepProgress)
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
  method: Exclude<Method, 'local-tone'>,
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
