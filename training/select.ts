/**
 * `auto`: every method up to the rung that the travelers allow is fitted without some of them and scored on their scans; the weakest that
 * suffices and does no harm is chosen (src/harmonizer/choice.ts). Closed forms come first, all in one reading of the scans;
 * the network is trained only where they miss. The choice is checked once more after the fit on everyone.
 */
import type { Pair } from '../src/cohort/cohort.ts'
import { RefusedError, UnfittableError } from '../src/errors.ts'
import type { Selection, SelectionRung } from '../src/evidence/selection.ts'
import { type ChoiceInput, chooseRung, highestRung, inLadderOrder, misses } from '../src/harmonizer/choice.ts'
import { rivalsOf } from '../src/harmonizer/gates.ts'
import { copiesVolumes, METHODS, rungOf, searchesPeak } from '../src/harmonizer/ladder.ts'
import { type ClosedFormModel, isNetworkMethod, type Method } from '../src/harmonizer/method.ts'
import type { Graphs } from '../src/harmonizer/networks.ts'
import { type RescanError, rescanErrors } from '../src/harmonizer/rescan.ts'
import {
  type Failure,
  type PairScore,
  passes,
  type Standing,
  type StandingOptions,
  standingsOf,
} from '../src/harmonizer/standing.ts'
import { closedMapping, forcedMapping, forcedSharedMapping, unguarded } from '../src/harmonizer/unguarded.ts'
import type { Fitted, TrainProgress } from './fit.ts'
import { closedFormWithout, type FoldInput, networkWithout } from './fold-models.ts'
import { scoresOf } from './fold-store.ts'
import { type Fold, type Folds, foldsOf } from './folds.ts'
import { type Correction, type ReferenceChanges, type Scores, scorePair } from './score-pair.ts'

export interface SelectionInput extends FoldInput {
  /** Width of the reference's robust range. */
  readonly range: number
  /** The strongest rung that the user allows, whatever the number of travelers. */
  readonly maxRung?: number | undefined
  /** One person's distribution of intensities may be the reference. */
  readonly singleReference: boolean
}

export interface Selected {
  readonly method: Method
  readonly selection: Selection
  /** The network that was fitted on everyone, where it was chosen. */
  readonly network?: Fitted
}

type OnProgress = (progress: TrainProgress) => void
type Skipped = ReadonlyMap<Method, string>

/** @throws {RefusedError} when every method that would help fails a gate */
export async function selectMethod(input: SelectionInput, onProgress: OnProgress): Promise<Selected> {
  const folds = foldsOf(input.cohort, input.target)
  const limit =
    input.maxRung === undefined
      ? highestRung(folds.travelers)
      : { rung: input.maxRung, reason: 'no stronger one was asked for' }
  const skipped = new Map<Method, string>()
  for (const method of METHODS)
    if (rungOf(method) > (limit?.rung ?? Number.POSITIVE_INFINITY))
      skipped.set(method, `not tried: rung ${limit?.rung} is the limit, since ${limit?.reason}`)
    else if (copiesVolumes(method) && onePerson(input) && !input.singleReference)
      skipped.set(method, "not tried: one person's tissue volumes would be written into every image")
  const closed = await scoreFolds(input, folds, CLOSED_FORMS, onProgress)
  const ofTarget = await rescanErrors(input.cohort, input.target, undefined, input.range)
  const options: StandingOptions = {
    groupOf: folds.groupOf,
    withinSubject: folds.kind === 'within-subject',
    ...(ofTarget.length > 0 && { referenceRescan: meanError(ofTarget) }),
  }
  const floor = await floorOf(input, ofTarget, closed.scores)
  const judge = (scores: Scores, refuted: Skipped): ChoiceInput => ({
    standings: standingsOf(
      scores.scores.filter(({ method }) => !skipped.has(method)),
      scores.failures.filter(({ method }) => !skipped.has(method)),
      options,
    ).map((row) => withRefit(row, refuted.get(row.method))),
    floor,
  })
  let scores = closed
  const trained = new Set<Method>()
  const refuted = new Map<Method, string>()
  if (options.withinSubject)
    for (const method of METHODS)
      if (searchesPeak(method))
        refuted.set(method, 'one person does not show whether its peak is found in others')
  for (;;) {
    let judged = judge(scores, refuted)
    for (const method of NETWORKS) {
      if (trained.has(method) || skipped.has(method)) continue
      if (!misses(judged)) break
      trained.add(method)
      const network = await scoreFolds(input, folds, [method], onProgress)
      scores = {
        scores: [...scores.scores, ...network.scores],
        failures: [...scores.failures, ...network.failures],
      }
      judged = judge(scores, refuted)
    }
    const { chosen, reasons } = chooseRung(judged)
    const untrained = NETWORKS.filter((method) => !trained.has(method) && !skipped.has(method))
    const notTried = new Map([...skipped, ...untrained.map((method) => [method, ENOUGH] as const)])
    const selection: Selection = {
      kind: folds.kind,
      travelers: folds.travelers,
      folds: folds.kind === 'leave-one-out' ? folds.folds.length : 0,
      scans: folds.folds.reduce((sum, { scored }) => sum + scored.length, 0),
      ...(limit && { limit }),
      ...(floor !== undefined && { floor }),
      rungs: rungsOf(judged.standings, chosen, reasons, notTried, folds),
      remarks: folds.remarks,
    }
    if (chosen === undefined) throw nothingHelps(input, selection)
    const network = isNetworkMethod(chosen)
      ? await input.fit(chosen, input.cohort, input.checkpoint, onProgress)
      : undefined
    const harm = await harmAfterRefit(input, chosen, skipped, network, options, onProgress)
    if (harm === undefined) return { method: chosen, selection, ...(network && { network }) }
    refuted.set(chosen, harm)
  }
}

const ENOUGH = 'not trained: what can change less leaves no error above the scan-rescan floor'

const NETWORKS = METHODS.filter(isNetworkMethod)
const CLOSED_FORMS = METHODS.filter((method) => !isNetworkMethod(method))

function onePerson({ cohort, target }: SelectionInput): boolean {
  const people = cohort.scans.filter(({ domain }) => domain === target).map(({ subject }) => subject)
  return new Set(people).size < 2
}

/** What was found beside the scores counts as a gate that failed. */
function withRefit(row: Standing, harm: string | undefined): Standing {
  if (harm === undefined) return row
  return { ...row, gates: [...row.gates, { id: 'applied', status: 'fail', finding: harm }] }
}

/** Fits the methods without those held out, and scores them there; fold by fold, each kept when done. */
async function scoreFolds(
  input: SelectionInput,
  { folds }: Folds,
  methods: readonly Method[],
  onProgress: OnProgress,
): Promise<Scores> {
  const found: Scores[] = []
  for (const [index, fold] of folds.entries()) {
    onProgress({ stage: 'fold', methods, done: index, total: folds.length })
    const parts = {
      schema: 'attune-fold/1',
      cohort: input.cohortHash,
      target: input.target,
      methods,
      held: fold.held,
      scored: fold.scored.map(({ subject, source }) => [subject, source.domain, source.session]),
      settings: methods.map((method) => (isNetworkMethod(method) ? input.settings[method] : {})),
    }
    found.push(
      await scoresOf(input.out, parts, () =>
        scoreFold(input, fold, methods, (event) =>
          onProgress(event.stage === 'steps' ? { ...event, fold: index + 1 } : event),
        ),
      ),
    )
  }
  return {
    scores: found.flatMap(({ scores }) => scores),
    failures: found.flatMap(({ failures }) => failures),
  }
}

async function scoreFold(
  input: SelectionInput,
  fold: Fold,
  methods: readonly Method[],
  onProgress: OnProgress,
): Promise<Scores> {
  const learns = (subject: string): boolean => !fold.held.includes(subject)
  const network = methods.find(isNetworkMethod)
  if (network === undefined) {
    const { models, failures } = closedForms(input, methods, learns)
    const { scores, failures: more } = await scoreAll(
      fold.scored,
      models.map(closedCorrection),
      input,
      onProgress,
    )
    return { scores, failures: [...failures, ...more] }
  }
  const fitted = await networkWithout(input, network, fold.held, onProgress)
  return withNetwork(fitted, input, (correction) => scoreAll(fold.scored, [correction], input, onProgress))
}

async function scoreAll(
  pairs: readonly Pair[],
  corrections: readonly Correction[],
  { range }: SelectionInput,
  onProgress: OnProgress,
): Promise<Scores> {
  const found: Scores[] = []
  const references: ReferenceChanges = new Map()
  for (const [index, pair] of pairs.entries()) {
    found.push(await scorePair(pair, corrections, range, references))
    onProgress({ stage: 'scores', done: index + 1, total: pairs.length })
  }
  return {
    scores: found.flatMap(({ scores }) => scores),
    failures: found.flatMap(({ failures }) => failures),
  }
}

/** The closed forms that some of the people give. */
function closedForms(
  input: SelectionInput,
  methods: readonly Method[],
  learns: (subject: string) => boolean,
): { readonly models: readonly ClosedFormModel[]; readonly failures: readonly Failure[] } {
  const models: ClosedFormModel[] = []
  const failures: Failure[] = []
  for (const method of methods) {
    try {
      const model = closedFormWithout(input, method, learns)
      if (model !== undefined) models.push(model)
    } catch (error) {
      if (!(error instanceof UnfittableError)) throw error
      failures.push({ method, reason: `could not be fitted: ${error.what}` })
    }
  }
  return { models, failures }
}

function closedCorrection(model: ClosedFormModel): Correction {
  return { method: model.kind, apply: closedMapping(model) }
}

async function withNetwork<T>(
  { model, files }: Fitted,
  { target }: SelectionInput,
  work: (network: Correction) => Promise<T>,
): Promise<T> {
  const harmonizer = unguarded(model, target, files as Graphs, 'fold')
  try {
    return await work({
      method: model.kind,
      apply: forcedMapping(harmonizer),
      share: forcedSharedMapping(harmonizer),
    })
  } finally {
    await harmonizer.close()
  }
}

/** Which gates the method fails once it is fitted on everyone, on the same scans; `undefined` where it fails none. */
async function harmAfterRefit(
  input: SelectionInput,
  method: Method,
  skipped: Skipped,
  network: Fitted | undefined,
  options: StandingOptions,
  onProgress: OnProgress,
): Promise<string | undefined> {
  if (method === 'identity') return undefined
  const beside = [...new Set([...rivalsOf(method), 'tone' as const, method])].filter(
    (name) => !isNetworkMethod(name) && !skipped.has(name),
  )
  const { models, failures } = closedForms(input, ['identity', ...beside], () => true)
  const pairs = input.points.map(({ pair }) => pair)
  const score = (corrections: readonly Correction[]): Promise<Scores> =>
    scoreAll(pairs, corrections, input, onProgress)
  const closed = models.map(closedCorrection)
  const found =
    network === undefined
      ? await score(closed)
      : await withNetwork(network, input, (correction) => score([...closed, correction]))
  const standing = standingsOf(found.scores, [...failures, ...found.failures], options).find(
    (row) => row.method === method,
  )
  if (standing !== undefined && passes(standing)) return undefined
  const findings = standing?.gates.filter(({ status }) => status === 'fail').map(({ finding }) => finding)
  return `after the fit on everyone: ${findings?.join('; ') ?? 'not applied'}`
}

/** Mean over the scanners of what scans of one person on one scanner differ by; unknown where some scanner has no rescan. */
async function floorOf(
  { cohort, collectors, range }: SelectionInput,
  ofTarget: readonly RescanError[],
  scores: readonly PairScore[],
): Promise<number | undefined> {
  const zscore = collectors.get('zscore')?.model()
  if (zscore?.kind !== 'zscore') return undefined
  const sources = [...new Set(scores.map(({ domain }) => domain))]
  const ofSources: number[] = []
  for (const domain of sources) {
    const errors = await rescanErrors(cohort, domain, zscore, range)
    if (errors.length > 0) ofSources.push(meanError(errors))
  }
  if (ofTarget.length > 0 && ofSources.length === sources.length)
    return (meanError(ofTarget) + mean(ofSources)) / 2
  return undefined
}

function meanError(errors: readonly RescanError[]): number {
  return mean(errors.map(({ value }) => value))
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function rungsOf(
  standings: readonly Standing[],
  chosen: Method | undefined,
  reasons: ReadonlyMap<Method, string>,
  skipped: Skipped,
  { kind, folds }: Folds,
): readonly SelectionRung[] {
  const tried = standings.map((row) => ({
    method: row.method,
    rung: rungOf(row.method),
    folds: kind === 'leave-one-out' ? folds.length : 0,
    ...(Number.isFinite(row.error) && { error: row.error }),
    ...(row.standardError !== undefined && { standardError: row.standardError }),
    gates: row.gates,
    status: row.method === chosen ? ('chosen' as const) : ('passed-over' as const),
    reason: reasons.get(row.method) ?? '',
  }))
  const untried = [...skipped].map(([method, reason]) => ({
    method,
    rung: rungOf(method),
    folds: 0,
    gates: [],
    status: 'passed-over' as const,
    reason,
  }))
  return inLadderOrder([...tried, ...untried])
}

function nothingHelps({ cohort, target }: SelectionInput, { rungs }: Selection): RefusedError {
  const lines = rungs.map(({ method, reason }) => `  ${method}: ${reason}`)
  return new RefusedError(
    `${cohort.source}: no method brings images nearer to ${target} without failing a gate.\n${lines.join('\n')}`,
    'Check the pairs (registration, contrast, masks), or take the risk of one method by naming it with --method.',
  )
}
