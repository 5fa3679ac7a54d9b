/** How much of the contrast of each lesion a correction keeps. */
import type { Pair } from '../cohort/cohort.ts'
import type { LesionResult } from '../evidence/evidence.ts'
import { readNifti } from '../formats/nifti/read.ts'
import { type LesionPlaces, lesionContrast, lesionPlaces } from '../metrics/lesion-contrast.ts'
import { noiseSd } from '../metrics/noise.ts'
import { blurred, matchingBlur } from '../metrics/resolution.ts'
import { resample } from '../spatial/resample.ts'
import { type Grid, sameGrid, toFloat32, type Volume, voxelSize } from '../volume/volume.ts'

/** Below this contrast-to-noise ratio the source cannot show a lesion. */
const VISIBLE_CNR = 1

export interface LesionTruth {
  readonly places: readonly LesionPlaces[]
  /** Lesions above 50 mm³ without enough tissue around them. */
  readonly unmeasured: number
}

/** The lesions of a pair on the source's grid, from the source's truth or else the target's; `undefined` without truth. */
export async function lesionTruth(
  pair: Pair,
  grid: Grid,
  mask: Uint8Array,
): Promise<LesionTruth | undefined> {
  const [lesions, tissue] = await Promise.all(
    (['lesions', 'tissue'] as const).map(async (kind) => {
      const path = pair.source.truth[kind] ?? pair.target.truth[kind]
      return path === undefined ? undefined : labelsOn(grid, (await readNifti(path)).volume)
    }),
  )
  if (lesions === undefined) return undefined
  return lesionPlaces({ shape: grid.shape, voxelMm: voxelSize(grid), lesions, tissue, mask })
}

/** The labels at the voxels of `grid`, by nearest neighbour. */
export function labelsOn(grid: Grid, labels: Volume): Float32Array {
  return toFloat32(sameGrid(labels, grid) ? labels : resample(labels, grid, 'nearest'))
}

/**
 * @param outputs what each method made of the source, in the target's unit
 * @param mask    where noise and resolution are measured
 */
export function lesionResults(
  pair: Pair,
  grid: Grid,
  { places }: LesionTruth,
  images: { readonly source: Float32Array; readonly target: Float32Array },
  outputs: ReadonlyMap<string, Float32Array>,
  mask: Uint8Array,
): readonly LesionResult[] {
  if (places.length === 0) return []
  const sd = matchingBlur(images.target, images.source, grid, mask)
  const target = blurred(images.target, grid, sd)
  const noise = noiseSd(images.source, grid.shape, mask)
  return places.map((place) => {
    const sourceCnr = Math.abs(lesionContrast(images.source, place)) / noise
    const expected = lesionContrast(target, place)
    const kept = [...outputs]
      .map(([method, output]) => [method, lesionContrast(output, place) / expected] as const)
      .filter(([, ratio]) => Number.isFinite(ratio))
    return {
      subject: pair.subject,
      domain: pair.source.domain,
      lesion: place.lesion,
      volumeMm3: place.volumeMm3,
      measured: place.measured,
      sourceCnr: Number.isFinite(sourceCnr) ? sourceCnr : 0,
      visible: sourceCnr >= VISIBLE_CNR,
      kept: Object.fromEntries(kept),
    }
  })
}
