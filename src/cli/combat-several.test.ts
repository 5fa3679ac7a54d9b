/** The command with smooth terms, several columns of batches, and batches that begin at a date. */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { attune } from '../../test/attune.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { ConfigError } from '../errors.ts'
import { packageFile } from '../package-root.ts'
import { type AnyFitRequest, combatApplyAny, combatFitAny, explainedModel } from './combat-steps.ts'

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

const PLAIN = { columns: [], penalty: undefined, basis: undefined }
const ROLES = { batch: 'scanner', covariates: [], categorical: [], id: null, features: ['f*'] }
const REQUEST: AnyFitRequest = {
  table,
  roles: ROLES,
  columns: ['scanner'],
  nested: false,
  batchFrom: [],
  dateColumn: null,
  smooth: PLAIN,
  variant: 'eb',
  time: null,
  shrink: true,
  residual: null,
  share: null,
  components: null,
  compat: null,
  reference: null,
  singleRow: 'mean-only',
  out: at('no.json'),
  output: undefined,
}
const PEOPLE = { variant: 'longitudinal', roles: { ...ROLES, subject: 'date' } } as const
const APPLY = { table, id: null, newBatch: 'refuse', least: undefined, newModel: undefined } as const

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
  await combatApplyAny({ ...APPLY, model: at('s.json'), table: curves, output: at('s2.csv') })
  expect(await readFile(at('s2.csv'))).toEqual(await readFile(at('s.csv')))
  expect(await explainedModel(at('s.json'))).toMatchObject({ smooth: [{ column: 'age' }, { column: 'bmi' }] })
})

it('a curve over a column that is named as covariate, too, is the curve', async () => {
  const age = { columns: ['age'], penalty: undefined, basis: undefined }
  const alone = {
    ...REQUEST,
    table: curves,
    roles: { ...ROLES, batch: 'site' },
    columns: ['site'],
    smooth: age,
  }
  const one = await combatFitAny({ ...alone, out: at('one.json') })
  const both = { ...alone, roles: { ...alone.roles, covariates: ['age'] } }
  const two = await combatFitAny({ ...both, out: at('two.json') })
  expect(two.model).toEqual(one.model)
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
  await combatFitAny({ ...REQUEST, batchFrom: ['P@2020-06-01'], dateColumn: 'date', out: at('d.json') })
  const explanation = await explainedModel(at('d.json'))
  expect(explanation).toMatchObject({ batches: [{ name: 'P' }, { name: 'P@2020-06-01' }, { name: 'Q' }] })
  const text = await readFile(table, 'utf8')
  await writeFile(at('undated.csv'), text.replace('P,2018-01-15', 'P,'))
  const apply = combatApplyAny({
    ...APPLY,
    model: at('d.json'),
    table: at('undated.csv'),
    output: at('d.csv'),
  })
  await expect(apply).rejects.toThrow(
    /"date" holds no date where scanner P .*nothing on line 2 \(scanner P\)/,
  )
  expect(existsSync(at('d.csv'))).toBe(false)
})

it.each<[string, Partial<AnyFitRequest>, RegExp]>([
  ['a rule without a column of dates', { batchFrom: ['P@2020-06-01'] }, /--date COLUMN/],
  ['dates without a rule', { dateColumn: 'date' }, /--batch-from, which is not given/],
  ['nesting of one column', { nested: true }, /one column of batches/],
  ['a penalty without a curve', { smooth: { ...PLAIN, penalty: 'gcv' } }, /no column has a smooth effect/],
  [
    'a penalty in words',
    { smooth: { ...PLAIN, columns: ['age'], penalty: 'much' } },
    /penalty is NaN.*reml, gcv/s,
  ],
  [
    'curves beside levels of people',
    { smooth: { ...PLAIN, columns: ['age'] }, ...PEOPLE },
    /levels of people/,
  ],
  [
    'several columns with levels of people',
    { columns: ['scanner', 'site'], ...PEOPLE },
    /takes one column of batches/,
  ],
])('refuses %s', async (_, change, message) => {
  const run = combatFitAny({ ...REQUEST, ...change })
  await expect(run).rejects.toThrow(ConfigError)
  await expect(run).rejects.toThrow(message)
  expect(existsSync(REQUEST.out)).toBe(false)
})
