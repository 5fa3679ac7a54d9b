/** The images of `attune combat --images`: found by a column of the table, read and written block by block. */
import { mkdirSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { GRID_TOLERANCE_MM } from '../cohort/grids.ts'
import type { Note } from '../combat/data.ts'
import { counted, listed } from '../combat/data.ts'
import { ConfigError, InputError } from '../errors.ts'
import { type AppendedNifti, appendedNifti, type RealType } from '../formats/nifti/appended.ts'
import { layoutOf } from '../formats/nifti/datatype.ts'
import { type RangedImage, rangedImage, readValuesInto, unpacked } from '../formats/nifti/ranges.ts'
import type { CellTable } from '../formats/tables/table.ts'
import { firstInfinite, turnBackInto, turnInto } from '../kernels/turn.ts'
import { type Grid, sameGrid, voxelCount } from '../volume/volume.ts'

/** One image of the table. */
export interface ListedImage {
  /** As the table names it, below `root`. */
  readonly name: string
  readonly path: string
  readonly row: number
}

/**
 * Paths of a column, below the folder of the table or `root`.
 * @throws {ConfigError} without such a column; {InputError} for a path that is empty, absolute, leads out of the folder, or comes twice
 */
export function listedImages(table: CellTable, column: string, root: string | null): readonly ListedImage[] {
  const at = table.columns.indexOf(column)
  if (at < 0)
    throw new ConfigError(
      `${table.source}: has no column "${column}" (images); it has ${listed(table.columns, 20)}.`,
      'Columns are named as in the header line, capitals included.',
    )
  const folder = resolve(root ?? dirname(table.source))
  const first = new Map<string, number>()
  return table.rows.map((cells, row) => {
    const name = cells[at] ?? ''
    const line = `${table.source}: line ${table.lines[row]}`
    if (name === '') throw new InputError(`${line} names no image.`, 'Fill it in, or leave the row out.')
    const path = resolve(folder, name)
    const below = relative(folder, path)
    if (
      isAbsolute(name) ||
      below === '..' ||
      below.startsWith(`..${sep}`) ||
      isAbsolute(below) ||
      below === ''
    )
      throw new InputError(
        `${line} names an image outside of ${root === null ? "the table's folder" : root}: ${name}.`,
        'Paths are relative to the folder of the table, or to --images-root DIR, and stay below it.',
      )
    const before = first.get(path)
    if (before !== undefined)
      throw new InputError(
        `${table.source}: lines ${table.lines[before]} and ${table.lines[row]} name the same image.`,
        'Every row is taken for another scan. Keep one row of each.',
      )
    first.set(path, row)
    return { name: below, path, row }
  })
}

/** Reads all headers. @throws {InputError} for an image that cannot be read by ranges, or lies on another grid than the mask */
export async function openImages(
  images: readonly ListedImage[],
  grid: Grid,
): Promise<readonly RangedImage[]> {
  const opened: RangedImage[] = []
  for (const { path } of images) {
    const image = await rangedImage(path)
    if (!sameGrid(image.grid, grid, GRID_TOLERANCE_MM))
      throw new InputError(
        `${path}: is ${image.grid.shape.join(' x ')}, the mask ${grid.shape.join(' x ')}, or they lie in different places.`,
        'Resample all images and the mask to one grid in a common space.',
      )
    opened.push(image)
  }
  return opened
}

/** Bytes that unpacked copies of the gzipped ones take. */
export function unpackedBytes(images: readonly RangedImage[]): number {
  return images.reduce((sum, { gzipped, bytes }) => sum + (gzipped ? bytes : 0), 0)
}

/** At most the bytes that harmonized images take. */
export function outputBytes(images: readonly RangedImage[]): number {
  return images.reduce(
    (sum, image) => sum + image.offset + voxelCount(image.grid) * layoutOf(realType(image)).bytes,
    0,
  )
}

/** Unpacks the gzipped ones into `folder`. */
export async function unpackAll(
  images: readonly RangedImage[],
  folder: string,
  show: (line: string) => void,
): Promise<readonly RangedImage[]> {
  const out: RangedImage[] = []
  for (const [k, image] of images.entries()) {
    if (image.gzipped) show(`unpacking image ${k + 1} of ${images.length}`)
    out.push(image.gzipped ? await unpacked(image, join(folder, `${k}.in`)) : image)
  }
  return out
}

/** A run of voxels of the grid. */
export interface Block {
  readonly start: number
  readonly count: number
  /** Places in the run of the voxels inside the mask. */
  readonly inside: Int32Array
}

/** Chosen: float64 of one block, 64 MiB, held twice: with 500 float32 images a range of one is then 64 KiB, and reading is not what takes the time. */
const BLOCK_BYTES = 2 ** 26
const MOST_VOXELS = 2 ** 16

/** The whole grid in runs, such that values of `images` images fit into memory. */
export function* blocksOf(mask: Uint8Array, images: number): Generator<Block> {
  const most = Math.max(1, Math.min(MOST_VOXELS, Math.floor(BLOCK_BYTES / 8 / images)))
  for (let start = 0; start < mask.length; start += most) {
    const run = mask.subarray(start, start + most)
    yield { start, count: run.length, inside: Int32Array.from([...run.keys()].filter((k) => run[k] === 1)) }
  }
}

/** Values of one block, in memory that the next block uses again. */
export interface BlockReader {
  /** Image after image, all voxels of the run: what `read` found, into which `write` puts new values. */
  readonly run: (image: number) => Float64Array
  /** As `Features.values` of the voxels inside the mask. @throws {InputError} for infinite voxels inside */
  readonly read: (block: Block) => Float64Array
  /** Puts values of the voxels inside into the runs. */
  readonly write: (block: Block, values: Float64Array) => void
}

export function blockReader(images: readonly RangedImage[], mask: Uint8Array): BlockReader {
  const rows = images.length
  let room = 0
  for (const { count } of blocksOf(mask, rows)) room = Math.max(room, count)
  const runs = new Float64Array(room * rows)
  const values = new Float64Array(room * rows)
  let current = 0
  const run = (image: number): Float64Array => runs.subarray(image * room, image * room + current)
  return {
    run,
    read: ({ start, count, inside }) => {
      current = count
      images.forEach((image, i) => {
        readValuesInto(run(i), image, start)
        const at = firstInfinite(run(i), inside)
        if (at >= 0) throw infinite(image, start + at)
      })
      turnInto(values, runs, room, rows, inside)
      return values.subarray(0, inside.length * rows)
    },
    write: ({ inside }, changed) => turnBackInto(runs, changed, room, rows, inside),
  }
}

function infinite({ source, grid }: RangedImage, at: number): InputError {
  const [nx, ny] = grid.shape
  const place = [at % nx, Math.floor(at / nx) % ny, Math.floor(at / nx / ny)]
  return new InputError(
    `${source}: is infinite at voxel ${place.join(', ')}, inside the mask.`,
    'Make it NaN where nothing was measured, or leave the voxel out of the mask.',
  )
}

/** Float64 stays; everything else has at most the digits of float32, or becomes it. */
function realType({ header }: RangedImage): RealType {
  return header.datatype === 'float64' ? 'float64' : 'float32'
}

/** Images whose type cannot hold harmonized values. */
export function typeNotes(images: readonly RangedImage[]): readonly Note[] {
  const types = images.filter(({ header: { datatype } }) => !datatype.startsWith('float'))
  if (types.length === 0) return []
  const names = [...new Set(types.map(({ header }) => header.datatype))]
  return [
    {
      code: 'written-as-float32',
      text: `${counted(types.length, 'image')} stored as ${listed(names)}: written as float32, since nothing is rounded to whole numbers.`,
    },
  ]
}

/** Images that are written side by side: as many as the threads that deflate have to do. */
const AT_ONCE = 8

/** Harmonized images in the making. */
export interface Outputs {
  readonly append: (run: (image: number) => Float64Array) => Promise<void>
  /** Puts all in their places. */
  readonly end: () => Promise<void>
}

/**
 * One output for each image, with its header, under the same name below `folder`; gzipped where the name ends in .gz.
 * @param scratch a folder on the same disk
 */
export async function beginOutputs(
  listed: readonly ListedImage[],
  images: readonly RangedImage[],
  scratch: string,
  folder: string,
): Promise<Outputs> {
  const temporary = (k: number): string => join(scratch, `${k}.out`)
  const files: AppendedNifti[] = []
  for (const [k, image] of images.entries())
    files.push(
      await appendedNifti(
        temporary(k),
        image.header,
        realType(image),
        listed[k]?.name.endsWith('.gz') ?? false,
      ),
    )
  return {
    append: async (run) => {
      for (let first = 0; first < files.length; first += AT_ONCE)
        await Promise.all(files.slice(first, first + AT_ONCE).map((file, k) => file.append(run(first + k))))
    },
    end: async () => {
      for (const [k, file] of files.entries()) {
        await file.end()
        const written = await open(temporary(k), 'r+')
        await written.sync().finally(() => written.close())
      }
      for (const [k, { name }] of listed.entries()) {
        mkdirSync(dirname(join(folder, name)), { recursive: true })
        await rename(temporary(k), join(folder, name))
      }
    },
  }
}
