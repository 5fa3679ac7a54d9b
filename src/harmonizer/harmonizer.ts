/** The library's front door: load a harmonizer once, apply it to volumes. */
import type { Acquisition } from '../domain/acquisition.ts'
import { blankedParts } from '../domain/blanked.ts'
import type { ImageKind } from '../domain/declared.ts'
import { firstKnown, type Preparation } from '../domain/preparation.ts'
import type { DeclaredUnit } from '../domain/unit.ts'
import { ConfigError, RefusedError } from '../errors.ts'
import { ANY_DOMAIN } from '../inference/local-tone-model.ts'
import type { Profile } from '../inference/residual-unet.ts'
import { bodyMask } from '../volume/body.ts'
import { foregroundMask } from '../volume/mask.ts'
import { toFloat32, type Volume, volumeOf, voxelCount } from '../volume/volume.ts'
import { applyClosedForm, UNTRAINED_MODELS } from './closed-form.ts'
import { describeImage } from './describe.ts'
import { checkImage, checkLimits, enforce } from './guards.ts'
import { imageFacts, surveyMask } from './image-facts.ts'
import { checkLabelMap } from './label-map.ts'
import { isMethod, needsDomain, rungOf } from './ladder.ts'
import type { DomainLimits } from './manifest.ts'
import { isNetwork, type Model, type NetworkModel } from './method.ts'
import { type Graphs, type Network, openNetwork } from './networks.ts'
import {
  FIGURE_SLICES,
  figuresOf,
  type HarmonizationRecord,
  type HarmonizerIdentity,
  RECORD_SCHEMA,
} from './record.ts'
import { describeResult } from './result-guard.ts'
import { shippedBundle } from './shipped.ts'
import { unitCheck } from './unit-guard.ts'

export interface Harmonizer {
  readonly identity: HarmonizerIdentity
  /** Domains it was trained to bring to the target; empty for methods without training. */
  readonly sources: readonly string[]
  /**
   * Brings one image into the reference domain. The input is never touched; calls may overlap.
   * @throws {RefusedError} when a guard says no (see guards.ts), or the domain is needed and unknown
   */
  apply(volume: Volume, options?: ApplyOptions): Promise<Harmonized>
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
  /** In which unit it is, where that is said elsewhere than in the volume. */
  readonly unit?: DeclaredUnit | undefined
  /** How it was acquired, as far as it is known; `residual-unet` reads it. */
  readonly acquisition?: Acquisition | undefined
  /** How many passes `residual-unet` takes: `quality` (three, the default) or `fast` (one). */
  readonly profile?: Profile | undefined
}

export interface Harmonized {
  readonly volume: Volume
  /** 1 in tissue, length V: given, or found in the image. */
  readonly mask: Uint8Array
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
  /** Where the model has a network. */
  readonly graphs?: Graphs
}

/**
 * @param pathOrMethod a `NAME.harmonizer` folder; `universal`, which takes T1-weighted heads of any scanner; or a method that needs no
 *        training: `identity`, `zscore`, `whitestripe`, `kde`, `fcm`
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
  const { name, manifest, sha256, files } = await readBundle(shippedBundle(pathOrMethod) ?? pathOrMethod)
  const [model] = manifest.steps
  return harmonizerOf(
    {
      identity: { name, method: model.kind, rung: manifest.rung, sha256, target: manifest.target },
      sources: manifest.sources,
      model,
      guards: manifest.guards,
      graphs: files as Graphs,
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
  let opened: Promise<Network> | undefined
  const network = (own: NetworkModel): Promise<Network> => {
    opened ??= openNetwork(identity.name, own, parts.graphs ?? {}, threads)
    return opened
  }
  return {
    identity,
    sources,
    warmUp() {
      if (isNetwork(model)) network(model).catch(() => {})
    },
    async apply(volume, options = {}) {
      const { force = false } = options
      const domain = knownDomain(parts, options.domain)
      if (options.mask && options.mask.length !== voxelCount(volume))
        throw new ConfigError(
          `The mask has ${options.mask.length} voxels, the image ${voxelCount(volume)}.`,
          'Give a mask on the grid of the image.',
        )
      const inHu = model.kind === 'band-unet' && model.unit === 'HU'
      const mask = options.mask ?? (inHu ? bodyMask(volume) : foregroundMask(volume))
      const x = toFloat32(volume)
      const survey = surveyMask(volume.shape, mask, FIGURE_SLICES)
      const facts = imageFacts(volume, x, survey)
      const own = domain === undefined ? undefined : guards[domain]
      const limits = own && domain ? { [domain]: own } : guards
      const preparation = firstKnown(options.preparation ?? {}, blankedParts(volume))
      const figures = lazy(() => figuresOf(x, volume, mask, survey))
      const checksResult = Object.values(limits).some((limit) => limit.result !== undefined)
      const looksAtImage =
        checksResult || Object.values(limits).some((limit) => limit.descriptors !== undefined)
      const descriptors =
        facts.maskedVoxels === 0 || !looksAtImage
          ? undefined
          : options.mask
            ? describeImage(volume, x)
            : describeImage(volume, x, { mask, ...survey }, figures())
      const unit = unitCheck(volume, model, options.unit)
      const ofImage = checkImage(volume, facts, identity.method, {
        alreadyHarmonized: options.alreadyHarmonized ?? false,
        kind: options.kind,
        unit,
      })
      if (checksResult) ofImage.push(checkLabelMap(x, volume.shape, mask))
      const before = [...ofImage, ...checkLimits({ facts, descriptors, preparation }, limits)]
      enforce(before, force)
      const passedThrough = domain !== undefined && domain === identity.target
      const step = {
        op: 'harmonize',
        params: identity.sha256 === undefined ? model : { bundle: identity.sha256, domain: domain ?? null },
      }
      const values = passedThrough
        ? x
        : isNetwork(model)
          ? await (await network(model)).apply({
              ...{ volume, x, mask, nonFinite: facts.nonFinite, domain: domain as string },
              acquisition: options.acquisition ?? {},
              profile: options.profile ?? 'quality',
            })
          : applyClosedForm(model, x, mask, domain as string)
      const unchanged = values === x
      const harmonized = checksResult && !unchanged ? describeResult(volume, values, mask) : undefined
      const result = harmonized &&
        descriptors && { ...harmonized, cut: descriptors.cut, noise: descriptors.noise }
      const findings = result
        ? [...ofImage, ...checkLimits({ facts, descriptors, result, preparation }, limits)]
        : before
      enforce(findings, force)
      const makeRecord = (): HarmonizationRecord => {
        const earlier = figures()
        return {
          schema: RECORD_SCHEMA,
          harmonizer: identity,
          ...(domain !== undefined && { domain }),
          outcome: passedThrough ? 'passed-through' : 'harmonized',
          mask: { source: options.mask ? 'given' : 'foreground', voxels: facts.maskedVoxels },
          preparation,
          guards: findings,
          forced: findings.some(({ status }) => status === 'failed'),
          steps: passedThrough ? volume.history : [...volume.history, step],
          before: earlier,
          after: unchanged ? earlier : figuresOf(values, volume, mask, survey),
        }
      }
      const record = lazy(makeRecord)
      return {
        volume: unchanged
          ? volume
          : volumeOf(volume, values, { unit: unit.after, history: [...volume.history, step] }),
        mask,
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
  if (sources.includes(ANY_DOMAIN))
    return domain !== undefined && domain === identity.target ? domain : ANY_DOMAIN
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
