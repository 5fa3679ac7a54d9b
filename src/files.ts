/** Files that appear whole or not at all: written beside their place under a temporary name, then renamed. */
import { createHash, randomBytes } from 'node:crypto'
import { constants, createReadStream, existsSync, rmSync } from 'node:fs'
import { access, mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { MissingError } from './errors.ts'

/** Bytes, text, or a list of byte chunks written one after the other. */
export type FileContent = string | Uint8Array | readonly Uint8Array[]

const underway = new Set<string>()

/** Runs `work`, which may make the file or folder `path`, and removes what is left there, however it ends. */
export async function withTemporary<T>(path: string, work: () => Promise<T>): Promise<T> {
  underway.add(path)
  try {
    return await work()
  } finally {
    await rm(path, { recursive: true, force: true }).catch(() => {})
    underway.delete(path)
  }
}

/** Removes what unfinished work has left; for a program about to be ended by a signal. */
export function removeTemporaryFiles(): void {
  for (const path of underway) rmSync(path, { recursive: true, force: true })
}

/** A name in `folder` for what is not finished yet. It carries no part of any path, which may hold a patient's name. */
export function temporaryPath(folder: string): string {
  return join(folder, `.attune-${randomBytes(8).toString('hex')}.tmp`)
}

/**
 * Writes `path` atomically: readers see the old file or the new one, never a part. Folders are made.
 * @throws {MissingError} when the folder cannot be written or the disk is full; no temporary file stays
 */
export async function writeFileAtomic(path: string, content: FileContent): Promise<void> {
  const folder = dirname(path)
  const temporary = temporaryPath(folder)
  try {
    await withTemporary(temporary, async () => {
      await mkdir(folder, { recursive: true })
      const file = await open(temporary, 'wx')
      try {
        for (const chunk of typeof content === 'string' || content instanceof Uint8Array
          ? [content]
          : content)
          await file.writeFile(chunk)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, path)
    })
  } catch (cause) {
    throw unwritable(path, cause)
  }
}

/**
 * Says before long work what writing would say after it. Nothing is made.
 * @throws {MissingError} when the folder of `path`, or the nearest above it that exists, cannot be written
 */
export async function requireWritable(path: string): Promise<void> {
  let folder = dirname(resolve(path))
  while (!existsSync(folder)) folder = dirname(folder)
  try {
    await access(`${folder}/.`, constants.W_OK) // the dot fails where a file has the folder's name
  } catch (cause) {
    throw unwritable(path, cause)
  }
}

/**
 * Says before long work that the disk is too small for it.
 * @param needs how many bytes each folder, or the nearest above it that exists, is to take
 * @throws {MissingError} when the free space of a disk is less than that of all folders on it
 */
export async function requireSpace(
  needs: readonly { readonly folder: string; readonly bytes: number }[],
): Promise<void> {
  const disks = new Map<number, { folder: string; bytes: number }>()
  for (const { folder, bytes } of needs) {
    let place = resolve(folder)
    while (!existsSync(place)) place = dirname(place)
    const { dev } = await stat(place)
    disks.set(dev, { folder: place, bytes: bytes + (disks.get(dev)?.bytes ?? 0) })
  }
  for (const { folder, bytes } of disks.values()) {
    const { bavail, bsize } = await statfs(folder)
    if (bavail * bsize < bytes)
      throw new MissingError(
        `${folder}: ${gibibytes(bytes)} of disk are needed, and ${gibibytes(bavail * bsize)} are free.`,
        'Make room, or name a folder on another disk.',
      )
  }
}

/** `3.4 GiB`. */
export function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(bytes < 2 ** 30 ? 3 : 1)} GiB`
}

function unwritable(path: string, cause: unknown): MissingError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new MissingError(
    `${path} cannot be written: ${reason}.`,
    'Check free space and permissions of its folder.',
    { cause },
  )
}

/** Lower-case hexadecimal SHA-256. */
export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Of a file of any size: it is never whole in memory. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}
