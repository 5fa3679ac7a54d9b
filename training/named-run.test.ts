import { join } from 'node:path'
import { expect, it } from 'vitest'
import { attune } from '../test/attune.ts'
import { temporaryFolder } from '../test/fixtures/nifti.ts'
import { namedRuns, readNamedRun } from './named-run.ts'
import { settingsOf } from './settings.ts'

const folder = await temporaryFolder()

it('every named run is whole, and its method takes its settings', async () => {
  const names = await namedRuns()
  expect(names).toEqual(expect.arrayContaining(['local-tone-demo', 'local-tone-quick']))
  for (const name of names) {
    const { train } = await readNamedRun(name)
    await settingsOf(train.method, train.settings)
  }
})

it('refuses a name that is none, and names those that are', async () => {
  await expect(readNamedRun('../package')).rejects.toThrow(
    /no named run "\.\.\/package".*\n.*local-tone-demo/,
  )
})

it('local-tone-quick comes out as it is written, on another engine than it was made on', async () => {
  const { cohort } = await readNamedRun('local-tone-quick')
  const [, ...words] = cohort.made.replace(' quick ', ` ${join(folder, 'quick')} `).split(' ')
  expect(await attune(...words, '--quiet')).toMatchObject({ code: 0 })
  const manifest = join(folder, cohort.manifest)
  const out = join(folder, 'x.harmonizer')
  const run = ['--run', 'local-tone-quick', '--engine', 'wasm', '--out', out, '--json']
  const { code, stdout, stderr } = await attune('train', manifest, ...run)
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  expect(JSON.parse(stdout).expected).toMatchObject({ sameCohort: true, asExpected: true })
}, 300_000)

it('cannot be mixed with what it fixes', async () => {
  const { code, stderr } = await attune('train', 'c.tsv', '--run', 'local-tone-quick', '--target', 'x')
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringMatching(/run .*target.* mutually exclusive/),
  })
})
