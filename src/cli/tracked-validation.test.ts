/** `attune validate --track`: what a run holds, what a server hears, and that neither knows a name. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { attune } from '../../test/attune.ts'
import { fakeMlflow } from '../../test/fixtures/mlflow.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { head } from '../../test/head.ts'
import { writeNifti } from '../formats/nifti/write.ts'
import { listRuns } from '../tracking/run-folder.ts'
import { detailsOf } from '../tracking/summary.ts'

const folder = await temporaryFolder()
const fake = await fakeMlflow()
/** Stands in for the name of a patient. */
const SECRET = 'Mustermann'
const cohort = join(folder, `${SECRET}-cohort.tsv`)
const bundle = join(folder, 'to-t.harmonizer')

beforeAll(async () => {
  const rows = ['subject\tdomain\tsession\timage']
  for (const person of [1, 2])
    for (const [domain, tissues] of [
      ['a', [150, 260, 330]],
      ['t', [900, 2600, 4200]],
    ] as const) {
      const name = `${SECRET}${person}-${domain}.nii`
      const seed = person * 7 + domain.charCodeAt(0)
      await writeNifti(join(folder, name), head({ seed, person, tissues, noise: 12, voxel: 6 }))
      rows.push(`${SECRET}${person}\t${domain}\t${SECRET}-visit\t${name}`)
    }
  await writeFile(cohort, `${rows.join('\n')}\n`)
  const words = ['train', cohort, '--target', 't', '--method', 'tone', '--subjects', `${SECRET}1`]
  expect(await attune(...words, '--out', bundle)).toMatchObject({ code: 0 })
})

it('keeps figures, gates and report, and sends them; no name of a person or a folder is in either', async () => {
  const runs = join(folder, 'runs')
  process.env['MLFLOW_TRACKING_URI'] = fake.url
  const words = ['validate', bundle, cohort, '--out', join(folder, 'report'), '--json', `--track=${runs}`]
  const { stdout } = await attune(...words).finally(() => delete process.env['MLFLOW_TRACKING_URI'])
  const { run, figures, gates } = JSON.parse(stdout)
  const [kept, ...others] = await listRuns(runs)
  expect(others).toEqual([])
  const details = await detailsOf(kept!)
  expect(details).toMatchObject({ id: run.id, name: 'validation of to-t', state: 'finished' })
  expect(details.params).toMatchObject({ method: 'tone', target: 't', 'cohort.subjects': '1' })
  const mae = figures.find(
    (f: { method: string; metric: string }) => f.method === 'tone' && f.metric === 'mae',
  )
  expect(details.metrics).toMatchObject({ 'a/mae': { value: mae.value } })
  for (const { id, status } of gates) expect(details.tags[`gate/${id}`]).toBe(status)
  expect(details.tags['attune.bundle.sha256']).toMatch(/^[0-9a-f]{64}$/)
  const artifacts = Object.keys(details.artifacts)
  expect(artifacts).toEqual(
    expect.arrayContaining(['report/report.html', 'report/report.md', 'report/evidence.json']),
  )
  const [sent] = [...fake.runs.values()]
  expect(sent).toMatchObject({ status: 'FINISHED' })
  expect([...sent!.artifacts.keys()].sort()).toEqual(artifacts.sort())

  const entries = await readdir(runs, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  const texts = await Promise.all(files.map((file) => readFile(file, 'latin1')))
  expect(texts.some((text) => text.includes('data:image/png'))).toBe(true)
  for (const text of [...files.map((file) => file.slice(runs.length)), ...texts, ...fake.bodies]) {
    expect(text.includes(SECRET)).toBe(false)
    expect(text.includes(folder)).toBe(false)
  }
  expect(await readFile(join(folder, 'report', 'report.md'), 'utf8')).toContain(SECRET)
}, 120_000)

it('is not kept where it was not asked for', async () => {
  const { stdout } = await attune('validate', bundle, cohort, '--out', join(folder, 'plain'), '--json')
  expect(JSON.parse(stdout).run).toBeUndefined()
})

it('does not begin where --track names a folder that cannot be written', async () => {
  const out = join(folder, 'never')
  const result = await attune('validate', bundle, cohort, '--out', out, `--track=${join(cohort, 'runs')}`)
  expect(result).toMatchObject({ code: 5, stderr: expect.stringMatching(/cannot be written/) })
  await expect(readdir(out)).rejects.toThrow(/ENOENT/)
})
