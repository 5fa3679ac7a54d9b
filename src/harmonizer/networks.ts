/** Methods with a network: opened once, applied to many images. */
import type { Acquisition } from '../domain/acquisition.ts'
import { ConfigError } from '../errors.ts'
import type { BandUnetModel } from '../inference/band-unet-model.ts'
import { backThroughCurves, type LocalCurves, throughCurves } from '../inference/curves.ts'
import { CURVES_OF_PASS, type CurvesName, type LocalToneModel } from '../inference/local-tone-model.ts'
import type { Profile, ResidualUnet, SliceFeatures } from '../inference/residual-unet.ts'
import type { ToneModel } from '../intensity/tone.ts'
import { type Volume, volumeOf } from '../volume/volume.ts'
import { applyJointly, sharedCurves, type Visit, visitValues } from './joint.ts'
import type { NetworkModel } from './method.ts'

/** An image as methods see it. */
export interface Image {
  readonly volume: Volume
  /** Its values. */
  readonly x: Float32Array
  readonly mask: Uint8Array
  readonly nonFinite: number
  readonly domain: string
  readonly acquisition: Acquisition
  readonly profile: Profile
}

/** What takes values in the reference's unit, on the image's grid, back to the unit of the image. */
export type Inverse = (values: Float32Array) => Float32Array

export interface Mapped {
  readonly values: Float32Array
  /** `undefined` where there is no way back. */
  inverse(): Inverse | undefined
  /** What a network with activations of its own saw in the image. */
  readonly features?: SliceFeatures | undefined
  /** How unlike the scans of training the image is, where a network says so. */
  readonly unlikeness?: number | undefined
}

export interface Network {
  /** @param visits those of the same person on the same scanner that it shares its mapping with, as `visit` gives them */
  apply(image: Image, visits: readonly Visit[]): Promise<Mapped>
  visit(image: Image): Promise<Visit | undefined>
  close(): Promise<void>
}

/** The graphs of a bundle, by file name. */
export type Graphs = Readonly<Partial<Record<GraphName, Uint8Array>>>
export type GraphName = CurvesName | 'network.onnx'

/** Of a bundle's files those that `openNetwork` opens; the complete graph of `local-tone` is for others. */
export function graphsOf(kind: NetworkModel['kind'], files: Readonly<Record<string, unknown>>): Graphs {
  return Object.fromEntries(
    OPENED[kind].flatMap((name) => {
      const graph = files[name]
      return graph instanceof Uint8Array ? [[name, graph] as const] : []
    }),
  )
}
/** `residual-unet` has curves only over `local-tone`. */
const OPENED: Readonly<Record<NetworkModel['kind'], readonly GraphName[]>> = {
  'local-tone': ['curves.onnx'],
  'residual-unet': ['curves.onnx', 'network.onnx'],
  'band-unet': ['network.onnx'],
}

/** How a network is opened. */
export interface NetworkOptions {
  readonly threads: number
  /** Passes over what the model makes of an image. */
  readonly further?: readonly LocalToneModel[]
  /** Curves are estimated once for each image, as long as it lives: for callers that change no image. */
  readonly remembers?: boolean
}

/**
 * @param name of the bundle, for messages
 * @throws {ConfigError} when a graph is missing; {MissingError} when ONNX Runtime cannot be loaded
 */
export async function openNetwork(
  name: string,
  model: NetworkModel,
  graphs: Graphs,
  options: NetworkOptions,
): Promise<Network> {
  const { threads, further = [] } = options
  if (model.kind === 'local-tone') {
    const passes = [model, ...further].map((pass, k) =>
      localToneNetwork(name, pass, graphs, options, CURVES_OF_PASS[k]),
    )
    return inTurn(await Promise.all(passes))
  }
  if (model.kind === 'band-unet') return bandUnetNetwork(name, model, graphs, threads)
  const { imageCode, sharedCode } = await import('./image-code.ts')
  const { readLattice } = await import('../inference/reading.ts')
  const { openResidualUnet } = await import('../inference/residual-unet.ts')
  const { stage } = model
  const first =
    stage.kind === 'tone' ? toneStage(stage) : await localToneNetwork(name, stage, graphs, options)
  const unet: ResidualUnet = await openResidualUnet(graphOf(name, 'network.onnx', graphs), { threads })
  return {
    async apply(image, visits) {
      const { volume, mask, acquisition, profile } = image
      const others = visits.flatMap((visit) => (visit.kind === 'coded' ? [visit] : []))
      const stages = others.flatMap((visit) => (visit.stage === undefined ? [] : [visit.stage]))
      const { values } = await first.apply(image, stages)
      const reading = readLattice(volume, mask)
      const own = imageCode(reading, acquisition)
      const code = sharedCode([own, ...others.map((visit) => visit.code)])
      const features = await unet.addResidual(values, volume, reading, code, profile)
      return { values, inverse: noInverse, features }
    },
    async visit(image) {
      const code = imageCode(readLattice(image.volume, image.mask), image.acquisition)
      return { kind: 'coded', stage: await first.visit(image), code }
    },
    async close() {
      await first.close()
      await unet.close()
    },
  }
}

/** What a network adds depends on the image around a voxel: no function of the intensity takes it off again. */
function noInverse(): undefined {}

/** A first stage without a network. Images of the reference, which `tone` has no curve for, are as they should be. */
function toneStage(tone: ToneModel): Network {
  return {
    apply: async ({ x, mask, domain }, visits) => ({
      values: domain in tone.tones ? applyJointly(tone, x, mask, domain, visits) : Float32Array.from(x),
      inverse: noInverse,
    }),
    visit: async ({ x, mask }) => visitValues(x, mask),
    close: async () => {},
  }
}

async function localToneNetwork(
  name: string,
  model: LocalToneModel,
  graphs: Graphs,
  { threads, remembers = false }: NetworkOptions,
  file: CurvesName = 'curves.onnx',
): Promise<Network> {
  const { openLocalTone } = await import('../inference/local-tone.ts')
  const network = await openLocalTone(model, graphOf(name, file, graphs), { threads })
  const known = new WeakMap<
    Volume,
    Pick<Image, 'mask' | 'domain'> & { readonly curves: Promise<LocalCurves> }
  >()
  const curvesOf = (image: Image): Promise<LocalCurves> => {
    const { volume, mask, domain } = image
    const before = known.get(volume)
    if (before?.mask === mask && before.domain === domain) return before.curves
    const curves = network.curvesFor(finiteOnly(image), mask, domain)
    if (remembers) known.set(volume, { mask, domain, curves })
    return curves
  }
  return {
    async apply(image, visits) {
      const { volume, x, nonFinite } = image
      const curves = sharedCurves(await curvesOf(image), visits)
      const values = throughCurves(model, finiteOnly(image), curves)
      if (nonFinite > 0)
        for (let i = 0; i < x.length; i++) if (!Number.isFinite(x[i])) values[i] = x[i] as number
      const { unlikeness } = curves
      return { values, inverse: () => backThroughCurves(model, volume, curves), unlikeness }
    },
    visit: async (image) => ({ kind: 'curves', curves: await curvesOf(image) }),
    close: () => network.close(),
  }
}

/** Networks of which each takes what the one before makes of an image. */
function inTurn(passes: readonly Network[]): Network {
  const [only] = passes
  if (passes.length === 1 && only) return only
  return {
    async apply(image, visits) {
      const inverses: Mapped['inverse'][] = []
      let values = image.x
      let unlikeness: number | undefined
      for (const [k, pass] of passes.entries()) {
        const own = visits.flatMap((visit) => (visit.kind === 'passes' ? (visit.passes[k] ?? []) : []))
        const mapped = await pass.apply(after(image, values), own)
        values = mapped.values
        unlikeness = mapped.unlikeness
        inverses.unshift(mapped.inverse)
      }
      return { values, inverse: () => backThrough(inverses), unlikeness }
    },
    async visit(image) {
      const given: (Visit | undefined)[] = []
      let values = image.x
      for (const pass of passes) {
        const seen = after(image, values)
        given.push(await pass.visit(seen))
        values = (await pass.apply(seen, [])).values
      }
      return { kind: 'passes', passes: given }
    },
    async close() {
      for (const pass of passes) await pass.close()
    },
  }
}

/** The image with the values that a pass has made of it. */
function after(image: Image, values: Float32Array): Image {
  return values === image.x ? image : { ...image, x: values, volume: volumeOf(image.volume, values) }
}

/** The last pass is undone first. */
function backThrough(inverses: readonly Mapped['inverse'][]): Inverse | undefined {
  const steps: Inverse[] = []
  for (const inverse of inverses) {
    const step = inverse()
    if (step === undefined) return undefined
    steps.push(step)
  }
  return (values) => steps.reduce((x, step) => step(x), values)
}

async function bandUnetNetwork(
  name: string,
  model: BandUnetModel,
  graphs: Graphs,
  threads: number,
): Promise<Network> {
  const { unitCode } = await import('./unit-code.ts')
  const { openBandUnet } = await import('../inference/band-unet.ts')
  const network = await openBandUnet(model, graphOf(name, 'network.onnx', graphs), { threads })
  return {
    apply: async ({ volume, x, mask }) => ({
      values: await network.apply(volume, x, unitCode(model.unit, volume, x, mask)),
      inverse: noInverse,
    }),
    // nothing is estimated from the image but its noise and sharpness, which are those of each visit
    visit: async () => undefined,
    close: () => network.close(),
  }
}

function graphOf(name: string, file: GraphName, graphs: Graphs): Uint8Array {
  const graph = graphs[file]
  if (graph === undefined) throw new ConfigError(`${name} has no ${file}.`, 'Train the bundle again.')
  return graph
}

/** Infinities reach the network as NaN, which it counts as outside; both stand in the output where they were. */
function finiteOnly({ volume, x, nonFinite }: Image): Volume {
  if (nonFinite === 0) return volume
  const known = x.map((value) => (Number.isFinite(value) ? value : Number.NaN))
  return volumeOf(volume, known)
}
