import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { attune } from '../../test/attune.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { packageFile } from '../package-root.ts'

const folder = await temporaryFolder()
const table = packageFile('test/goldens/combat-longitudinal/table.csv')
const at = (name: string): string => join(folder, name)
const fit = ['combat', 'fit', table, '--batch', 'scanner', '--subject', 'person']

it('longitudinal: fit, apply byte by byte, explain', async () => {
  const words = ['--variant', 'longitudinal', '--time', 'years', '--covariate', 'age']
  const { code, stdout } = await attune(...fit, ...words, '--out', at('l.json'), '--output', at('l.csv'))
  expect(code).toBe(0)
  expect(stdout).toMatch(/longitudinal: feature ~ age \+ years \+ person \(random intercept\) \+ scanner/)
  expect(stdout).toMatch(/30 people, 22 with several scans, \d+ on several scanners\.\n\d+ % of the variance/)
  const applied = await attune('combat', 'apply', at('l.json'), table, '--output', at('l2.csv'), '--quiet')
  expect(applied.code).toBe(0)
  expect(await readFile(at('l2.csv'))).toEqual(await readFile(at('l.csv')))
  const explained = await attune('combat', 'explain', at('l.json'), '--json')
  expect(JSON.parse(explained.stdout)).toMatchObject({
    variant: 'longitudinal',
    repeated: { subjectColumn: 'person', people: 30, repeaters: 22, leftOut: null },
  })
  expect(JSON.parse(explained.stdout).methods).toMatch(
    /Beer 2020.*doi:10\.1016\/j\.neuroimage\.2020\.117129/s,
  )
})
it('traveling: fit with evidence on people left out, apply to one ordinary person', async () => {
  const words = ['--variant', 'traveling', '--covariate', 'years', '--covariate', 'age', '--json']
  const { code, stdout } = await attune(...fit, ...words, '--out', at('t.json'))
  expect(code).toBe(0)
  const found = JSON.parse(stdout)
  expect(found).toMatchObject({
    variant: 'traveling',
    repeated: { leftOut: { folds: found.repeated.travelers } },
  })
  expect(found.repeated.leftOut.ratio).toBeLessThan(1)
  // Age is that at the first scan: it belongs to the person.
  expect(found.notes.map(({ code }: { code: string }) => code)).toContain('covariate-of-people')
  await writeFile(at('one.csv'), 'person,scanner,years,f1,f2,f3,f4,f5,f6\nsomebody,B,0,4,5,6,7,8,9\n')
  const applied = await attune('combat', 'apply', at('t.json'), at('one.csv'), '--output', at('one-out.csv'))
  expect(applied).toMatchObject({ code: 0, stderr: '' })
  expect(await readFile(at('one-out.csv'), 'utf8')).toMatch(/^somebody,B,0,\d\.\d+/m)
})
it.each<[string, readonly string[], RegExp]>([
  ['no column of subjects', ['--variant', 'traveling'], /--subject COLUMN/],
  [
    'options of another variant',
    ['--subject', 'person', '--time', 'years', '--no-eb'],
    /--subject, --time, --no-eb have no meaning for --variant eb/,
  ],
])('%s: exit 2, nothing written', async (_, words, message) => {
  const { code, stderr } = await attune(
    'combat',
    'fit',
    table,
    '--batch',
    'scanner',
    ...words,
    '--out',
    at('x.json'),
  )
  expect(code).toBe(2)
  expect(stderr).toMatch(message)
  expect(existsSync(at('x.json'))).toBe(false)
})
it('an undeclared column of people that goes with the batches, and a declared one, are named on standard error and in the model', async () => {
  const rows = Array.from({ length: 40 }, (_, k) => {
    const site = k < 20 ? 'A' : 'B'
    const diagnosis = (k < 20 ? k % 10 > 0 : k % 10 === 0) ? 'patient' : 'control'
    return [site, (k < 20 ? 30 : 55) + (k % 9), diagnosis, (k * 37) % 19, (k * 53) % 23].join(',')
  })
  await writeFile(at('uneven.csv'), `site,age,diagnosis,f1,f2\n${rows.join('\n')}\n`)
  const words = [
    '--batch',
    'site',
    '--covariate',
    'diagnosis',
    '--features',
    'f*',
    '--out',
    at('uneven.json'),
  ]
  const { code, stderr } = await attune('combat', 'fit', at('uneven.csv'), ...words)
  expect(code).toBe(0)
  expect(stderr).toMatch(
    /site explains 9\d % of the variance of age, which is not declared.*--covariate age\./,
  )
  expect(stderr).toMatch(/goes with diagnosis \(phi 0\.8\d?\).*in one model with site/)
  expect(JSON.parse(await readFile(at('uneven.json'), 'utf8')).notes).toMatchObject([
    { code: 'over-harmonization' },
    { code: 'unbalanced-design' },
  ])
})
