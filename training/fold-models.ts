/** The models that are fitted without some of the people, each kept on disk once it is trained. */
import type { Cohort } from '../src/cohort/cohort.ts'
import type { ClosedFormModel, Method, NetworkModel } from '../src/harmonizer/method.ts'
import { type PairPoints, type Survey, toneOf } from './closed-form.ts'
import type { Fitted, TrainProgress } from './fit.ts'
import { fittedOf } from './fold-store.ts'
import type { CheckpointPlace } from './parts/checkpoint.ts'
import type { Collector } from './population.ts'

/** What a fit without some of the people needs. */
export interface FoldInput {
  readonly cohort: Cohort
  readonly cohortHash: string
  readonly target: string
  readonly survey: Survey
  /** Shown every scan of the target. */
  readonly collectors: ReadonlyMap<Method, Collector>
  readonly points: readonly PairPoints[]
  /** Trains a network on some of the people; `settings` are what it depends on. */
  readonly fit: (
    method: NetworkModel['kind'],
    cohort: Cohort,
    checkpoint: CheckpointPlace,
    onProgress: (progress: TrainProgress) => void,
  ) => Promise<Fitted>
  readonly settings: Readonly<Record<NetworkModel['kind'], object>>
  /** The bundle to be written; folds and checkpoints are kept beside it. */
  readonly out: string
  readonly checkpoint: CheckpointPlace
}

/**
 * The closed form that some of the people give; `undefined` for a method without a collector.
 * @throws {UnfittableError} where they give none
 */
export function closedFormWithout(
  { collectors, points, survey }: Pick<FoldInput, 'collectors' | 'points' | 'survey'>,
  method: Method,
  learns: (subject: string) => boolean,
): ClosedFormModel | undefined {
  if (method === 'identity') return { kind: method }
  if (method !== 'tone') return collectors.get(method)?.model(learns)
  return toneOf(
    points.filter(({ pair }) => learns(pair.subject)),
    survey,
  )
}

/** The network that everyone but `held` gives: read where it was trained before, else trained and kept. */
export async function networkWithout(
  input: FoldInput,
  method: NetworkModel['kind'],
  held: readonly string[],
  onProgress: (progress: TrainProgress) => void,
): Promise<Fitted> {
  const { cohort, cohortHash, target, out } = input
  const parts = { schema: 'attune-fold-model/1', cohort: cohortHash, target, method, held }
  const learners = { ...cohort, scans: cohort.scans.filter(({ subject }) => !held.includes(subject)) }
  return fittedOf(out, { ...parts, settings: input.settings[method] }, (path) =>
    input.fit(method, learners, { ...input.checkpoint, path }, (event) => {
      if (event.stage !== 'remark' || event.line.startsWith('resumed')) onProgress(event)
    }),
  )
}
