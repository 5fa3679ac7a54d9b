import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { attune } from '../../test/attune.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { packageFile } from '../package-root.ts'

const folder = await temporaryFolder()
const table = packageFile('test/goldens/combat/table.csv')
const incoming = packageFile('test/goldens/combat/new.csv')
const at = (name: string): string => join(folder, name)
const FIT = [
  'combat',
  'fit',
  table,
  '--batch',
  'site',
  '--covariate',
  'age',
  '--covariate',
  'sex',
  '--covariate',
  'diagnosis',
]
const model = at('model.json')
const first = await attune(...FIT, '--out', model, '--output', at('out.csv'))

it('fit writes a model and a table with the rows and columns of its own, and says what was found', async () => {
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect(first.stdout).toMatch(/12 of 12 features, 3 batches, 56 rows/)
  expect(first.stdout).toMatch(/^Bergen +11 /m)
  const [before, after] = await Promise.all([table, at('out.csv')].map((path) => readFile(path, 'utf8')))
  const cells = (text = ''): string[][] =>
    text
      .trim()
      .split('\n')
      .map((line) => line.split(','))
  const [old, now] = [cells(before), cells(after)]
  expect(now[0]).toEqual(old[0])
  expect(now.map((row) => row.slice(0, 4))).toEqual(old.map((row) => row.slice(0, 4)))
  expect(now[1]?.[4]).not.toBe(old[1]?.[4])
})
it('apply to the table of the fit gives the table that fit wrote, byte by byte', async () => {
  const { code } = await attune('combat', 'apply', model, table, '--output', at('again.csv'), '--quiet')
  expect(code).toBe(0)
  expect(await readFile(at('again.csv'))).toEqual(await readFile(at('out.csv')))
})
it('explain prints formula, sites and a text for a paper, and the same as JSON', async () => {
  const { stdout } = await attune('combat', 'explain', model)
  expect(stdout).toMatch(
    /eb: feature ~ age \+ sex \(M against F\) \+ diagnosis \(mci, patient against control\) \+ site/,
  )
  expect(stdout).toMatch(/Johnson WE/)
  const { stdout: json } = await attune('combat', 'explain', model, '--json')
  expect(JSON.parse(json)).toMatchObject({ variant: 'eb', rows: 56, harmonized: 12 })
})
it('a new site is refused, then estimated on request, and the model with it can be kept', async () => {
  const refused = await attune('combat', 'apply', model, incoming, '--output', at('new.csv'))
  expect(refused).toMatchObject({ code: 3, stdout: '' })
  expect(refused.stderr).toMatch(/site "Dover" \(21 rows.*--new-batch estimate/s)
  expect(existsSync(at('new.csv'))).toBe(false)
  const words = ['--new-batch', 'estimate', '--new-model', at('with-dover.json')]
  const { code, stderr, stdout } = await attune(
    'combat',
    'apply',
    model,
    incoming,
    '--output',
    at('new.csv'),
    ...words,
  )
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${at('new.csv')}: 34 rows, 12 features\n` })
  expect(stderr).toMatch(/Dover, estimated from 21 rows .* 0\.\d\d SD/)
  const again = await attune(
    'combat',
    'apply',
    at('with-dover.json'),
    incoming,
    '--output',
    at('new-again.csv'),
    '--json',
  )
  expect(again.code).toBe(0)
  expect(JSON.parse(again.stdout)).toMatchObject({
    rows: 34,
    newBatches: [],
    notes: [{ code: 'extrapolation' }],
  })
  expect(await readFile(at('new-again.csv'))).toEqual(await readFile(at('new.csv')))
})
it('gaps, constant and text columns, a TSV: the rest is harmonized, and what is not is said', async () => {
  const lines = ['id\tsite\tscanner note\ta\tb\tflat']
  for (let k = 0; k < 12; k++)
    lines.push(
      `p${k}\t${k < 6 ? 'X' : 'Y'}\tok ${k}\t${k === 2 ? 'n/a' : Math.sin(k) + (k < 6 ? 5 : 0)}\t${Math.cos(3 * k)}\t7`,
    )
  await writeFile(at('gaps.tsv'), lines.join('\r\n'))
  const { code, stderr } = await attune(
    'combat',
    'fit',
    at('gaps.tsv'),
    '--batch',
    'site',
    '--id',
    'id',
    '--out',
    at('g.json'),
    '--output',
    at('g.tsv'),
  )
  expect(code).toBe(0)
  expect(stderr).toMatch(/Not harmonized: scanner note/)
  expect(stderr).toMatch(/Passed through .* the same value everywhere: flat/)
  const { stdout } = await attune('combat', 'explain', at('g.json'))
  expect(stdout).toMatch(
    /note: Passed through .* flat\..*1 feature could not be harmonized and stayed as measured/s,
  )
  const rows = (await readFile(at('g.tsv'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => line.split('\t'))
  expect(rows[3]?.slice(0, 4)).toEqual(['p2', 'X', 'ok 2', 'n/a'])
  expect(rows.slice(1).map((row) => row[5])).toEqual(Array(12).fill('7'))
})

describe('refusals', () => {
  const refused = (...words: readonly string[]) => attune('combat', 'fit', ...words, '--out', at('none.json'))
  it.each<[string, readonly string[], number, RegExp]>([
    [
      'a column that is not there',
      [table, '--batch', 'scanner'],
      2,
      /no column "scanner" .* it has site, age/,
    ],
    ['a file that is not there', [at('nothing.csv'), '--batch', 'site'], 4, /does not exist/],
    ['the table as output', [table, '--batch', 'site', '--output', table], 2, /would be overwritten/],
  ])('%s', async (_, words, exit, message) => {
    const { code, stdout, stderr } = await refused(...words)
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' })
    expect(stderr).toMatch(message)
    expect(existsSync(at('none.json'))).toBe(false)
  })
  it('a covariate that is the site, with exit 3 and as data', async () => {
    const text = ['site,age,diagnosis,x,y']
    for (let k = 0; k < 16; k++)
      text.push(
        `${k < 8 ? 'A' : 'B'},${30 + ((7 * k) % 11)},${k < 8 ? 'control' : 'patient'},${k % 5},${(k * k) % 7}`,
      )
    await writeFile(at('confounded.csv'), text.join('\n'))
    const { code, stdout } = await refused(
      at('confounded.csv'),
      '--batch',
      'site',
      '--covariate',
      'age',
      '--covariate',
      'diagnosis',
      '--json',
    )
    expect(code).toBe(3)
    expect(JSON.parse(stdout).error.what).toMatch(
      /"diagnosis=patient" does not vary within any site.*A, another at B/s,
    )
  })
  it('a file that is no model', async () => {
    const { code, stderr } = await attune('combat', 'explain', table)
    expect(code).toBe(4)
    expect(stderr).toMatch(/is not JSON/)
  })
})
