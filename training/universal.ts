/**
 * The recipe of universal harmonizers: `local-tone`'s network with one source, any scanner. There is no table of places or tones for a
 * scanner to be looked up in; what it does must be read from the image. Digital heads stand in for traveling subjects: every scan
 * was made on a scanner drawn for it alone, and comes with the same head in the canonical domain.
 * Several passes: curves between which strong shading is interpolated miss what lies between them, so a further network is trained on what the
 * one before leaves, with scans of its own. The last pass reads one curve for the whole image (tone-pass.ts).
 * Read top to bottom: settings, the passes, simulating ahead, what the scans share, the steps.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '../src/files.ts'
import { describeBox } from '../src/harmonizer/result-guard.ts'
import { ANY_DOMAIN, type LocalToneModel } from '../src/inference/local-tone-model.ts'
import { fitToneCurve } from '../src/intensity/tone.ts'
import { concatenate } from '../src/kernels/concatenate.ts'
import { random } from '../src/kernels/random.ts'
import { foregroundMask } from '../src/volume/mask.ts'
import { volumeOf } from '../src/volume/volume.ts'
import { type Engine, type EngineChoice, startEngine } from './engine/engine.ts'
import { chooseKnots, pairedIntensities } from './local-tone.ts'
import { type LaterStage, laterStage, type TrainingState } from './parts/checkpoint.ts'
import { type LatticePair, latticeMl, latticePair, medianAbove, notBlanked } from './parts/lattice-pairs.ts'
import { newSpace, placeOf, readStored, storedPair, writeStored } from './parts/lattice-store.ts'
import { loadedNetwork, type TrainedCurves } from './parts/loaded-network.ts'
import { trainSteps } from './parts/local-tone-steps.ts'
import { exportLocalTone } from './parts/onnx-local-tone.ts'
import type { StepHooks } from './parts/optimize.ts'
import { AS_IT_IS, drawSample, SAMPLED } from './parts/samples.ts'
import type { TrainedTone } from './parts/tone-curve.ts'
import { trainTone } from './parts/tone-steps.ts'
import { harmonizedExamples, type ToneSettings, toneExamples } from './tone-pass.ts'
import { type HarmonizedScan, showsOf } from './universal-guards.ts'
import { afterPass, openPasses, type ScanWithMean } from './universal-passes.ts'
import type { UniversalRun } from './universal-run.ts'

/** One digital scan, as the caller's simulator makes it; all on one grid. */
export interface DigitalScan extends ScanWithMean {
  /** The same head in the canonical domain. */
  readonly target: Float32Array
  /** Without it the foreground is found in the image, as apply does. */
  readonly mask?: Uint8Array
  /** 1 in brain, on whose tone the last pass is judged as much as on that of the head; without it the head alone counts. */
  readonly brain?: Uint8Array
}

/** The scan at `index` of a run; the same whenever it is asked for. */
export type Simulate = (index: number) => Promise<DigitalScan>

/** What scans are made from. */
export interface Simulators {
  readonly scans: Simulate
  /** For the last pass, of heads of its own; asked for only where the run has settings for it. */
  readonly toneScans: Simulate
}

export interface TrainedUniversal {
  /** In the order in which they are applied. */
  readonly passes: readonly [TrainedCurves, ...TrainedCurves[]]
  /** After them, where the run has settings for it. */
  readonly tone?: TrainedTone
  /** Of the last pass. */
  readonly loss: TrainingState['loss']
  readonly engine: string
  /** Scans as the last pass leaves them: what guards are drawn up from. */
  readonly scans: readonly HarmonizedScan[]
}

export interface UniversalHooks extends StepHooks {
  readonly onScan?: (done: number, total: number) => void
  /** Each has scans and steps of its own. */
  readonly onPass?: (pass: number, passes: number) => void
}

/** Scans from which knots and the mean tone are taken: more do not move them (chosen). */
const SURVEYED = 60
/** White matter of the canonical domain, which is what normalized output 1 stands for. */
const REFERENCE_SCALE = 1000

/**
 * @param key   of the run: scans in `store` that were made for another are made again
 * @param store folder of the simulated scans, about 11 MB each; those of further passes lie in folders in it
 * @throws {ConfigError} when the checkpoint to resume belongs to another training, or the loss is no longer a number
 */
export async function trainUniversal(
  run: UniversalRun,
  simulators: Simulators,
  { key, store, engine: choice }: TrainingPlace & { readonly engine: EngineChoice },
  hooks: UniversalHooks = {},
): Promise<TrainedUniversal> {
  const engine = await startEngine(choice, hooks.log ?? (() => {}))
  const all = run.passes + (run.tone ? 1 : 0)
  const passes = [
    await trainPass(engine, run, simulators.scans, { key, store }, passHooks(hooks, 1, all)),
  ] as [TrainedPass, ...TrainedPass[]]
  for (let pass = 2; pass <= run.passes; pass++) {
    const through = await throughPasses(passes)
    const first = (pass - 1) * run.heads * run.scansPerHead
    const simulatePass: Simulate = async (index) => through.scan(await simulators.scans(first + index))
    const further = { ...run, network: { ...run.network, ...run.furtherPasses } }
    const place = placeOfPass({ key, store }, pass, through.sha256)
    const training = trainPass(engine, further, simulatePass, place, passHooks(hooks, pass, all))
    passes.push(await training.finally(through.close))
  }
  const last = passes.at(-1) as TrainedPass
  const made = { passes, engine: `${engine.name} (${engine.version})` }
  if (run.tone === undefined) return { ...made, loss: last.loss, scans: await last.harmonizedScans() }
  const toneHooks = passHooks(hooks, all, all)
  return {
    ...made,
    ...(await trainTonePass(engine, run.tone, passes, simulators.toneScans, { key, store }, toneHooks)),
  }
}

/** The pass after `passes`, which reads the tone of the whole image. */
export async function trainTonePass(
  engine: Engine,
  settings: ToneSettings,
  passes: readonly TrainedCurves[],
  simulate: Simulate,
  place: TrainingPlace,
  hooks: UniversalHooks,
): Promise<Required<Pick<TrainedUniversal, 'tone' | 'loss' | 'scans'>>> {
  const through = await throughPasses(passes)
  const { seed, heads, scansPerHead } = settings
  const own = placeOfPass(place, passes.length + 1, JSON.stringify([through.sha256, seed, scansPerHead]))
  const examples = await toneExamples(
    heads * scansPerHead,
    async (index) => {
      const scan = await through.scan(await simulate(index))
      return { ...scan, brain: scan.brain ?? scan.mask }
    },
    REFERENCE_SCALE,
    own,
    hooks.onScan,
  ).finally(through.close)
  const { loss, ...tone } = await trainTone(engine, examples, settings, REFERENCE_SCALE, own, hooks)
  return { tone, loss, scans: harmonizedExamples(tone, examples) }
}

/** Scans of a pass are those that the passes before have left. */
function placeOfPass({ key, store }: TrainingPlace, pass: number, madeBy: string): TrainingPlace {
  return { key: sha256(JSON.stringify([key, pass, madeBy])), store: join(store, `pass-${pass}`) }
}

function passHooks(hooks: UniversalHooks, pass: number, passes: number): UniversalHooks {
  hooks.onPass?.(pass, passes)
  const { checkpoint } = hooks
  return {
    ...hooks,
    ...(checkpoint && pass > 1 && { checkpoint: laterStage(checkpoint, pass as LaterStage) }),
  }
}

interface TrainingPlace {
  readonly key: string
  readonly store: string
}

interface TrainedPass extends TrainedCurves {
  readonly loss: TrainingState['loss']
  harmonizedScans(): Promise<readonly HarmonizedScan[]>
}

async function trainPass(
  engine: Engine,
  run: UniversalRun,
  simulate: Simulate,
  { key, store }: TrainingPlace,
  hooks: UniversalHooks,
): Promise<TrainedPass> {
  const total = run.heads * run.scansPerHead
  await simulateAhead(total, simulate, key, store, hooks)
  const space = newSpace()
  // one pair after the other is looked at, and none is kept
  const pairAt = (index: number): Promise<LatticePair> => storedPair(store, index, key, space)
  const model = await prepare(run, pairAt, total)
  const { network, seed } = run
  const { weights, loss } = await trainSteps(
    engine,
    {
      model,
      source: { kind: 'store', model, store, key, total, drawing: { ...network, seed } },
      scans: 1,
      scanOf: () => 0,
      // the target's gain is known, and no place is the same on every scanner
      rates: { gains: 0, place: 0 },
    },
    { ...network, seed, gainPrior: 0 },
    { run, key },
    hooks,
  )
  return {
    ...{ model, weights, loss },
    harmonizedScans: () => harmonizedScans(engine, { model, weights }, pairAt, total),
  }
}

/** What passes make of a scan, image and mean alike. */
async function throughPasses(passes: readonly TrainedCurves[]): Promise<{
  scan(scan: DigitalScan): Promise<DigitalScan & { readonly mask: Uint8Array }>
  close(): Promise<void>
  /** Of their graphs. */
  readonly sha256: string
}> {
  const graphs = passes.map(({ model, weights }) => exportLocalTone(model, weights).curves)
  const models = passes.map(({ model }) => model)
  const opened = await openPasses(models, graphs, 1)
  return {
    async scan(scan) {
      const mask = scan.mask ?? foregroundMask(scan.image)
      let seen: ScanWithMean = scan
      for (const pass of opened) seen = await afterPass(pass, seen, mask)
      return { ...scan, ...seen, mask }
    },
    async close() {
      for (const { network } of opened) await network.close()
    },
    sha256: sha256(JSON.stringify(graphs.map((graph) => sha256(graph)))),
  }
}

/** Scans that are not in the store yet are made and put there. */
async function simulateAhead(
  total: number,
  simulate: Simulate,
  key: string,
  store: string,
  { onScan = () => {} }: UniversalHooks,
): Promise<void> {
  await mkdir(store, { recursive: true })
  const space = newSpace()
  for (let index = 0; index < total; index++) {
    const path = placeOf(store, index)
    if ((await readStored(path, key, space)) === undefined)
      await writeStored(path, key, storable(await simulate(index)))
    onScan(index + 1, total)
  }
}

function storable({ image, expected, target, mask }: DigitalScan): Parameters<typeof writeStored>[2] {
  const pair = latticePair({
    source: image,
    mask: mask ?? foregroundMask(image),
    target: volumeOf(image, target),
    counts: [notBlanked(image)],
    expected: volumeOf(image, expected),
  })
  return pair as Parameters<typeof writeStored>[2]
}

async function harmonizedScans(
  { tf }: Engine,
  trained: TrainedCurves,
  pairAt: (index: number) => Promise<LatticePair>,
  total: number,
): Promise<readonly HarmonizedScan[]> {
  const { model } = trained
  const network = loadedNetwork(tf, trained)
  const scans: HarmonizedScan[] = []
  for (let index = 0; index < total; index++) {
    const { expected: _without, ...pair } = await pairAt(index)
    const sample = drawSample(pair, 0, model, AS_IT_IS, random(index, 'as it is'))
    const [{ weight }] = sample.looks
    const descriptors = describeBox({ shape: SAMPLED, values: network.outputOf(sample), mask: weight })
    if (descriptors) scans.push({ shows: showsOf(latticeMl(pair.mask)), descriptors })
  }
  network.dispose()
  return scans
}

/** What all scans share: knots, the mean tone from any scanner to the canonical one, the bounds. */
async function prepare(
  { network }: UniversalRun,
  pairAt: (index: number) => Promise<LatticePair>,
  total: number,
): Promise<LocalToneModel> {
  const surveyed = Math.min(SURVEYED, total)
  const points: ReturnType<typeof pairedIntensities>[] = []
  for (let k = 0; k < surveyed; k++)
    points.push(pairedIntensities([await pairAt(Math.floor((k * total) / surveyed))], REFERENCE_SCALE))
  const u = points.map((found) => found.u)
  const y = concatenate(points.map((found) => found.y))
  const knots = chooseKnots(u, network.bins)
  return {
    kind: 'local-tone',
    referenceScale: REFERENCE_SCALE,
    knots,
    domains: [ANY_DOMAIN],
    tones: { [ANY_DOMAIN]: [...fitToneCurve(concatenate(u), y, knots)] },
    // tissue without air, bone and fluid is brighter than half of white matter
    bounds: { slopeRatio: network.slopeRatio, perMm: network.changePerMm * medianAbove(y, 0.5) },
  }
}
