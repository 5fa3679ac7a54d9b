/** The library's front door: load a harmonizer once, apply it to volumes. */
import { blankedParts } from '../domain/blanked.ts'
import type { ImageKind } from '../domain/declared.ts'
import { firstKnown, type Preparation } from '../domain/preparation.ts'
import { ConfigError, RefusedError } from '../errors.ts'
import type { LocalTone } from '../inference/local-tone.ts'
import { foregroundMask } from '../volume/mask.ts'
import { toFloat32, type Volume, volumeOf, voxelCount } from '../volume/volume.ts'
import { UNTRAINED_MODELS } from './closed-form.ts'
import { describeImage } from './describe.ts'
import { checkImage, checkLimits, enforce } from './guards.ts'
import { imageFacts, surveyMask } from './image-facts.ts'
import { inverseOf } from './inverse.ts'
import { applyJointly, pooledVisits, sharedCurves, type Visit, visitValues } from './joint.ts'
import { isMethod, needsDomain, rungOf } from './ladder.ts'
import type { DomainLimits } from './manifest.ts'
import type { Model } from './method.ts'
import {
  FIGURE_SLICES,
  figuresOf,
  type HarmonizationRecord,
  type HarmonizerIdentity,
  RECORD_SCHEMA,
} from './record.ts'

export interface Harmonizer {
  readonly identity: HarmonizerIdentity
  /** Domains it was trained to bring to the target; empty for methods without training. */
  readonly sources: readonly string[]
  /**
   * Brings one image into the reference domain. The input is never touched; calls may overlap.
   * @throws {RefusedError} when a guard says no (see guards.ts), or the domain is needed and unknown
   */
  apply(volume: Volume, options?: ApplyOptions): Promise<Harmonized>
  /**
   * What this image gives to a mapping that it shares with other visits of the same person on the same scanner: to be handed to `apply` of each of them.
   * @returns `undefined` where there is nothing to share
   * @throws {RefusedError} as `apply`: an image that is refused has no say
   */
  visit(volume: Volume, options?: ApplyOptions): Promise<Visit | undefined>
  /** Begins to load what `apply` needs, while the caller still reads its image. What goes wrong here, `apply` throws. */
  warmUp(): void
  /** Frees what was loaded. */
  close(): Promise<void>
}

export interface ApplyOptions {
  /** Where the image comes from: one of `sources`, or the target, whose images pass through unchanged. */
  readonly domain?: string | undefined
  /** 1 in tissue, length V; without it the foreground is found in the image. */
  readonly mask?: Uint8Array | undefined
  /** Apply in spite of guards; their doubts then stand in the record. */
  readonly force?: boolean | undefined
  /** Set where the file says that attune wrote it. */
  readonly alreadyHarmonized?: boolean | undefined
  /** What is known of its preparation from elsewhere; what blanking shows is found in the image. */
  readonly preparation?: Preparation | undefined
  /** What it holds, where that is said. */
  readonly kind?: ImageKind | undefined
  /** Send an image of the target through the mapping too, where the mapping knows the target: what validation asks. */
  readonly evenTarget?: boolean | undefined
  /** The other visits of this person on this scanner, to share one mapping with (see joint.ts). */
  readonly visits?: readonly Visit[] | undefined
}

export interface Harmonized {
  readonly volume: Volume
  /** 1 in tissue, length V: given, or found in the image. */
  readonly mask: Uint8Array
  /**
   * What takes values in the reference's unit, on the image's grid, back to the unit of the image; `undefined` where the mapping has no inverse: above
   * rung 2, or where it has made one intensity of two.
   */
  inverse(): ((values: Float32Array) => Float32Array) | undefined
  /** Its figures are measured when it is first read. */
  readonly record: HarmonizationRecord
}

export interface LoadOptions {
  /** Threads of the inference engine, where there is one. */
  readonly threads?: number | undefined
}

/** What a harmonizer is made of. */
export interface HarmonizerParts {
  readonly identity: HarmonizerIdentity
  readonly sources: readonly string[]
  readonly model: Model
  readonly guards: Readonly<Record<string, DomainLimits>>
  /** curves.onnx, where the model has a network. */
  readonly curves?: Uint8Array
}

/**
 * @param pathOrMethod a `NAME.harmonizer` folder, or a method that needs no training: `identity`, `zscore`, `whitestripe`, `kde`, `fcm`
 * @throws {ConfigError} for an unknown name; {InputError} for a damaged bundle
 */
export async function loadHarmonizer(pathOrMethod: string, options: LoadOptions = {}): Promise<Harmonizer> {
  const untrained = UNTRAINED_MODELS.find(({ kind }) => kind === pathOrMethod)
  if (untrained) return harmonizerOf(bare(untrained), options)
  if (isMethod(pathOrMethod))
    throw new ConfigError(
      `\`${pathOrMethod}\` needs a reference to bring images to.`,
      `Train one: attune train COHORT --target DOMAIN --method ${pathOrMethod}; then apply NAME.harmonizer.`,
    )
  const { readBundle } = await import('./bundle.ts')
  const { name, manifest, sha256, files } = await readBundle(pathOrMethod)
  const [model] = manifest.steps
  const curves = files['curves.onnx']
  return harmonizerOf(
    {
      identity: { name, method: model.kind, rung: manifest.rung, sha256, target: manifest.target },
      sources: manifest.sources,
      model,
      guards: manifest.guards,
      ...(curves && { curves }),
    },
    options,
  )
}

/** A method without training as a harmonizer. */
export function bare(model: Model): HarmonizerParts {
  return {
    identity: { name: model.kind, method: model.kind, rung: rungOf(model.kind) },
    sources: [],
    model,
    guards: {},
  }
}

export function harmonizerOf(parts: HarmonizerParts, { threads = 2 }: LoadOptions = {}): Harmonizer {
  const { identity, sources, model, guards } = parts
  let opened: Promise<LocalTone> | undefined
  const localTone = (): Promise<LocalTone> => {
    opened ??= openNetwork(parts, threads)
    return opened
  }
  const examine = (volume: Volume, options: ApplyOptions) => {
    const { force = false } = options
    const domain = knownDomain(parts, options.domain)
    if (options.mask && options.mask.length !== voxelCount(volume))
      throw new ConfigError(
        `The mask has ${options.mask.length} voxels, the image ${voxelCount(volume)}.`,
        'Give a mask on the grid of the image.',
      )
    const mask = options.mask ?? foregroundMask(volume)
    const x = toFloat32(volume)
    const survey = surveyMask(volume.shape, mask, FIGURE_SLICES)
    const facts = imageFacts(volume, x, survey)
    const own = domain === undefined ? undefined : guards[domain]
    const limits = own && domain ? { [domain]: own } : guards
    const preparation = firstKnown(options.preparation ?? {}, blankedParts(volume))
    const figures = lazy(() => figuresOf(x, volume, mask, survey))
    const described = Object.values(limits).some((limit) => limit.descriptors !== undefined)
    const descriptors =
      facts.maskedVoxels === 0 || !described
        ? undefined
        : options.mask
          ? describeImage(volume, x)
          : describeImage(volume, x, { mask, ...survey }, figures())
    const findings = [
      ...checkImage(volume, facts, identity.method, options.alreadyHarmonized ?? false, options.kind),
      ...checkLimits({ facts, descriptors, preparation }, limits),
    ]
    enforce(findings, force)
    const passedThrough =
      domain !== undefined && domain === identity.target && !(options.evenTarget && mapsTarget(model, domain))
    return { domain, mask, x, survey, facts, preparation, figures, findings, passedThrough }
  }
  return {
    identity,
    sources,
    warmUp() {
      if (model.kind === 'local-tone') localTone().catch(() => {})
    },
    async visit(volume, options = {}) {
      const { domain, mask, x, facts, passedThrough } = examine(volume, options)
      if (passedThrough) return undefined
      if (model.kind !== 'local-tone') return visitValues(x, mask)
      const network = await localTone()
      const seen = finiteOnly({ volume, x, mask, nonFinite: facts.nonFinite })
      return { kind: 'curves', curves: await network.curvesFor(seen, mask, domain as string) }
    },
    async apply(volume, options = {}) {
      const { domain, mask, x, facts, preparation, figures, findings, passedThrough, survey } = examine(
        volume,
        options,
      )
      const step = {
        op: 'harmonize',
        params: identity.sha256 === undefined ? model : { bundle: identity.sha256, domain: domain ?? null },
      }
      const values = passedThrough
        ? x
        : await applyModel(
            model,
            { volume, x, mask, nonFinite: facts.nonFinite },
            domain,
            localTone,
            options.visits ?? [],
          )
      const unchanged = values === x
      const makeRecord = (): HarmonizationRecord => {
        const before = figures()
        return {
          schema: RECORD_SCHEMA,
          harmonizer: identity,
          ...(domain !== undefined && { domain }),
          outcome: passedThrough ? 'passed-through' : 'harmonized',
          mask: { source: options.mask ? 'given' : 'foreground', voxels: facts.maskedVoxels },
          preparation,
          ...(options.visits?.length && { sharedWith: options.visits.length }),
          guards: findings,
          forced: findings.some(({ status }) => status === 'failed'),
          steps: passedThrough ? volume.history : [...volume.history, step],
          before,
          after: unchanged ? before : figuresOf(values, volume, mask, survey),
        }
      }
      const record = lazy(makeRecord)
      return {
        volume: unchanged
          ? volume
          : volumeOf(volume, values, { unit: volume.unit, history: [...volume.history, step] }),
        mask,
        inverse() {
          if (unchanged) return (back) => back
          if (model.kind === 'local-tone') return undefined
          const pooled = pooledVisits(x, mask, options.visits ?? [])
          return inverseOf(model, pooled.x, pooled.mask, domain as string)
        },
        get record() {
          return record()
        },
      }
    },
    async close() {
      await (await opened)?.close()
      opened = undefined
    },
  }
}

function mapsTarget(model: Model, target: string): boolean {
  return !needsDomain(model.kind) || ('tones' in model && target in model.tones)
}

/** What `make` gives, made when it is first asked for. */
function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** @throws {RefusedError} when the method has one mapping per domain and this one is not among them */
function knownDomain(
  { identity, sources, model }: HarmonizerParts,
  domain: string | undefined,
): string | undefined {
  if (!needsDomain(model.kind)) return domain
  const known = [...sources, ...(identity.target === undefined ? [] : [identity.target])]
  if (domain !== undefined && known.includes(domain)) return domain
  // One source is no licence to assume it: an image from elsewhere would be changed by the wrong mapping, and nothing would show it.
  throw new RefusedError(
    domain === undefined
      ? `${identity.name} maps each scanner in its own way, and the image's domain is not named.`
      : `${identity.name} has not been trained on domain "${domain}".`,
    `Name where the image comes from with --source: ${known.map((name) => `"${name}"`).join(', ')}.`,
  )
}

/** An image as methods see it. */
interface Image {
  readonly volume: Volume
  /** Its values. */
  readonly x: Float32Array
  readonly mask: Uint8Array
  readonly nonFinite: number
}

async function applyModel(
  model: Model,
  image: Image,
  domain: string | undefined,
  localTone: () => Promise<LocalTone>,
  visits: readonly Visit[],
): Promise<Float32Array> {
  return model.kind === 'local-tone'
    ? applyLocalTone(await localTone(), image, domain as string, visits)
    : applyJointly(model, image.x, image.mask, domain as string, visits)
}

async function applyLocalTone(
  network: LocalTone,
  image: Image,
  domain: string,
  visits: readonly Visit[],
): Promise<Float32Array> {
  const { x, mask, nonFinite } = image
  const out = await network.apply(finiteOnly(image), mask, domain, (own) => sharedCurves(own, visits))
  if (nonFinite > 0) for (let i = 0; i < x.length; i++) if (!Number.isFinite(x[i])) out[i] = x[i] as number
  return out
}

/** Infinities reach the network as NaN, which it counts as outside; both stand in the output where they were. */
function finiteOnly({ volume, x, nonFinite }: Image): Volume {
  if (nonFinite === 0) return volume
  const known = x.map((value) => (Number.isFinite(value) ? value : Number.NaN))
  return volumeOf(volume, known)
}

async function openNetwork(
  { identity, model, curves }: HarmonizerParts,
  threads: number,
): Promise<LocalTone> {
  if (model.kind !== 'local-tone' || curves === undefined)
    throw new ConfigError(`${identity.name} has no curves.onnx.`, 'Train the bundle again.')
  const { openLocalTone } = await import('../inference/local-tone.ts')
  return openLocalTone(model, curves, { threads })
}
