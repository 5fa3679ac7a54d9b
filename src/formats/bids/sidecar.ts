/** What the JSON files of a dataset say of one of its files, by the inheritance principle. */
import { join } from 'node:path'
import { InputError } from '../../errors.ts'
import type { BidsDataset, BidsFile } from './dataset.ts'
import { type JsonObject, readJsonObject } from './json.ts'
import { isMoreGeneral } from './name.ts'

/**
 * Reads sidecars. A JSON file applies to the files of its suffix, in its folder and below, whose names have all of its entities; what stands
 * nearer to the file replaces what stands above, key by key. Within a folder the one that is named as the file itself wins, as in the
 * validator; otherwise two that apply are an error.
 * @returns a function that throws {InputError} for two sidecars at one level, and for one that is not a JSON object
 * @see https://bids-specification.readthedocs.io/en/v1.10.0/common-principles.html#the-inheritance-principle
 */
export function sidecarReader({ root, files }: BidsDataset): (file: BidsFile) => Promise<JsonObject> {
  const inFolder = new Map<string, BidsFile[]>()
  for (const file of files)
    if (file.name.extension === '.json') {
      const folder = folderOf(file.path)
      inFolder.set(folder, [...(inFolder.get(folder) ?? []), file])
    }
  const read = new Map<string, Promise<JsonObject>>()
  return async (file) => {
    let merged: JsonObject = {}
    for (const folder of foldersTo(file.path)) {
      const sidecar = theOneFor(file, inFolder.get(folder) ?? [], root)
      if (sidecar === undefined) continue
      const content = read.get(sidecar.path) ?? readJsonObject(join(root, sidecar.path))
      read.set(sidecar.path, content)
      merged = { ...merged, ...(await content) }
    }
    return merged
  }
}

function theOneFor(file: BidsFile, sidecars: readonly BidsFile[], root: string): BidsFile | undefined {
  const applying = sidecars.filter(
    ({ name }) => name.suffix === file.name.suffix && isMoreGeneral(name, file.name),
  )
  const [first, second] = applying
  if (second === undefined) return first
  const own = applying.find(({ name }) => isMoreGeneral(file.name, name))
  if (own) return own
  throw new InputError(
    `${join(root, (first as BidsFile).path)} and ${join(root, second.path)} both describe ${file.path}.`,
    'Let one sidecar of a folder apply to a file: rename or merge them.',
  )
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** From the root, `''`, to the file's own folder. */
function foldersTo(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1)
  return ['', ...parts.map((_, k) => parts.slice(0, k + 1).join('/'))]
}
