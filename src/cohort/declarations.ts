/** What is said of an image by whoever made it: beside the file, in its name, in its header. */
import { basename } from 'node:path'
import { type Declared, declaredOf } from '../domain/declared.ts'
import type { NiftiHeader } from '../formats/nifti/header.ts'
import { readSidecar, type Sidecar } from '../formats/sidecar/sidecar.ts'

/**
 * @param sidecar what a dataset says of the image; without it, the JSON file beside the image counts
 * @throws {InputError} when that file cannot be read
 */
export async function readDeclarations(
  image: string,
  header: NiftiHeader,
  sidecar?: Sidecar,
): Promise<Declared> {
  return declaredOf({
    name: basename(image),
    sidecar: sidecar ?? (await readSidecar(image)),
    codes: { intent: header.intent.code, sform: header.sform.code, qform: header.qform.code },
  })
}
