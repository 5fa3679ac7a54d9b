/** attune combat diagnose, crossfit, test and explain --for plan, as people run them. */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { attune } from '../../test/attune.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { packageFile } from '../package-root.ts'

const folder = await temporaryFolder()
const table = packageFile('test/goldens/combat/table.csv')
const at = (name: string): string => join(folder, name)
const ROLES = ['--batch', 'site', '--covariate', 'age', '--covariate', 'sex', '--covariate', 'diagnosis']
const model = at('model.json')
await attune('combat', 'fit', table, ...ROLES, '--out', model, '--output', at('after.csv'), '--quiet')

describe('diagnose', () => {
  it('writes a page that needs nothing else, and data', async () => {
    const { code, stdout } = await attune(
      'combat',
      'diagnose',
      table,
      ...ROLES,
      '--model',
      model,
      '--label',
      'diagnosis',
      '--out',
      at('d'),
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(/site named by a classifier +\d+\.\d % \(chance/)
    const page = await readFile(at('d/diagnostics.html'), 'utf8')
    expect(page).toMatch(/^<!doctype html>/)
    expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/)
    expect(page.match(/<svg role="img"/g)?.length).toBeGreaterThan(20)
    const data = JSON.parse(await readFile(at('d/diagnostics.json'), 'utf8'))
    expect(data).toMatchObject({
      kind: 'combat-diagnostics',
      version: 1,
      batch: 'site',
      rows: 56,
      features: 12,
      harmonized: 'model',
    })
    expect(data.priors).toHaveLength(3)
  })
  it('takes a harmonized table of the same rows, and finds what the model made', async () => {
    const { stdout } = await attune(
      'combat',
      'diagnose',
      table,
      at('after.csv'),
      ...ROLES,
      '--out',
      at('e'),
      '--json',
    )
    const own = JSON.parse(stdout)
    const other = JSON.parse(await readFile(at('d/diagnostics.json'), 'utf8'))
    expect(own).toMatchObject({ harmonized: 'table', priors: [], separation: null })
    expect(own.siteVariance).toEqual(other.siteVariance)
  })
  it('refuses a table of other rows', async () => {
    const [head = '', first = '', second = '', ...rest] = (await readFile(at('after.csv'), 'utf8')).split(
      '\n',
    )
    await writeFile(at('swapped.csv'), [head, ...rest.slice(0, -1), first, second].join('\n'))
    const { code, stderr } = await attune(
      'combat',
      'diagnose',
      table,
      at('swapped.csv'),
      ...ROLES,
      '--out',
      at('f'),
    )
    expect({ code, made: existsSync(at('f')) }).toEqual({ code: 4, made: false })
    expect(stderr).toMatch(/"site" on line \d+ is not what .*same rows, in the same order/s)
  })
})
describe('crossfit', () => {
  it('says what is honest and what leaks, and writes the table', async () => {
    const words = [table, '--batch', 'site', '--covariate', 'age', '--label', 'diagnosis', '--folds', '4']
    const { code, stdout } = await attune(
      'combat',
      'crossfit',
      ...words,
      '--features',
      'f*',
      '--out',
      at('c.json'),
      '--output',
      at('c.csv'),
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(/fitted in training folds +\d/)
    const data = JSON.parse(await readFile(at('c.json'), 'utf8'))
    expect(data.ways.map(({ way }: { way: string }) => way)).toEqual([
      'none',
      'inside',
      'all',
      'all-with-label',
    ])
    expect((await readFile(at('c.csv'), 'utf8')).trim().split('\n')).toHaveLength(57)
  })
  it('refuses a class that is a covariate, and a site with too few people', async () => {
    const leak = await attune(
      'combat',
      'crossfit',
      table,
      ...ROLES,
      '--label',
      'diagnosis',
      '--out',
      at('g.json'),
    )
    expect(leak).toMatchObject({ code: 2, stdout: '' })
    expect(leak.stderr).toMatch(/the answer/)
    const few = await attune(
      'combat',
      'crossfit',
      table,
      ...ROLES,
      '--predict',
      'site',
      '--folds',
      '12',
      '--out',
      at('g.json'),
    )
    expect(few).toMatchObject({ code: 3, stdout: '' })
    expect(few.stderr).toMatch(/Bergen \(11\): fewer than 12 folds/)
    expect(existsSync(at('g.json'))).toBe(false)
  })
})
it('test prints the honest test beside the naive one, the same each time', async () => {
  const words = ['combat', 'test', table, ...ROLES, '--of', 'age', '--permutations', '19', '--json']
  const { code, stdout } = await attune(...words)
  expect(code).toBe(0)
  const data = JSON.parse(stdout)
  expect(data).toMatchObject({ kind: 'combat-test', of: 'age', columns: ['age'], rows: 56, permutations: 19 })
  expect(data.features[11].honest.p).toBeLessThan(1e-6)
  expect(data.features[11].permuted.p).toBe(0.05)
  expect((await attune(...words)).stdout).toBe(stdout)
  const { code: wrong, stderr } = await attune('combat', 'test', table, ...ROLES, '--of', 'weight')
  expect(wrong).toBe(2)
  expect(stderr).toMatch(/"weight" .*no covariate/)
})
it('explain --for plan writes an analysis plan with its references', async () => {
  const { stdout } = await attune('combat', 'explain', model, '--for', 'plan')
  expect(stdout).toMatch(/^Estimand\. For each of 12 features/)
  for (const part of [
    'Harmonization. ComBat, variant eb',
    'Primary analysis.',
    'What is refused',
    'Sensitivity analyses.',
    'Nygaard V',
    'Johnson WE',
  ])
    expect(stdout).toContain(part)
})
