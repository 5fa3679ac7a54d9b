/** Where training starts: from a universal harmonizer that fits the scans and the settings, or from scratch. */
import type { Pair } from '../src/cohort/cohort.ts'
import { ConfigError, RefusedError } from '../src/errors.ts'
import { readBundle } from '../src/harmonizer/bundle.ts'
import { checkLimits } from '../src/harmonizer/guards.ts'
import type { Harmonizer } from '../src/harmonizer/harmonizer.ts'
import type { DomainLimits, Manifest, Range } from '../src/harmonizer/manifest.ts'
import { isOfAnyScanner, type Method } from '../src/harmonizer/method.ts'
import { shippedBundle } from '../src/harmonizer/shipped.ts'
import { unguarded } from '../src/harmonizer/unguarded.ts'
import type { Survey } from './closed-form.ts'
import type { Start } from './parts/fine-tuning.ts'
import { readWeights } from './parts/read-weights.ts'
import { type LocalToneSettings, type Settings, settingsOf } from './settings.ts'
import { errorFromStart } from './start-trial.ts'

/** `universal`, `scratch`, or the path of a bundle. */
export type From = string
export const SCRATCH: From = 'scratch'
const UNIVERSAL: From = 'universal'

/**
 * Error of one curve after the universal harmonizer over that before, above which training starts from scratch (chosen): 0.75 to 1.09 for pairs
 * of T1w scans, 1.4 to 2.7 for T2w ones that said nothing of their contrast (docs/decisions/0009-universal.md).
 */
const HELPS_BELOW = 1.25

type Limits = Readonly<Record<string, DomainLimits>>

/** Where training starts, and with which settings: those of the form of its curves are the start's. */
export interface Footing {
  readonly settings: Settings
  /** Absent: from scratch. */
  readonly start?: Start
  /** Limits of each domain; wider where training goes on from what has seen more. */
  readonly guards: Limits
}

/** What the user asked for. */
export interface Wish {
  readonly method: Method | 'auto'
  /** Absent: `universal` where that fits and helps, else scratch; `say` tells which and why. */
  readonly from?: From | undefined
  /** Settings that were set. */
  readonly config: Readonly<Record<string, unknown>>
}

/**
 * @throws {ConfigError} for a bundle that is not universal, or settings that it cannot take
 * @throws {RefusedError} when some scan is outside what the universal harmonizer that was asked for takes
 */
export async function footingOf(
  { method, from, config }: Wish,
  { survey, pairs }: { readonly survey: Survey; readonly pairs: readonly Pair[] },
  say: (line: string) => void,
): Promise<Footing> {
  const fromScratch = { settings: await settingsOf(method, config), guards: survey.guards }
  if (from === SCRATCH || !startsCurves(method, fromScratch.settings)) return fromScratch
  const path = shippedBundle(from ?? UNIVERSAL) ?? (from as From)
  const { start, limits, training, first } = await readStart(path)
  const settings = await settingsOf(method, config, settingsFrom(start, training))
  const misfit =
    settings.localTone.bins === binsOf(start)
      ? outside(survey, limits)
      : `curves of ${settings.localTone.bins} bins, as they are set: its own have ${binsOf(start)}.`
  if (misfit !== undefined && from !== undefined)
    throw new RefusedError(
      `Training cannot start from ${start.name}, which was not made for ${misfit}`,
      'Leave --from out, or give --from scratch.',
    )
  const footing = { settings, start, guards: widened(survey.guards, Object.values(limits)) }
  if (from !== undefined) return footing
  if (misfit !== undefined) {
    say(`training starts from scratch: ${start.name} was not made for ${misfit}`)
    return fromScratch
  }
  const left = await errorFromStart(first(), pairs)
  const measured = `it leaves ${left.toFixed(2)} times the error of one curve for the whole image`
  if (left < HELPS_BELOW) {
    say(`training starts from ${start.name}: ${measured} (--from scratch starts from nothing)`)
    return footing
  }
  say(`training starts from scratch: ${start.name} does not suit these images, ${measured}`)
  return fromScratch
}

/** Whether the method may train curves, which can go on from others. */
function startsCurves(method: Method | 'auto', { residualUnet }: Settings): boolean {
  return (
    method === 'auto' ||
    method === 'local-tone' ||
    (method === 'residual-unet' && residualUnet.first === 'local-tone')
  )
}

function binsOf({ model }: Start): number {
  return model.knots.length - 1
}

/** The form of its curves, and their bounds: under others its curves would be drawn together before the first step. */
function settingsFrom(start: Start, { options }: Manifest['training']): Partial<LocalToneSettings> {
  const { changePerMm } = options
  return {
    bins: binsOf(start),
    slopeRatio: start.model.bounds.slopeRatio,
    ...(typeof changePerMm === 'number' && { changePerMm }),
  }
}

async function readStart(path: string): Promise<{
  readonly start: Start
  readonly limits: Limits
  readonly training: Manifest['training']
  /** What training goes on from, as a harmonizer: further passes are left behind. */
  first(): Harmonizer
}> {
  const { name, manifest, sha256, files } = await readBundle(path)
  const [model] = manifest.steps
  const curves = files['curves.onnx']
  if (curves === undefined || !isOfAnyScanner(model))
    throw new ConfigError(
      `${path} is made for named scanners; training can only go on from a universal harmonizer.`,
      'Give --from universal, or --from scratch.',
    )
  return {
    start: { name, sha256, model, weights: readWeights(curves) },
    limits: manifest.guards,
    training: manifest.training,
    first: () => unguarded(model, manifest.target, { 'curves.onnx': curves }, name),
  }
}

/** The first scan outside the limits on what comes in, with the reason. */
function outside({ observed }: Survey, limits: Limits): string | undefined {
  for (const [image, seen] of observed) {
    const failed = checkLimits(seen, limits).find(({ status }) => status === 'failed')
    if (failed) return `${image}: ${failed.message}`
  }
  return undefined
}

/**
 * The geometry that the start was trained on is accepted too: field of view, voxel size and volume of the mask. What tells scanners apart
 * (intensities, descriptors) stays that of the domain.
 */
function widened(guards: Limits, starts: readonly DomainLimits[]): Limits {
  const hull = (ranges: readonly Range[]): Range => [
    Math.min(...ranges.map(([low]) => low)),
    Math.max(...ranges.map(([, high]) => high)),
  ]
  return Object.fromEntries(
    Object.entries(guards).map(([domain, own]) => {
      const all = [own, ...starts]
      const extent = (axis: 0 | 1 | 2): Range => hull(all.map(({ extentMm }) => extentMm[axis]))
      const geometry = {
        extentMm: [extent(0), extent(1), extent(2)] as const,
        voxelMm: hull(all.map(({ voxelMm }) => voxelMm)),
        maskMl: hull(all.map(({ maskMl }) => maskMl)),
      }
      return [domain, { ...own, ...geometry }]
    }),
  )
}
