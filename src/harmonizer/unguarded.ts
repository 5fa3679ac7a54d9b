/** Mappings without guards: what training and validation measure, since leaving out what guards doubt would flatter a method. */
import type { Origin } from '../domain/acquisition.ts'
import { toFloat32, type Volume } from '../volume/volume.ts'
import type { Bundle } from './bundle.ts'
import { applyClosedForm } from './closed-form.ts'
import { type ApplyOptions, type Harmonizer, harmonizerOf } from './harmonizer.ts'
import type { Visit } from './joint.ts'
import { rungOf } from './ladder.ts'
import type { Manifest } from './manifest.ts'
import { type ClosedFormModel, type Model, stageOf } from './method.ts'
import type { Graphs } from './networks.ts'

/** @returns what a method makes of an image, in the reference's unit; images of the reference are mapped too, where the method knows it */
export type Mapping = (volume: Volume, mask: Uint8Array, origin: Origin) => Promise<Float32Array>

export function closedMapping(model: ClosedFormModel): Mapping {
  return async (volume, mask, { domain }) => applyClosedForm(model, toFloat32(volume), mask, domain)
}

/** In spite of guards, also where the image is of the target. */
export function forced(mask: Uint8Array, origin: Origin): ApplyOptions {
  return { ...origin, mask, force: true, evenTarget: true }
}

/** In spite of the harmonizer's guards. */
export function forcedMapping(harmonizer: Harmonizer): Mapping {
  return async (volume, mask, origin) =>
    toFloat32((await harmonizer.apply(volume, forced(mask, origin))).volume)
}

/** Several visits of one person on one scanner by the mapping that they share (see joint.ts), in spite of guards. */
export type SharedMapping = (
  visits: readonly { readonly volume: Volume; readonly mask: Uint8Array; readonly origin: Origin }[],
) => Promise<readonly Float32Array[]>

/** Of harmonizers whose mapping is one of curves that vary over space, where one curve for the image says too little of it. */
export function forcedSharedMapping(harmonizer: Harmonizer): SharedMapping | undefined {
  if (harmonizer.identity.method !== 'local-tone') return undefined
  return async (scans) => {
    const options = scans.map(({ mask, origin }) => forced(mask, origin))
    const given: (Visit | undefined)[] = []
    for (const [i, { volume }] of scans.entries()) given.push(await harmonizer.visit(volume, options[i]))
    const outputs: Float32Array[] = []
    for (const [i, { volume }] of scans.entries()) {
      const visits = given.filter((visit, other) => visit !== undefined && other !== i) as Visit[]
      outputs.push(toFloat32((await harmonizer.apply(volume, { ...options[i], visits })).volume))
    }
    return outputs
  }
}

/** A model as a harmonizer without guards, for the scanners that it has curves for. Its images must stay as they are: what is read from one is remembered. */
export function unguarded(model: Model, target: string, graphs: Graphs, name: string): Harmonizer {
  const stage = stageOf(model)
  const sources = 'tones' in stage ? Object.keys(stage.tones).filter((domain) => domain !== target) : []
  return measuringHarmonizer([model], { target, sources }, graphs, name)
}

/** The whole of a bundle, as `unguarded`. */
export function unguardedBundle({ name, manifest, files }: Bundle): Harmonizer {
  return measuringHarmonizer(manifest.steps, manifest, files as Graphs, name)
}

function measuringHarmonizer(
  [model, ...furtherPasses]: Manifest['steps'],
  { target, sources }: Pick<Manifest, 'target' | 'sources'>,
  graphs: Graphs,
  name: string,
): Harmonizer {
  return harmonizerOf({
    identity: { name, method: model.kind, rung: rungOf(model.kind), target },
    ...{ sources, model, furtherPasses, graphs },
    guards: {},
    remembers: true,
  })
}

/**
 * The first stage of a `residual-unet` bundle, to compare the whole with.
 * @returns `undefined` for bundles of other methods, and where the first stage is a closed form that stands among the baselines
 */
export function firstStageOf({ name, manifest, files }: Bundle): Harmonizer | undefined {
  const [model] = manifest.steps
  if (model.kind !== 'residual-unet' || model.stage.kind !== 'local-tone') return undefined
  return unguarded(model.stage, manifest.target, files as Graphs, name)
}
