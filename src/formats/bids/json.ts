/** JSON files that hold one object, as all of BIDS do. */
import { readFile } from 'node:fs/promises'
import { InputError } from '../../errors.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** @throws {InputError} when the file cannot be read, is no JSON, or holds something else than one object */
export async function readJsonObject(path: string): Promise<JsonObject> {
  let value: unknown
  try {
    value = JSON.parse((await readFile(path, 'utf8')).replace(/^\uFEFF/, ''))
  } catch (cause) {
    if (cause instanceof SyntaxError)
      throw new InputError(`${path}: is not JSON: ${cause.message}.`, 'Correct the file.', { cause })
    const { code, message } = cause as NodeJS.ErrnoException
    throw new InputError(`${path}: ${code === 'ENOENT' ? 'does not exist' : message}.`, 'Restore the file.', {
      cause,
    })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  throw new InputError(`${path}: holds no JSON object.`, 'Write keys and values in { }.')
}
