/** What fitting and applying a ComBat of voxel maps share: what is checked first, room on the disk, one block. */
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Note } from '../combat/data.ts'
import { ConfigError, InputError, MissingError } from '../errors.ts'
import { requireWritable, temporaryPath, withTemporary } from '../files.ts'
import type { RangedImage } from '../formats/nifti/ranges.ts'
import type { NiftiImage } from '../formats/nifti/read.ts'
import type { CellTable } from '../formats/tables/table.ts'
import { type LocationScale, takeOutGroupsInto } from '../kernels/location-scale.ts'
import { missingIn } from '../kernels/missing.ts'
import { toFloat32 } from '../volume/volume.ts'
import {
  type Block,
  type BlockReader,
  type ListedImage,
  listedImages,
  type Outputs,
  openImages,
  typeNotes,
} from './combat-maps-images.ts'

/** How the work speaks: lines that stay, and one that is redrawn. */
export interface Voice {
  readonly say: (line: string) => void
  readonly show: (line: string) => void
}

export interface ImagesRequest {
  readonly table: string
  /** Column of images, and the folder that its paths are relative to, where that is not the table's. */
  readonly images: string
  readonly imagesRoot: string | null
}

/** @returns how many values became missing */
export async function harmonizeBlock(
  reader: BlockReader,
  block: Block,
  estimates: LocationScale,
  columns: Float64Array,
  groupOf: Int32Array,
  groups: number,
  outputs: Outputs,
): Promise<number> {
  const values = reader.read(block)
  const before = missingIn(values)
  takeOutGroupsInto(values, values, estimates, 0, columns, groupOf, groups)
  reader.write(block, values)
  await outputs.append(reader.run)
  return missingIn(values) - before
}

export function insideOf({ volume }: NiftiImage, path: string): Uint8Array {
  const inside = Uint8Array.from(toFloat32(volume), (value) => (value > 0 ? 1 : 0))
  if (inside.includes(1)) return inside
  throw new InputError(
    `${path}: the mask selects no voxel.`,
    'Give a mask that is above 0 where maps are to be harmonized.',
  )
}

/** Images of the table, their headers read, and their outputs' places known to be free of what is read. */
export async function find(
  { table: source, images: column, imagesRoot, ...request }: ImagesRequest & { readonly mask?: string },
  table: CellTable,
  mask: NiftiImage,
  outputFolder: string | null,
): Promise<{ readonly listed: readonly ListedImage[]; readonly images: readonly RangedImage[] }> {
  const listed = listedImages(table, column, imagesRoot)
  if (outputFolder !== null) {
    await requireWritable(join(outputFolder, 'any'))
    const read = new Set([
      ...listed.map(({ path }) => path),
      resolve(source),
      resolve(request.mask ?? source),
    ])
    const hit = listed.find(({ name }) => read.has(resolve(outputFolder, name)))
    if (hit !== undefined)
      throw new ConfigError(
        `${join(outputFolder, hit.name)} would be overwritten: it is read.`,
        'Give another --output-dir.',
      )
  }
  return { listed, images: await openImages(listed, mask.volume) }
}

export function typesOf(images: readonly RangedImage[], outputFolder: string | null): readonly Note[] {
  return outputFolder === null ? [] : typeNotes(images)
}

/** A temporary folder in `folder`, removed however the work ends; what the system says of a full disk is said as such. */
export async function inScratch<T>(folder: string, work: (scratch: string) => Promise<T>): Promise<T> {
  const scratch = temporaryPath(folder)
  try {
    return await withTemporary(scratch, async () => {
      await mkdir(scratch, { recursive: true })
      return work(scratch)
    })
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === undefined || !['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'EIO'].includes(code)) throw cause
    throw new MissingError(
      `${folder} cannot be written: ${message}.`,
      'Check free space and permissions of the folder.',
      { cause },
    )
  }
}
