import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { attune } from '../../test/attune.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { movingHead, uprightGrid } from '../../test/moving-head.ts'
import { writeNifti } from '../formats/nifti/write.ts'
import { IDENTITY } from '../kernels/matrix.ts'

const folder = await temporaryFolder()
const source = join(folder, 'raw')
await mkdir(source)
await writeNifti(join(source, 'a.nii.gz'), movingHead({ pose: IDENTITY, grid: uprightGrid(8) }))
const manifest = join(source, 'cohort.tsv')
await writeFile(manifest, 'subject\tdomain\timage\nperson\tA\ta.nii.gz\n')
const out = join(folder, 'out')

it('registers two scans, says how well, and ends: the threads of elastix do not keep it alive', async () => {
  await writeNifti(join(source, 'b.nii.gz'), movingHead({ pose: IDENTITY, grid: uprightGrid(5) }))
  await writeNifti(join(source, 'c.nii.gz'), movingHead({ pose: IDENTITY, grid: uprightGrid(5), seed: 2 }))
  const pair = join(source, 'pair.tsv')
  await writeFile(pair, 'subject\tdomain\timage\nperson\tA\tb.nii.gz\nperson\tB\tc.nii.gz\n')
  const { code, stdout } = await attune('register', pair, join(folder, 'pair'))
  expect(stdout).toMatch(/2 of 2 scans of 1 subjects, error at most \d\.\d+ mm/)
  expect(code).toBe(0)
  expect(existsSync(join(folder, 'pair', 'cohort.tsv'))).toBe(true)
})

it('ends with 3 where no subject has two scans to register, and says so as data with --json', async () => {
  const { code, stdout, stderr } = await attune('register', manifest, out, '--json')
  expect({ code, stderr }).toEqual({ code: 3, stderr: '' })
  const { error } = JSON.parse(stdout)
  expect(error).toMatchObject({ code: 'E_REFUSED', what: expect.stringContaining(manifest) })
  expect(existsSync(join(out, 'registration.tsv'))).toBe(true)
  expect(existsSync(join(out, 'cohort.tsv'))).toBe(false)
})
it.each([
  ['a limit that is no length', [manifest, out, '--max-error-mm', '0'], 2, /--max-error-mm is 0/],
  ['a seed that is no whole number', [manifest, out, '--seed', '1.5'], 2, /1\.5/],
  ['the folder of the inputs', [manifest, source], 2, /holds the inputs/],
  ['a cohort that is not there', [join(source, 'none.tsv'), out], 4, /none\.tsv/],
  ['a folder that holds something else', [manifest, folder], 3, /holds no registered cohort/],
] as const)('refuses %s', async (_, words, exit, message) => {
  const { code, stdout, stderr } = await attune('register', ...words)
  expect(code).toBe(exit)
  expect(stdout).toBe('')
  expect(stderr).toMatch(message)
})
