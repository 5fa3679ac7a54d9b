/** Maps that derivatives of a BIDS dataset hold for its images: brain masks, and the truth of simulated heads. */
import { join } from 'node:path'
import { AttuneError } from '../errors.ts'
import type { BidsDataset, BidsFile } from '../formats/bids/dataset.ts'
import { formatBidsName, isMoreGeneral, withoutEntities } from '../formats/bids/name.ts'
import { readNiftiHeader } from '../formats/nifti/read.ts'
import { type Grid, sameGrid } from '../volume/volume.ts'
import type { CohortProblem, Scan } from './cohort.ts'
import { GRID_TOLERANCE_MM } from './grids.ts'

/** A map with its absolute path. */
interface Located {
  readonly file: BidsFile
  readonly path: string
}

export interface Masks {
  /** Absolute path of the mask, by that of the image. */
  readonly of: ReadonlyMap<string, string>
  readonly notes: readonly string[]
  readonly problems: readonly CohortProblem[]
}

/**
 * `desc-brain_mask` of the same entities as each image. All images or none: intensities inside the brain and inside the head differ, so
 * that a cohort with masks for a part of its images would be measured in two ways.
 */
export async function brainMasks(dataset: BidsDataset, images: readonly Located[]): Promise<Masks> {
  const found = new Map<string, string>()
  const problems: CohortProblem[] = []
  const elsewhere: string[] = []
  const masks = new Map<string, Located[]>()
  for (const mask of mapsIn([dataset, ...dataset.derivatives], 'brain', 'mask')) {
    const scan = scanOf(mask.file)
    masks.set(scan, [...(masks.get(scan) ?? []), mask])
  }
  for (const image of images) {
    const [first, second] = masks.get(scanOf(image.file)) ?? []
    if (first === undefined) continue
    if (second !== undefined)
      problems.push({
        code: 'ambiguous-mask',
        image: image.file.path,
        message: `${first.path} and ${second.path} are both its brain mask.`,
        remedy: 'Remove one of them, or name it in .bidsignore of its dataset.',
      })
    else if (await onOneGrid(first.path, image.path)) found.set(image.path, first.path)
    else elsewhere.push(first.path)
  }
  if (found.size === images.length)
    return { of: found, notes: ['Brain masks of derivatives are used.'], problems }
  const notes = []
  if (elsewhere.length > 0)
    notes.push(`Brain masks are not used: ${elsewhere[0]} is not on the grid of its image.`)
  else if (found.size > 0)
    notes.push(`Brain masks are not used: only ${found.size} of ${images.length} images have one.`)
  return { of: new Map(), notes, problems }
}

/** Name in `GeneratedBy` of datasets whose maps are truth, and not somebody's segmentation. */
const SIMULATOR = 'attune simulate'

/** `desc-tissue_dseg` and `desc-lesions_dseg` of a simulated head: of the scan where it has its own, otherwise of the subject at rest. */
export function truthFinder(dataset: BidsDataset): (image: Located) => Promise<Scan['truth']> {
  const simulated = dataset.derivatives.filter(({ description }) => {
    const by = description['GeneratedBy']
    return Array.isArray(by) && by.some((entry: { Name?: unknown } | null) => entry?.Name === SIMULATOR)
  })
  const maps = {
    lesions: bySubject(mapsIn(simulated, 'lesions', 'dseg')),
    tissue: bySubject(mapsIn(simulated, 'tissue', 'dseg')),
  }
  return async (image) => {
    const [lesions, tissue] = [await nearest(maps.lesions, image), await nearest(maps.tissue, image)]
    return { ...(lesions !== undefined && { lesions }), ...(tissue !== undefined && { tissue }) }
  }
}

type BySubject = ReadonlyMap<string | undefined, readonly Located[]>

function bySubject(maps: readonly Located[]): BySubject {
  const found = new Map<string | undefined, Located[]>()
  for (const map of maps) {
    const { sub } = map.file.name.entities
    found.set(sub, [...(found.get(sub) ?? []), map])
  }
  return found
}

/** The map of the scan itself, otherwise of the subject; of those on several grids (`res-`) the one on the image's. */
async function nearest(maps: BySubject, image: Located): Promise<string | undefined> {
  const named = (maps.get(image.file.name.entities['sub']) ?? []).filter(({ file }) =>
    isMoreGeneral(
      { ...file.name, entities: withoutEntities(file.name.entities, ['desc', 'res']) },
      image.file.name,
    ),
  )
  const special = named.filter(({ file }) => file.name.entities['ses'] !== undefined)
  const candidates = special.length > 0 ? special : named
  for (const { path } of candidates) if (await onOneGrid(path, image.path)) return path
  return candidates[0]?.path
}

function mapsIn(datasets: readonly BidsDataset[], desc: string, suffix: string): readonly Located[] {
  return datasets.flatMap(({ root, files }) =>
    files
      .filter(
        ({ name, present }) =>
          present &&
          name.suffix === suffix &&
          name.entities['desc'] === desc &&
          /^\.nii(\.gz)?$/.test(name.extension),
      )
      .map((file) => ({ file, path: join(root, file.path) })),
  )
}

/** All entities but what was made of the scan. */
function scanOf({ name }: BidsFile): string {
  return formatBidsName({ entities: withoutEntities(name.entities, ['desc']), suffix: '', extension: '' })
}

/** Whether both can be read and share a grid. */
async function onOneGrid(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([gridOf(a), gridOf(b)])
  return one !== undefined && other !== undefined && sameGrid(one, other, GRID_TOLERANCE_MM)
}

async function gridOf(path: string): Promise<Grid | undefined> {
  try {
    return (await readNiftiHeader(path)).grid
  } catch (error) {
    if (error instanceof AttuneError) return undefined // said of the images by gridProblems
    throw error
  }
}
