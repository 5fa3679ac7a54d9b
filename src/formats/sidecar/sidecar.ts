/** The JSON file beside an image, as converters and BIDS write it: `NAME.json` for `NAME.nii.gz`. */
import { readFile, stat } from 'node:fs/promises'
import { InputError } from '../../errors.ts'

export type Sidecar = Readonly<Record<string, unknown>>

/** Converters write some KiB; a file beyond this is something else. */
const LARGEST_BYTES = 2 ** 24

/**
 * @returns `undefined` where no such file lies beside the image
 * @throws {InputError} when it cannot be read, is too large, or holds no JSON object
 */
export async function readSidecar(image: string): Promise<Sidecar | undefined> {
  const path = image.replace(/\.(nii|hdr|img)(\.gz)?$/i, '.json')
  if (path === image) return undefined
  const unreadable = (why: string, cause?: unknown): InputError =>
    new InputError(`${path}: ${why}.`, 'Correct it, or move it away from the image it lies beside.', {
      cause,
    })
  let text: string
  try {
    const { size } = await stat(path)
    if (size > LARGEST_BYTES) throw unreadable(`has ${size} bytes, more than a sidecar can`)
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof InputError) throw cause
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw unreadable(`cannot be read: ${message}`, cause)
  }
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    throw unreadable('is not JSON') // without the parser's message, which quotes the content
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw unreadable('holds no JSON object')
  return value as Sidecar
}
