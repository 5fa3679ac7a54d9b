import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { InputError } from '../../errors.ts'
import { readSidecar } from './sidecar.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attune-sidecar-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it.each(['a.nii', 'a.nii.gz', 'a.hdr', 'a.img'])('lies beside %s', async (name) => {
  await writeFile(join(folder, 'a.json'), '\uFEFF{"SkullStripped": true}')
  expect(await readSidecar(join(folder, name))).toEqual({ SkullStripped: true })
})

it('need not be there', async () => {
  expect(await readSidecar(join(folder, 'none.nii.gz'))).toBeUndefined()
  expect(await readSidecar(join(folder, 'a.mgz'))).toBeUndefined()
})

it.each(['{"PatientName": "Doe", ', '[1]', 'null', ''])(
  'must hold a JSON object, not %j, and is not quoted',
  async (text) => {
    await writeFile(join(folder, 'b.json'), text)
    const error = await readSidecar(join(folder, 'b.nii')).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(InputError)
    expect((error as InputError).message).toContain(join(folder, 'b.json'))
    expect((error as InputError).message).not.toContain('Doe')
  },
)
