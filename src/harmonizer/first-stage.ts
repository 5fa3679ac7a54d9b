/** The first stage of a `residual-unet` bundle as a harmonizer of its own, to compare the whole with. */
import type { Bundle } from './bundle.ts'
import { type Harmonizer, harmonizerOf } from './harmonizer.ts'
import { rungOf } from './ladder.ts'
import type { Graphs } from './networks.ts'

/** @returns `undefined` for bundles of other methods, and where the first stage is a closed form that stands among the baselines */
export function firstStageOf({ name, manifest, files }: Bundle): Harmonizer | undefined {
  const [model] = manifest.steps
  if (model.kind !== 'residual-unet' || model.stage.kind !== 'local-tone') return undefined
  const { stage } = model
  return harmonizerOf({
    identity: { name, method: stage.kind, rung: rungOf(stage.kind), target: manifest.target },
    sources: manifest.sources,
    model: stage,
    guards: {},
    graphs: files as Graphs,
  })
}
