/** The folder of a ComBat of voxel maps: its maps are written block by block, and read so again. */
import { existsSync } from 'node:fs'
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type CombatMapsModel, MAPS_MODEL_FILE, mapsOf, parseMapsModel } from '../combat/maps-model.ts'
import { ConfigError, InputError } from '../errors.ts'
import { requireWritable, sha256File } from '../files.ts'
import { appendedNifti } from '../formats/nifti/appended.ts'
import type { NiftiHeader } from '../formats/nifti/header.ts'
import { type RangedImage, rangedImage, readValuesInto } from '../formats/nifti/ranges.ts'
import type { LocationScale } from '../kernels/location-scale.ts'
import type { Block } from './combat-maps-images.ts'

/** Maps that are written together: values of the voxels of a block, map after map. */
export interface MapWriters {
  readonly append: (block: Block, values: Float64Array) => Promise<void>
  /** Ends them, and opens them for reading. */
  readonly end: () => Promise<readonly RangedImage[]>
}

/** @param like header of the mask: says where the maps are */
export async function beginMaps(
  folder: string,
  names: readonly string[],
  like: NiftiHeader,
): Promise<MapWriters> {
  const header: NiftiHeader = {
    ...like,
    calMin: 0,
    calMax: 0,
    intent: { code: 0, name: '', parameters: [0, 0, 0] },
    description: 'attune combat',
    auxFile: '',
    extensions: [],
  }
  const files = await Promise.all(
    names.map((name) => appendedNifti(join(folder, name), header, 'float64', false)),
  )
  return {
    append: async ({ count, inside }, values) => {
      const run = new Float64Array(count)
      for (const [k, file] of files.entries()) {
        const own = values.subarray(k * inside.length, (k + 1) * inside.length)
        inside.forEach((place, v) => {
          run[place] = own[v] ?? Number.NaN
        })
        await file.append(run)
      }
    },
    end: async () => {
      for (const file of files) await file.end()
      return Promise.all(names.map((name) => rangedImage(join(folder, name))))
    },
  }
}

/** Values of the voxels of a block in maps, map after map. */
export function readMaps(maps: readonly RangedImage[], { start, count, inside }: Block): Float64Array {
  const out = new Float64Array(maps.length * inside.length)
  const run = new Float64Array(count)
  maps.forEach((map, k) => {
    readValuesInto(run, map, start)
    inside.forEach((place, v) => {
      out[k * inside.length + v] = run[place] ?? Number.NaN
    })
  })
  return out
}

/** @param base mean, variance and slopes; @param effects locations of all batches, then scales; of the voxels of a block */
export function locationScaleIn(block: Block, base: Float64Array, effects: Float64Array): LocationScale {
  const features = block.inside.length
  const half = effects.length / 2
  return {
    features,
    mean: base.subarray(0, features),
    variance: base.subarray(features, 2 * features),
    slopes: base.subarray(2 * features),
    location: effects.subarray(0, half),
    scale: effects.subarray(half),
  }
}

/**
 * Before long work. A model of maps is replaced, anything else that is there is left alone.
 * @throws {ConfigError} when the place is taken by something else; {MissingError} when it cannot be written
 */
export async function requireModelPlace(path: string): Promise<void> {
  await requireWritable(path)
  if (!existsSync(path)) return
  const entries = (await stat(path)).isDirectory() ? await readdir(path) : null
  if (entries?.length === 0 || entries?.includes(MAPS_MODEL_FILE)) return
  throw new ConfigError(
    `${path} exists, and is no model of maps.`,
    'A model of maps is a folder: name another place; this one is left as it is.',
  )
}

/** Puts a finished folder into its place. */
export async function placeModel(temporary: string, path: string): Promise<void> {
  const replaced = `${temporary}-replaced`
  if (existsSync(path)) await rename(path, replaced)
  await rename(temporary, path)
  await rm(replaced, { recursive: true, force: true })
}

/** SHA-256 of each file. */
export async function hashesOf(folder: string, names: readonly string[]): Promise<Record<string, string>> {
  const out: Record<string, string> = {}
  for (const name of names) out[name] = await sha256File(join(folder, name))
  return out
}

/** Whether `path` is a folder, as models of maps are. */
export async function isMapsModel(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false
}

/** Without its maps. @throws {InputError} when the folder holds no such model */
export async function readMapsModel(folder: string): Promise<CombatMapsModel> {
  const path = join(folder, MAPS_MODEL_FILE)
  let input: unknown
  try {
    input = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw new InputError(
      `${path}: ${missing ? 'does not exist' : 'cannot be read as JSON'}.`,
      'Give a folder that attune combat fit --images wrote.',
      { cause },
    )
  }
  return parseMapsModel(input, path)
}

/** Compares every map with its hash. @throws {InputError} when one is missing or was changed */
export async function requireWholeMaps(folder: string, model: CombatMapsModel): Promise<void> {
  for (const name of mapsOf(model)) {
    const path = join(folder, name)
    const found = await sha256File(path).catch((cause: unknown) => {
      throw new InputError(`${path}: cannot be read.`, 'Copy the model again, or fit again.', { cause })
    })
    if (found !== model.files[name])
      throw new InputError(
        `${path}: was changed after attune wrote it.`,
        'Copy the model again, or fit again.',
      )
  }
}
