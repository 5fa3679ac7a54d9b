/** The command with smooth terms, several columns of batches, and batches that begin at a date. */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { attune } from '../../test/attune.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { packageFile } from '../package-root.ts'

const folder = await temporaryFolder()
const at = (name: string): string => join(folder, name)
const curves = packageFile('test/goldens/combat-smooth/table.csv')
const table = at('table.csv')
const [head = '', ...lines] = (await readFile(curves, 'utf8')).trim().split('\n')
await writeFile(
  table,
  [
    `scanner,date,${head}`,
    ...lines.map((line, k) => `${k % 3 === 0 ? 'P' : 'Q'},20${18 + (k % 5)}-0${1 + (k % 9)}-15,${line}`),
  ].join('\n'),
)

it('--smooth keeps curves, says how much they bend, and apply repeats the table of the fit', async () => {
  const words = [
    '--batch',
    'site',
    '--smooth',
    'age',
    '--smooth',
    'bmi',
    '--covariate',
    'sex',
    '--features',
    'f*',
  ]
  const fit = await attune('combat', 'fit', curves, ...words, '--out', at('s.json'), '--output', at('s.csv'))
  expect(fit.code).toBe(0)
  expect(fit.stdout).toMatch(/eb: feature ~ sex \+ s\(age\) \+ s\(bmi\) \+ site/)
  expect(fit.stdout).toMatch(/s\(age\): 1\.00 to 5\.41 effective degrees of freedom/)
  const apply = await attune('combat', 'apply', at('s.json'), curves, '--output', at('s2.csv'), '--quiet')
  expect(apply.code).toBe(0)
  expect(await readFile(at('s2.csv'))).toEqual(await readFile(at('s.csv')))
  const explain = await attune('combat', 'explain', at('s.json'), '--json')
  expect(JSON.parse(explain.stdout)).toMatchObject({ smooth: [{ column: 'age' }, { column: 'bmi' }] })
})

it('--nested with a date: steps from the inside out, a model that splits new rows the same way, and its explanation', async () => {
  const words = [
    '--batch',
    'site',
    '--batch',
    'scanner',
    '--nested',
    '--covariate',
    'age',
    '--features',
    'f*',
  ]
  const from = ['--batch-from', 'scanner=P@2020-06-01', '--date', 'date']
  const fit = await attune(
    'combat',
    'fit',
    table,
    ...words,
    ...from,
    '--out',
    at('n.json'),
    '--output',
    at('n.csv'),
  )
  expect(fit.code).toBe(0)
  expect(fit.stdout).toMatch(/8 of 8 features, 9 \+ 3 batches, 106 rows/)
  expect(fit.stdout).toMatch(/scanner within site.*Step 1.*Aachen\/P@2020-06-01.*Step 2/s)
  const apply = await attune('combat', 'apply', at('n.json'), table, '--output', at('n2.csv'), '--quiet')
  expect(apply.code).toBe(0)
  expect(await readFile(at('n2.csv'))).toEqual(await readFile(at('n.csv')))
  const explain = await attune('combat', 'explain', at('n.json'))
  expect(explain.stdout).toMatch(/For a paper:.*Lindley/s)
})

it('one column that begins at a date; a row without one is named by column, line and scanner', async () => {
  const words = ['--batch', 'scanner', '--batch-from', 'P@2020-06-01', '--date', 'date', '--features', 'f*']
  const fit = await attune('combat', 'fit', table, ...words, '--out', at('d.json'), '--json')
  expect(fit.code).toBe(0)
  expect(JSON.parse(fit.stdout).batches.map(({ name }: { name: string }) => name)).toEqual([
    'P',
    'P@2020-06-01',
    'Q',
  ])
  const text = await readFile(table, 'utf8')
  await writeFile(at('undated.csv'), text.replace('P,2018-01-15', 'P,'))
  const apply = await attune('combat', 'apply', at('d.json'), at('undated.csv'), '--output', at('d.csv'))
  expect(apply).toMatchObject({ code: 4, stdout: '' })
  expect(apply.stderr).toMatch(/"date" holds no date where scanner P .*nothing on line 2 \(scanner P\)/)
  expect(existsSync(at('d.csv'))).toBe(false)
})

it.each([
  [['--batch-from', 'P@2020-06-01'], 2, /--date COLUMN/],
  [['--date', 'date'], 2, /--batch-from, which is not given/],
  [['--nested'], 2, /one column of batches/],
  [['--smooth-penalty', 'gcv'], 2, /no column has a smooth effect/],
  [['--smooth', 'age', '--smooth-penalty', 'much'], 2, /penalty is NaN.*reml, gcv/s],
  [['--smooth', 'age', '--subject', 'site', '--variant', 'longitudinal'], 2, /levels of people/],
  [['--batch', 'site', '--subject', 'date', '--variant', 'traveling'], 2, /takes one column of batches/],
])('%s: exit code %i', async (words, code, message) => {
  const ended = await attune('combat', 'fit', table, '--batch', 'scanner', ...words, '--out', at('no.json'))
  expect(ended).toMatchObject({ code, stdout: '' })
  expect(ended.stderr).toMatch(message)
  expect(existsSync(at('no.json'))).toBe(false)
})
