/** The layout that MLflow's FileStore reads; that `mlflow migrate-filestore` imports it is tested in test/mlflow.test.ts. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { exportFileStore } from './file-store.ts'
import { createRunFolder } from './run-folder.ts'
import { openTracker } from './tracker.ts'

const folder = await temporaryFolder()
const file = join(folder, 'card.md')
await writeFile(file, 'card')

const finished = async (experiment: string) => {
  const run = createRunFolder(join(folder, 'runs'), { name: 'to: b #1', experiment, key: '' })
  const tracker = openTracker(run, (line) => expect.fail(line))
  tracker.params({ steps: 3, note: 'two\nlines' })
  tracker.metrics({ 'fold_1/loss': 0.5 }, 1)
  tracker.metrics({ 'fold_1/loss': Number.NaN }, 2)
  await tracker.artifact('x.harmonizer/card.md', file)
  tracker.model('x', 'x.harmonizer')
  tracker.end('finished')
  return run
}

it('has experiments by number, a run with a file for each value, and versions of models', async () => {
  const runs = [await finished('heads'), await finished('heads'), await finished('Default')]
  const place = await exportFileStore(runs, join(folder, 'out'))
  expect(place).toBe(join(folder, 'out', 'mlruns'))
  const read = (path: string): Promise<string> => readFile(join(place, path), 'utf8')
  const meta = async (path: string) => parse(await read(`${path}/meta.yaml`))
  expect([await meta('0'), await meta('1')]).toMatchObject([
    { name: 'Default', experiment_id: '0', lifecycle_stage: 'active' },
    { name: 'heads', experiment_id: '1', artifact_location: `file://${place}/1` },
  ])
  const { id, started } = runs[0]!.facts
  expect(await meta(`1/${id}`)).toMatchObject({
    ...{ run_id: id, run_uuid: id, run_name: 'to: b #1', experiment_id: '1', status: 3, start_time: started },
    ...{ end_time: expect.any(Number), artifact_uri: `file://${place}/1/${id}/artifacts` },
  })
  expect(await read(`1/${id}/params/steps`)).toBe('3')
  expect(await read(`1/${id}/params/note`)).toBe('two\nlines')
  expect(await read(`1/${id}/tags/mlflow.runName`)).toBe('to: b #1')
  expect(await read(`1/${id}/metrics/fold_1/loss`)).toMatch(/^\d{13} 0\.5 1\n\d{13} NaN 2\n$/)
  expect(await read(`1/${id}/artifacts/x.harmonizer/card.md`)).toBe('card')
  expect(await readdir(join(place, '0'))).toContain(runs[2]!.facts.id)
  const versions = (await readdir(join(place, 'models', 'x'))).filter((name) => name.startsWith('version-'))
  expect(versions.sort()).toEqual(['version-1', 'version-2', 'version-3'])
  expect(await meta('models/x/version-1')).toMatchObject({
    ...{ name: 'x', version: 1, run_id: id, status: 'READY' },
    source: `file://${place}/1/${id}/artifacts/x.harmonizer`,
  })
})

it('is never written over, and whole or not at all', async () => {
  const out = join(folder, 'twice')
  const run = await finished('heads')
  await exportFileStore([run], out)
  await expect(exportFileStore([run], out)).rejects.toThrow(/mlruns exists\./)
  const blocked = join(file, 'out')
  await expect(exportFileStore([run], blocked)).rejects.toThrow(/cannot be written: .*\n.*permissions/)
  const broken = await finished('heads')
  await writeFile(join(broken.path, 'log.ndjson'), 'not a log\n')
  const half = join(folder, 'half')
  await expect(exportFileStore([run, broken], half)).rejects.toThrow(/no entry of a run/)
  expect(await readdir(half)).toEqual([])
})
