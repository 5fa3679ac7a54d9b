/**
 * `NAME.harmonizer/`: a fitted harmonizer as a folder that any attune reads and any auditor can check.
 *
 *     manifest.json   what it does, limits, provenance, SHA-256 of the files below
 *     network.onnx    the complete graph, for any ONNX runtime          (local-tone)
 *     curves.onnx     the part of it that attune itself runs            (local-tone)
 *     curves-2.onnx   the same of the second pass, and so on            (universal harmonizers of several passes)
 *     folds/          graphs of the models fitted without some of the people, for uncertainty maps
 *     card.md         model card
 *     evidence.json   how training went
 */
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { ConfigError, InputError, MissingError } from '../errors.ts'
import { requireWritable, sha256, temporaryPath, writeFileAtomic } from '../files.ts'
import { type Manifest, parseManifest } from './manifest.ts'

export const BUNDLE_SUFFIX = '.harmonizer'
const MANIFEST = 'manifest.json'
/** A manifest is kilobytes, a network megabytes; more is not ours. */
const MAX_FILE_BYTES = 512 * 1024 * 1024

/** File name to content, without the manifest. */
export type BundleFiles = Readonly<Record<string, string | Uint8Array>>

export interface Bundle {
  /** Folder name without `.harmonizer`. */
  readonly name: string
  readonly path: string
  readonly manifest: Manifest
  /** Hash of manifest.json, and through it of everything in the bundle. */
  readonly sha256: string
  readonly files: Readonly<Record<string, Uint8Array>>
}

/**
 * Writes a bundle whole or not at all.
 * @param overwrite replace a bundle that is there; anything else there is never replaced
 * @throws {ConfigError} when the place is taken; {MissingError} when it cannot be written
 */
export async function writeBundle(
  path: string,
  manifest: Omit<Manifest, 'files'>,
  files: BundleFiles,
  overwrite = false,
): Promise<void> {
  const place = resolve(path)
  await checkBundlePlace(place, overwrite)
  const hashes = Object.fromEntries(
    Object.entries(files)
      .map(([name, content]) => [name, sha256(content)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
  const text = `${JSON.stringify({ ...manifest, files: hashes }, null, 2)}\n`
  parseManifest(text, join(path, MANIFEST))
  const temporary = temporaryPath(dirname(place))
  const replaced = `${temporary}-replaced`
  try {
    await mkdir(temporary, { recursive: true })
    for (const [name, content] of Object.entries(files)) await writeFileAtomic(join(temporary, name), content)
    await writeFileAtomic(join(temporary, MANIFEST), text)
    if (overwrite) await rename(place, replaced).catch(() => {})
    await rename(temporary, place)
    await rm(replaced, { recursive: true, force: true })
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true })
    if (cause instanceof MissingError) throw cause
    throw new MissingError(
      `${path} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}.`,
      'Check free space and permissions of its folder.',
      { cause },
    )
  }
}

/**
 * Whether a bundle may be written there; asked before a long training, too.
 * @throws {ConfigError} for a name without `.harmonizer`, and for a place that is taken; {MissingError} when it cannot be written
 */
export async function checkBundlePlace(path: string, overwrite: boolean): Promise<void> {
  if (!path.endsWith(BUNDLE_SUFFIX) || basename(path) === BUNDLE_SUFFIX)
    throw new ConfigError(`${path} does not end in ${BUNDLE_SUFFIX}.`, `Name it NAME${BUNDLE_SUFFIX}.`)
  await requireWritable(path)
  const entries = await readdir(path).catch((error: NodeJS.ErrnoException): string[] | undefined =>
    error.code === 'ENOENT' ? undefined : [],
  )
  if (entries === undefined) return
  if (!entries.includes(MANIFEST))
    throw new ConfigError(`${path} exists and is not a bundle.`, 'Name another place; it is left as it is.')
  if (!overwrite) throw new ConfigError(`${path} exists.`, 'Name another place, or pass --overwrite.')
}

/**
 * Reads a bundle and checks every file against its hash.
 * @throws {InputError} when a file is missing, changed, or not valid
 */
export async function readBundle(path: string): Promise<Bundle> {
  const place = resolve(path)
  const bytes = await readPart(place, MANIFEST)
  const manifest = parseManifest(new TextDecoder().decode(bytes), join(path, MANIFEST))
  const files: Record<string, Uint8Array> = {}
  for (const [name, expected] of Object.entries(manifest.files)) {
    const content = await readPart(place, name)
    const found = sha256(content)
    if (found !== expected)
      throw new InputError(
        `${join(path, name)} was changed: SHA-256 ${found}, but the manifest says ${expected}.`,
        'Copy the bundle again from where it was made, or train again.',
      )
    files[name] = content
  }
  return { name: basename(place, BUNDLE_SUFFIX), path: place, manifest, sha256: sha256(bytes), files }
}

async function readPart(folder: string, name: string): Promise<Uint8Array> {
  const path = join(folder, name)
  try {
    const { size } = await stat(path)
    if (size > MAX_FILE_BYTES)
      throw new InputError(`${path} has ${size} bytes.`, 'This is not a bundle that attune wrote.')
    return await readFile(path)
  } catch (cause) {
    if (cause instanceof InputError) throw cause
    throw new InputError(
      `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}.`,
      `Give the path of a NAME${BUNDLE_SUFFIX} folder that \`attune train\` wrote.`,
      { cause },
    )
  }
}
