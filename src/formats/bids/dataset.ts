/** Which files a BIDS dataset holds, and what it says of itself. @see https://bids-specification.readthedocs.io/en/v1.10.0 */
import type { Dirent } from 'node:fs'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError } from '../../errors.ts'
import { ignoreRule } from './ignore.ts'
import { type JsonObject, readJsonObject } from './json.ts'
import { type BidsName, parseBidsName } from './name.ts'

export const DESCRIPTION = 'dataset_description.json'

export interface BidsFile {
  /** From the dataset's root, `/` between folders. */
  readonly path: string
  readonly name: BidsName
  /** False where a link leads nowhere: the content of an annexed file that was not fetched. */
  readonly present: boolean
}

export interface BidsDataset {
  readonly root: string
  readonly description: JsonObject
  /** Files at the root and under `sub-*`, in the order of their paths, without those of `.bidsignore`. */
  readonly files: readonly BidsFile[]
  /** Paths of the tables in `phenotype/`. */
  readonly phenotype: readonly string[]
  /** Paths of images under `sub-*` that BIDS has no such names for. */
  readonly misnamed: readonly string[]
  /** The datasets in `derivatives/`; of a derivative none. */
  readonly derivatives: readonly BidsDataset[]
}

/** Whether `path` is a folder that says it is a BIDS dataset. */
export async function isBidsDataset(path: string): Promise<boolean> {
  return (await kindOf(join(path, DESCRIPTION))) === 'file'
}

/** @throws {InputError} when the description is missing or damaged, or a folder cannot be read */
export async function readBidsDataset(root: string): Promise<BidsDataset> {
  const description = await readJsonObject(join(root, DESCRIPTION))
  return { ...(await readOne(root, description)), derivatives: await readDerivatives(root) }
}

async function readOne(root: string, description: JsonObject): Promise<BidsDataset> {
  const ignored = ignoreRule(await readFile(join(root, '.bidsignore'), 'utf8').catch(() => ''))
  const paths: string[] = []
  const broken = new Set<string>()
  await walk({ root, paths, broken }, '', new Set())
  const kept = paths.filter((path) => !ignored(path)).toSorted()
  const files: BidsFile[] = []
  const misnamed: string[] = []
  for (const path of kept.filter((path) => !path.startsWith('phenotype/'))) {
    const name = parseBidsName(path.slice(path.lastIndexOf('/') + 1))
    const isImage = /^sub-.*\.nii(\.gz)?$/.test(path)
    if (name && (!isImage || name.entities['sub'] !== undefined))
      files.push({ path, name, present: !broken.has(path) })
    else if (isImage) misnamed.push(path)
  }
  return {
    root,
    description,
    files,
    phenotype: kept.filter((path) => /^phenotype\/[^/]+\.tsv$/.test(path)),
    misnamed,
    derivatives: [],
  }
}

/** Deepest folder that holds images or what belongs to them: `sub-01/ses-A/anat`. */
const DEPTH = 3

interface Walk {
  readonly root: string
  readonly paths: string[]
  readonly broken: Set<string>
}

/** Follows links, to files as to folders, but never into a folder that it is in. */
async function walk(found: Walk, folder: string, above: ReadonlySet<string>): Promise<void> {
  const here = await realpath(join(found.root, folder))
  if (above.has(here)) return
  const depth = folder === '' ? 0 : folder.split('/').length
  for (const entry of await entriesOf(join(found.root, folder))) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    // links, and file systems that do not say what an entry is, are asked
    const kind = entry.isFile() ? 'file' : await kindOf(join(found.root, path))
    if (kind === 'folder') {
      if (depth < DEPTH && (depth > 0 || /^(sub-|phenotype$)/.test(entry.name)))
        await walk(found, path, new Set([...above, here]))
    } else {
      found.paths.push(path)
      if (kind === undefined) found.broken.add(path)
    }
  }
}

async function readDerivatives(root: string): Promise<readonly BidsDataset[]> {
  const folder = join(root, 'derivatives')
  if ((await kindOf(folder)) !== 'folder') return []
  const names = (await entriesOf(folder)).map(({ name }) => name).toSorted()
  const datasets: BidsDataset[] = []
  for (const name of names) {
    const path = join(folder, name)
    if (!(await isBidsDataset(path))) continue
    // only who made it is asked of a derivative; a damaged description says nothing, and is no reason to refuse the images
    datasets.push(await readOne(path, await readJsonObject(join(path, DESCRIPTION)).catch(() => ({}))))
  }
  return datasets
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return (await readdir(folder, { withFileTypes: true })).filter(({ name }) => !name.startsWith('.'))
  } catch (cause) {
    throw new InputError(
      `${folder} cannot be read: ${(cause as Error).message}.`,
      'Check the permissions of the dataset.',
      { cause },
    )
  }
}

/** What a path leads to, links followed; `undefined` where it leads nowhere. */
async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  const found = await stat(path).catch(() => undefined)
  return found && (found.isDirectory() ? 'folder' : 'file')
}
