/** What a harmonizer of images in HU or SUV must keep, measured on one scan before and after. */

import type { Pair } from '../src/cohort/cohort.ts'
import type { UnitResult } from '../src/evidence/evidence.ts'
import { readNifti } from '../src/formats/nifti/read.ts'
import type { KeptUnit } from '../src/inference/band-unet-model.ts'
import { gaussianSmooth } from '../src/kernels/gaussian.ts'
import { coresOf, HU_CLASSES, huClasses, regionMeans } from '../src/metrics/regions.ts'
import { suvMax, suvPeak } from '../src/metrics/suv.ts'
import { type Grid, toFloat32, voxelSize } from '../src/volume/volume.ts'

/** A reader of CT keeps a region of interest as far from borders; kernels blur by less. */
const HU_MARGIN_MM = 8
/**
 * Resolution of a PET image after reconstruction and filter: 5 to 8 mm. Voxels further than 1.5 FWHM from every border are those of regions above
 * 3 FWHM that no neighbour spills into.
 */
const PET_FWHM_MM = 7
const PET_MARGIN_MM = 1.5 * PET_FWHM_MM
/** SD in pixels of the mean by which tissues are told in a CT without truth, noise of 30 HU leaves 5. */
const LOCAL = 1.7
/** Fewer voxels give no mean: noise of 30 HU leaves 3 HU. */
const LEAST_VOXELS = 100
/** Air below, metal above; in SUV nothing is negative, and what lies above 40 is bladder or the site of injection. */
const EXTREMES: Readonly<Record<KeptUnit, { readonly below: number; readonly above: number }>> = {
  HU: { below: -950, above: 2500 },
  SUVbw: { below: 0, above: 40 },
}

/** A scan before it was harmonized, with the mask of its body. */
interface Scanned {
  readonly grid: Grid
  readonly ownMask: Uint8Array
  readonly source: Float32Array
}

/** @param after what the harmonizer made of `images.source` */
export async function unitResult(
  unit: KeptUnit,
  pair: Pair,
  images: Scanned,
  after: Float32Array,
): Promise<UnitResult> {
  const { grid, source: before } = images
  const { below, above } = EXTREMES[unit]
  let [extremes, changed, sumBefore, sumAfter] = [0, 0, 0, 0]
  for (let i = 0; i < before.length; i++) {
    const [x, y] = [before[i] as number, after[i] as number]
    if (x < below || x > above) {
      extremes++
      if (x !== y) changed++
    }
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue
    sumBefore += x
    sumAfter += y
  }
  const labels = await regionsOf(unit, pair, images)
  const margin = unit === 'HU' ? HU_MARGIN_MM : PET_MARGIN_MM
  const cores = coresOf(labels.regions, grid.shape, voxelSize(grid), margin)
  const peak = (x: Float32Array): number => suvPeak(x, grid.shape, images.ownMask, voxelSize(grid)).value
  return {
    ...{ subject: pair.subject, domain: pair.source.domain, session: pair.source.session, unit },
    extremes: { voxels: extremes, changed },
    regions: regionMeans(before, after, cores)
      .filter(({ voxels }) => voxels >= LEAST_VOXELS)
      .map(({ region, ...means }) => ({ name: labels.nameOf(region), ...means })),
    ...(unit === 'SUVbw' && {
      suv: {
        sum: { before: sumBefore, after: sumAfter },
        max: { before: suvMax(before, images.ownMask), after: suvMax(after, images.ownMask) },
        peak: { before: peak(before), after: peak(after) },
      },
    }),
  }
}

interface Regions {
  readonly regions: Uint8Array
  readonly nameOf: (region: number) => string
}

/** In HU by the values themselves, which name air, fat, water, soft tissue and bone; in SUV by the cohort's tissue map, where it has one. */
async function regionsOf(
  unit: KeptUnit,
  pair: Pair,
  { grid, source }: Pick<Scanned, 'grid' | 'source'>,
): Promise<Regions> {
  if (unit === 'HU') {
    const known = source.map((value) => (Number.isFinite(value) ? value : 0))
    const regions = huClasses(gaussianSmooth(known, grid.shape, [LOCAL, LOCAL, 0]))
    return { regions, nameOf: (region) => HU_CLASSES[region - 1]?.name ?? '' }
  }
  const path = pair.source.truth.tissue
  if (path === undefined) return { regions: new Uint8Array(source.length), nameOf: () => '' }
  const { volume } = await readNifti(path)
  const regions = Uint8Array.from(toFloat32(volume), (label) => (label > 0 && label < 256 ? label : 0))
  return { regions, nameOf: (region) => `tissue ${region}` }
}
