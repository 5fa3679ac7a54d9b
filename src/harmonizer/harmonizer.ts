/** The library's front door: load a harmonizer once, apply it to volumes. */
import type { Acquisition } from '../domain/acquisition.ts'
import { blankedParts } from '../domain/blanked.ts'
import type { ImageKind } from '../domain/declared.ts'
import { firstKnown, type Preparation } from '../domain/preparation.ts'
import { deedOf } from '../domain/translation.ts'
import type { DeclaredUnit } from '../domain/unit.ts'
import { ConfigError, RefusedError } from '../errors.ts'
import { ANY_DOMAIN, type LocalToneModel } from '../inference/local-tone-model.ts'
import type { Profile } from '../inference/residual-unet.ts'
import { bodyMask } from '../volume/body.ts'
import { foregroundMask } from '../volume/mask.ts'
import { toFloat32, type Volume, volumeOf, voxelCount } from '../volume/volume.ts'
import { UNTRAINED_MODELS } from './closed-form.ts'
import { describeImage } from './describe.ts'
import { checkFeatures } from './feature-guard.ts'
import { checkImage, checkLimits, enforce, type Finding } from './guards.ts'
import { type ImageFacts, imageFacts, type MaskSurvey, surveyMask } from './image-facts.ts'
import { inverseOf } from './inverse.ts'
import { applyJointly, pooledVisits, type Visit, visitValues } from './joint.ts'
import { checkLabelMap } from './label-map.ts'
import { isMethod, needsDomain, rungOf } from './ladder.ts'
import type { DomainLimits } from './manifest.ts'
import { isNetwork, type Model, type NetworkModel } from './method.ts'
import { type Graphs, type Image, type Inverse, type Mapped, type Network, openNetwork } from './networks.ts'
import {
  FIGURE_SLICES,
  type Figures,
  figuresOf,
  type HarmonizationRecord,
  type HarmonizerIdentity,
  RECORD_SCHEMA,
} from './record.ts'
import { describeResult } from './result-guard.ts'
import { shippedBundle } from './shipped.ts'
import {
  type Calibration,
  calibrationOf,
  foldModels,
  requireUncertainty,
  type Uncertainty,
  type UncertaintyParts,
  uncertaintyOf,
} from './uncertainty.ts'
import { type UnitCheck, unitCheck } from './unit-guard.ts'

export interface Harmonizer {
  readonly identity: HarmonizerIdentity
  /** Domains it was trained to bring to the target; empty for methods without training. */
  readonly sources: readonly string[]
  /** Where it can make uncertainty maps. */
  readonly calibration?: Calibration
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
  /** In which unit it is, where that is said elsewhere than in the volume. */
  readonly unit?: DeclaredUnit | undefined
  /** How it was acquired, as far as it is known; `residual-unet` reads it. */
  readonly acquisition?: Acquisition | undefined
  /** How many passes `residual-unet` takes: `quality` (three, the default) or `fast` (one). */
  readonly profile?: Profile | undefined
  /** Send an image of the target through the mapping too, where the mapping knows the target: what validation asks. */
  readonly evenTarget?: boolean | undefined
  /** The other visits of this person on this scanner, to share one mapping with (see joint.ts). */
  readonly visits?: readonly Visit[] | undefined
  /** Also estimate, voxel by voxel, how far the output may lie from what the target scanner would have shown. */
  readonly uncertainty?: boolean | undefined
}

export interface Harmonized {
  readonly volume: Volume
  /** 1 in tissue, length V: given, or found in the image. */
  readonly mask: Uint8Array
  /**
   * What takes values in the reference's unit, on the image's grid, back to the unit of the image; `undefined` where the mapping has no inverse: for
   * `residual-unet`, whose network looks around a voxel, and where one intensity has been made of two.
   */
  inverse(): Inverse | undefined
  /** Its figures are measured when it is first read. */
  readonly record: HarmonizationRecord
  /** Where it was asked for. */
  readonly uncertainty?: Uncertainty
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
  /** Of a universal harmonizer, over what `model` makes of an image. */
  readonly furtherPasses?: readonly LocalToneModel[]
  readonly guards: Readonly<Record<string, DomainLimits>>
  /** Where the model has a network. */
  readonly graphs?: Graphs
  readonly uncertainty?: UncertaintyParts
  /** Set where no image is changed once it has been looked at: what a network reads from one is then read once. */
  readonly remembers?: boolean
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
  const [model, ...furtherPasses] = manifest.steps
  return harmonizerOf(
    {
      identity: {
        ...{ name, method: model.kind, rung: manifest.rung, sha256, target: manifest.target },
        ...(manifest.translation && { translation: manifest.translation }),
      },
      sources: manifest.sources,
      model,
      furtherPasses,
      guards: manifest.guards,
      graphs: files as Graphs,
      ...(manifest.uncertainty && {
        uncertainty: { model: manifest.uncertainty, folds: foldModels(manifest.uncertainty, files) },
      }),
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

/** An image, and what guards found before anything is done to it. */
interface Examined {
  readonly domain: string | undefined
  readonly image: Image
  readonly survey: MaskSurvey
  readonly facts: ImageFacts
  readonly preparation: Preparation
  readonly unit: UnitCheck
  figures(): Figures
  /** An image of the target, which nothing is done to. */
  readonly passedThrough: boolean
  /** Whether guards look at what comes out, too. */
  readonly checksResult: boolean
  /** Whether they look at what the network sees. */
  readonly looksInside: boolean
  /**
   * All findings, once it is known what came out.
   * @throws {RefusedError} for what no image of the reference domain looks like, and where the network saw what it never saw in training
   */
  checkResult(mapped: Pick<Mapped, 'values' | 'features' | 'unlikeness'>): readonly Finding[]
}

export function harmonizerOf(parts: HarmonizerParts, { threads = 2 }: LoadOptions = {}): Harmonizer {
  const { identity, sources, model, guards } = parts
  const deed = deedOf(identity)
  let opened: Promise<Network> | undefined
  const network = (own: NetworkModel): Promise<Network> => {
    opened ??= openNetwork(identity.name, own, parts.graphs ?? {}, {
      threads,
      further: parts.furtherPasses ?? [],
      remembers: parts.remembers ?? false,
    })
    return opened
  }
  const examine = (volume: Volume, options: ApplyOptions): Examined => {
    const { force = false } = options
    const domain = knownDomain(parts, options)
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
    const passedThrough =
      domain !== undefined && domain === identity.target && !(options.evenTarget && mapsTarget(model, domain))
    const checkResult: Examined['checkResult'] = ({ values, features, unlikeness }) => {
      if (features && own?.features && domain !== undefined) {
        const findings = [...before, checkFeatures(features, domain, own.features)]
        enforce(findings, force)
        return findings
      }
      if (!checksResult || values === x || descriptors === undefined) return before
      const harmonized = describeResult(volume, values, mask)
      const result = harmonized && { ...harmonized, cut: descriptors.cut, noise: descriptors.noise }
      const seen = { facts, descriptors, result, unlikeness, preparation }
      const findings = [...ofImage, ...checkLimits(seen, limits)]
      enforce(findings, force)
      return findings
    }
    const image: Image = {
      ...{ volume, x, mask, nonFinite: facts.nonFinite, domain: domain as string },
      acquisition: options.acquisition ?? {},
      profile: options.profile ?? 'quality',
    }
    return {
      ...{ domain, image, survey, facts, preparation, unit, figures },
      ...{ passedThrough, checksResult, looksInside: own?.features !== undefined, checkResult },
    }
  }

  const map = async (image: Image, visits: readonly Visit[]): Promise<Mapped> => {
    if (isNetwork(model)) return (await network(model)).apply(image, visits)
    const { x, mask, domain } = image
    return {
      values: applyJointly(model, x, mask, domain, visits),
      inverse() {
        const pooled = pooledVisits(x, mask, visits)
        return inverseOf(model, pooled.x, pooled.mask, domain)
      },
    }
  }

  return {
    identity,
    sources,
    ...(parts.uncertainty && { calibration: calibrationOf(parts.uncertainty.model) }),
    warmUp() {
      if (isNetwork(model)) network(model).catch(() => {})
    },
    async visit(volume, options = {}) {
      const { image, passedThrough, checksResult, looksInside, checkResult } = examine(volume, options)
      if (passedThrough) return undefined
      if (!isNetwork(model)) return visitValues(image.x, image.mask)
      if (checksResult || looksInside) checkResult(await map({ ...image, profile: 'fast' }, []))
      return (await network(model)).visit(image)
    },
    async apply(volume, options = {}) {
      const { visits = [] } = options
      const examined = examine(volume, options)
      const { domain, image, survey, facts, preparation, unit, figures, passedThrough } = examined
      const measure = options.uncertainty && requireUncertainty(parts.uncertainty, identity, domain)
      const { x, mask } = image
      const step = {
        op: deed.op,
        params: identity.sha256 === undefined ? model : { bundle: identity.sha256, domain: domain ?? null },
      }
      const mapped = passedThrough ? untouched(x) : await map(image, visits)
      const { values, inverse } = mapped
      const unchanged = values === x
      const findings = examined.checkResult(mapped)
      const uncertainty = measure && (await uncertaintyOf(measure, image, values, threads))
      const makeRecord = (): HarmonizationRecord => {
        const earlier = figures()
        return {
          schema: RECORD_SCHEMA,
          harmonizer: identity,
          ...(domain !== undefined && { domain }),
          outcome: passedThrough ? 'passed-through' : deed.done,
          mask: { source: options.mask ? 'given' : 'foreground', voxels: facts.maskedVoxels },
          preparation,
          ...(visits.length > 0 && { sharedWith: visits.length }),
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
        inverse,
        ...(uncertainty && { uncertainty }),
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

function untouched(values: Float32Array): Mapped {
  return { values, inverse: () => (back) => back }
}

/** Methods that learn from pairs know the target where they have curves for it; the network of `residual-unet` was trained to leave it alone. */
function mapsTarget(model: Model, target: string): boolean {
  if (model.kind === 'residual-unet') return model.stage.kind === 'tone' || target in model.stage.tones
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
  { domain, evenTarget = false }: ApplyOptions,
): string | undefined {
  if (!needsDomain(model.kind)) return domain
  if (sources.includes(ANY_DOMAIN))
    return domain !== undefined && domain === identity.target && !evenTarget ? domain : ANY_DOMAIN
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
