/** What is said of an image by whoever made it: beside the file, in its name, in its header. */
import { basename } from 'node:path'
import { type Declared, declaredOf } from '../domain/declared.ts'
import type { NiftiHeader } from '../formats/nifti/header.ts'
import { readSidecar } from '../formats/sidecar/sidecar.ts'

/** @throws {InputError} when a JSON file lies beside the image and cannot be read */
export async function readDeclarations(image: string, header: NiftiHeader): Promise<Declared> {
  return declaredOf({
    name: basename(image),
    sidecar: await readSidecar(image),
    codes: { intent: header.intent.code, sform: header.sform.code, qform: header.qform.code },
  })
}
