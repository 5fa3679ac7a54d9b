/** Whether the files of a cohort are there, readable, and in places that fit together; from their headers alone. */
import { access } from 'node:fs/promises'
import { AttuneError } from '../errors.ts'
import { readNiftiHeader } from '../formats/nifti/read.ts'
import { fieldsOverlap } from '../spatial/overlap.ts'
import { type Grid, sameGrid } from '../volume/volume.ts'
import type { CohortProblem, Scan } from './cohort.ts'

/** A scan with the row that it came from, counted from 1. */
export interface Row {
  readonly row: number
  readonly scan: Scan
}

/** Two grids whose voxels lie this near each other everywhere (mm) are one: headers of different tools round differently. */
export const GRID_TOLERANCE_MM = 0.02

/**
 * Problems of images, masks and truth maps, in the order of the rows.
 * @param apart whether images of one subject may show different places
 */
export async function gridProblems(rows: readonly Row[], apart = false): Promise<readonly CohortProblem[]> {
  const problems: CohortProblem[] = []
  const firstOf = new Map<string, { image: string; grid: Grid }>()
  for (const { row, scan } of rows) {
    const image = await lookAt(scan.image, 'image', row, problems)
    for (const [role, path] of [
      ['mask', scan.mask],
      ['region', scan.region],
      ['lesions', scan.truth.lesions],
      ['tissue', scan.truth.tissue],
    ] as const) {
      if (path === undefined) continue
      const grid = await lookAt(path, role, row, problems)
      if (grid && image && !sameGrid(grid, image, GRID_TOLERANCE_MM))
        problems.push({
          code: 'different-grids',
          row,
          message: `The ${role} ${path} (${describe(grid)}) is not on the grid of its image (${describe(image)}).`,
          remedy: 'Resample it to the image with nearest neighbour.',
        })
    }
    if (image === undefined || apart) continue
    const first = firstOf.get(scan.subject)
    if (first === undefined) firstOf.set(scan.subject, { image: scan.image, grid: image })
    else if (!fieldsOverlap(first.grid, image))
      problems.push({
        code: 'different-grids',
        row,
        message: `The image ${scan.image} shows no place that ${first.image} of the same subject shows.`,
        remedy: 'Register the images of one subject to each other first: attune register.',
      })
  }
  return problems
}

async function lookAt(
  path: string,
  role: string,
  row: number,
  problems: CohortProblem[],
): Promise<Grid | undefined> {
  try {
    await access(path)
  } catch {
    problems.push({
      code: 'missing-file',
      row,
      message: `The ${role} ${path} does not exist.`,
      remedy: 'Paths are relative to the manifest: correct it, or add the file.',
    })
    return undefined
  }
  try {
    return (await readNiftiHeader(path)).grid
  } catch (cause) {
    if (!(cause instanceof AttuneError)) throw cause
    problems.push({ code: 'unreadable-image', row, message: cause.what, remedy: cause.remedy })
    return undefined
  }
}

function describe({ shape, affine }: Grid): string {
  const at = [3, 7, 11].map((k) => Number((affine[k] as number).toFixed(2)))
  return `${shape.join(' x ')} from ${at.join(' ')} mm`
}
