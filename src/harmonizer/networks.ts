/** Methods with a network: opened once, applied to many images. */
import type { Acquisition } from '../domain/acquisition.ts'
import { ConfigError } from '../errors.ts'
import type { BandUnetModel } from '../inference/band-unet-model.ts'
import type { LocalTone } from '../inference/local-tone.ts'
import type { Profile, ResidualUnet } from '../inference/residual-unet.ts'
import { type Volume, volumeOf } from '../volume/volume.ts'
import { applyClosedForm } from './closed-form.ts'
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

export interface Network {
  apply(image: Image): Promise<Float32Array>
  close(): Promise<void>
}

/** The graphs of a bundle, by file name. */
export type Graphs = Readonly<Partial<Record<'curves.onnx' | 'network.onnx', Uint8Array>>>

/**
 * @param name of the bundle, for messages
 * @throws {ConfigError} when a graph is missing; {MissingError} when ONNX Runtime cannot be loaded
 */
export async function openNetwork(
  name: string,
  model: NetworkModel,
  graphs: Graphs,
  threads: number,
): Promise<Network> {
  if (model.kind === 'local-tone') return localToneNetwork(name, model, graphs, threads)
  if (model.kind === 'band-unet') return bandUnetNetwork(name, model, graphs, threads)
  const { imageCode } = await import('./image-code.ts')
  const { readLattice } = await import('../inference/reading.ts')
  const { openResidualUnet } = await import('../inference/residual-unet.ts')
  const { stage } = model
  const first = stage.kind === 'tone' ? undefined : await localToneNetwork(name, stage, graphs, threads)
  const unet: ResidualUnet = await openResidualUnet(graphOf(name, 'network.onnx', graphs), { threads })
  return {
    async apply(image) {
      const { volume, x, mask, domain, acquisition, profile } = image
      const values =
        stage.kind === 'tone'
          ? applyClosedForm(stage, x, mask, domain)
          : await (first as Network).apply(image)
      const reading = readLattice(volume, mask)
      await unet.addResidual(values, volume, reading, imageCode(reading, acquisition), profile)
      return values
    },
    async close() {
      await first?.close()
      await unet.close()
    },
  }
}

async function localToneNetwork(
  name: string,
  model: NetworkModel & { readonly kind: 'local-tone' },
  graphs: Graphs,
  threads: number,
): Promise<Network> {
  const { openLocalTone } = await import('../inference/local-tone.ts')
  const network = await openLocalTone(model, graphOf(name, 'curves.onnx', graphs), { threads })
  return { apply: (image) => applyLocalTone(network, image), close: () => network.close() }
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
    apply: ({ volume, x, mask }) => network.apply(volume, x, unitCode(model.unit, volume, x, mask)),
    close: () => network.close(),
  }
}

function graphOf(name: string, file: keyof Graphs, graphs: Graphs): Uint8Array {
  const graph = graphs[file]
  if (graph === undefined) throw new ConfigError(`${name} has no ${file}.`, 'Train the bundle again.')
  return graph
}

/** Infinities reach the network as NaN, which it counts as outside; both stand in the output where they were. */
async function applyLocalTone(
  network: LocalTone,
  { volume, x, mask, domain, nonFinite }: Image,
): Promise<Float32Array> {
  if (nonFinite === 0) return network.apply(volume, mask, domain)
  const known = x.map((value) => (Number.isFinite(value) ? value : Number.NaN))
  const out = await network.apply(volumeOf(volume, known), mask, domain)
  for (let i = 0; i < x.length; i++) if (!Number.isFinite(x[i])) out[i] = x[i] as number
  return out
}
