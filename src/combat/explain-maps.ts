/** What a model of voxel maps says, in the form of `explainCombat`: a feature is a voxel. */
import { type Explanation, formulaOf, methodsOf } from './explain.ts'
import type { CombatMapsModel } from './maps-model.ts'

export function explainMaps(model: CombatMapsModel): Explanation {
  const { software, variant, rows, voxels, harmonized, notes } = model
  const batches = model.batches.map((batch) => ({ ...batch, estimated: 'fit' as const }))
  const spread = ({ mean, sd }: { mean: number; sd: number | null }) => ({ mean, sd: sd ?? Number.NaN })
  return {
    software,
    variant,
    formula: formulaOf(model),
    rows,
    features: voxels,
    harmonized,
    batches: batches.map(({ name, rows: own, estimated, taken }) => ({
      name,
      rows: own,
      estimated,
      location: spread(taken.location),
      scale: spread(taken.scale),
    })),
    notes,
    methods: `Each voxel of the mask was taken as a feature. ${methodsOf({ ...model, compat: null, batches }, voxels, harmonized)}`,
  }
}
