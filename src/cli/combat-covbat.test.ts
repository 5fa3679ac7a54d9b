import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { attune } from '../../test/attune.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { packageFile } from '../package-root.ts'

const folder = await temporaryFolder()
const table = packageFile('test/goldens/combat-covbat/table.csv')
const at = (name: string): string => join(folder, name)
const fit = ['combat', 'fit', table, '--batch', 'site', '--covariate', 'age', '--covariate', 'male']

it('covbat: fit, apply byte by byte, explain', async () => {
  const words = [
    '--variant',
    'covbat',
    '--covbat-components',
    '5',
    '--out',
    at('m.json'),
    '--output',
    at('a.csv'),
  ]
  const fitted = await attune(...fit, ...words)
  expect(fitted).toMatchObject({ code: 0, stderr: '' })
  expect(fitted.stdout).toMatch(/Covariance harmonized along 5 principal components \(\d\d\.\d %/)
  const applied = await attune('combat', 'apply', at('m.json'), table, '--output', at('b.csv'), '--quiet')
  expect(applied).toMatchObject({ code: 0, stdout: '' })
  expect(await readFile(at('b.csv'))).toEqual(await readFile(at('a.csv')))
  const explained = await attune('combat', 'explain', at('m.json'), '--json')
  expect(JSON.parse(explained.stdout)).toMatchObject({ variant: 'covbat', covariance: { components: 5 } })
})
it.each<[string, readonly string[], RegExp]>([
  ['an option of covbat', ['--covbat-variance', '0.9'], /--covbat-variance has no meaning for --variant eb/],
  [
    'both choices',
    ['--variant', 'covbat', '--covbat-variance', '0.9', '--covbat-components', '3'],
    /are both given/,
  ],
  ['percent', ['--variant', 'covbat', '--covbat-variance', '95'], /above 0, at most 1/],
  ['maps that are missing', ['--mask', 'mask.nii'], /--mask is given for a table/],
])('%s: exit 2', async (_, words, message) => {
  const { code, stderr } = await attune(...fit, ...words, '--out', at('x.json'))
  expect(code).toBe(2)
  expect(stderr).toMatch(message)
})
