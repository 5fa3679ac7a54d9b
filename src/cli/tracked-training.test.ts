/** `attune train --track`, as a process of its own: what a run holds, what a server hears, and what neither ever gets. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Ended, PROGRAM } from '../../test/attune.ts'
import { type FakeServer, fakeMlflow } from '../../test/fixtures/mlflow.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { head } from '../../test/head.ts'
import { writeNifti } from '../formats/nifti/write.ts'
import { listRuns } from '../tracking/run-folder.ts'
import { detailsOf, type RunDetails } from '../tracking/summary.ts'
import { toFloat32, volumeOf } from '../volume/volume.ts'

const folder = await temporaryFolder()
const fake: FakeServer = await fakeMlflow()
/** Stands in for the name of a patient. */
const SECRET = 'Mustermann'
const cohort = join(folder, `${SECRET}-cohort.tsv`)
const config = join(folder, 'config.yaml')

beforeAll(async () => {
  const source = head({ noise: 4, voxel: 6 })
  const [nx] = source.shape
  const brighter = toFloat32(source).map((v, i) => v * (2 + (0.5 * (i % nx)) / nx))
  await writeNifti(join(folder, `${SECRET}-a.nii`), source)
  await writeNifti(join(folder, `${SECRET}-t.nii`), volumeOf(source, brighter))
  const rows = [`${SECRET}\ta\t${SECRET}-a.nii`, `${SECRET}\tt\t${SECRET}-t.nii`]
  await writeFile(cohort, `subject\tdomain\timage\n${rows.join('\n')}\n`)
  // the first checkpoint is written after step 25
  await writeFile(config, 'steps: 32\nbatch: 1\nbins: 3\n')
})

beforeEach(() => {
  fake.runs.clear()
  fake.models.clear()
  fake.fault = () => 'none'
})

/** `attune WORDS` with nothing of this environment that concerns tracking. */
function start(
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): { child: ChildProcess; ended: Promise<Ended> } {
  const clean = Object.entries(process.env).filter(([name]) => !/^(MLFLOW_|ATTUNE_TRACK)/.test(name))
  const child = spawn(process.execPath, [...PROGRAM, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(clean), ...environment },
  })
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    stderr += chunk
  })
  const ended = new Promise<Ended>((resolve) =>
    child.on('close', (code) => resolve({ code, stdout, stderr })),
  )
  return { child, ended }
}
const attune = (words: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  start(words, environment).ended

const training = (name: string, method: string, ...more: readonly string[]): string[] => [
  ...['train', cohort, '--target', 't', '--method', method, '--engine', 'wasm'],
  ...['--out', join(folder, `${name}.harmonizer`), ...more],
]

async function onlyRun(runs: string): Promise<RunDetails> {
  const [run, ...others] = await listRuns(runs)
  expect(others).toEqual([])
  return detailsOf(run!)
}

/** Every byte of every file of a folder, as text that names survive. */
async function everything(place: string): Promise<string> {
  const entries = await readdir(place, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const texts = await Promise.all(files.map((file) => readFile(file, 'latin1')))
  return [...files.map((file) => file.slice(place.length)), ...texts].join('\n')
}

it('writes a run down, and sends it; no name of a person or a folder is in either', async () => {
  const runs = join(folder, 'first')
  const environment = {
    MLFLOW_TRACKING_URI: fake.url,
    MLFLOW_EXPERIMENT_NAME: 'heads',
    MLFLOW_TRACKING_TOKEN: 'abc',
  }
  const words = training('to-t', 'tone', '--seed', '7', `--track=${runs}`)
  const { code, stdout, stderr } = await attune(words, environment)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const run = await onlyRun(runs)
  expect(stdout).toContain(`run ${run.id.slice(0, 8)} in ${run.path}`)
  expect(run).toMatchObject({ name: 'to-t', experiment: 'heads', state: 'finished' })
  expect(run.params).toMatchObject({
    ...{ method: 'tone', target: 't', seed: '7', engine: 'wasm' },
    ...{ 'cohort.subjects': '1', 'cohort.scans': '2', 'cohort.pairs': '1' },
    'cohort.sha256': expect.stringMatching(/^[0-9a-f]{64}$/),
    'version.node': process.versions.node,
  })
  expect(run.metrics).toMatchObject({ seconds: { value: expect.any(Number) }, rung: { value: 2 } })
  expect(Object.keys(run.artifacts).sort()).toEqual(
    ['card.md', 'evidence.json', 'manifest.json'].map((file) => `to-t.harmonizer/${file}`),
  )
  const [sent] = [...fake.runs.values()]
  expect(sent).toMatchObject({ experiment: 'heads', status: 'FINISHED' })
  expect([...sent!.artifacts.keys()].sort()).toEqual(Object.keys(run.artifacts).sort())
  expect([...fake.models.keys()]).toEqual(['to-t'])
  expect(fake.requests.every(({ headers }) => headers.authorization === 'Bearer abc')).toBe(true)

  const heard = [...fake.bodies, ...sent!.artifacts.values()].join('\n')
  for (const text of [await everything(runs), heard]) {
    expect(text).not.toContain(SECRET)
    expect(text).not.toContain(folder)
  }
}, 120_000)

it('the bundle that is kept still refuses to be tested on the people it was trained on', async () => {
  const run = await onlyRun(join(folder, 'first'))
  const bundle = join(run.path, 'artifacts', 'to-t.harmonizer')
  const { code, stderr } = await attune(['validate', bundle, cohort, '--out', join(folder, 'report')])
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining(`trained on ${SECRET}`) })
}, 120_000)

it('killed -9 and resumed is one run, with every step once', async () => {
  const runs = join(folder, 'second')
  const words = training('resumed', 'local-tone', '--config', config)
  const first = start(words, { ATTUNE_TRACK: runs })
  while (!existsSync(join(folder, 'resumed.harmonizer.checkpoint')) && first.child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 10))
  first.child.kill('SIGKILL')
  await first.ended
  expect(await onlyRun(runs)).toMatchObject({ state: 'interrupted' })
  expect(await attune([...words, '--resume'], { ATTUNE_TRACK: runs })).toMatchObject({ code: 0 })
  const { state, history } = await onlyRun(runs)
  expect(state).toBe('finished')
  const steps = history.filter(({ metric }) => metric === 'loss').map(({ step }) => step)
  expect(steps).toEqual(Array.from({ length: 32 }, (_, k) => k + 1))
}, 240_000)

it('ended by a signal is killed, for the server too', async () => {
  const runs = join(folder, 'third')
  const { child, ended } = start(training('ended', 'local-tone'), {
    ATTUNE_TRACK: runs,
    MLFLOW_TRACKING_URI: fake.url,
  })
  await expect
    .poll(async () => (await everything(runs).catch(() => '')).includes('"loss"'), {
      timeout: 100_000,
      interval: 200,
    })
    .toBe(true)
  child.kill('SIGTERM')
  expect(await ended).toMatchObject({ code: 143 })
  expect(await onlyRun(runs)).toMatchObject({ state: 'killed' })
  expect([...fake.runs.values()].map(({ status }) => status)).toEqual(['KILLED'])
}, 240_000)

describe('training goes on', () => {
  it('when the server fails; what it missed is sent later', async () => {
    const runs = join(folder, 'fourth')
    fake.fault = () => 403
    const environment = { MLFLOW_TRACKING_URI: fake.url, ATTUNE_TRACK: runs }
    const { code, stderr } = await attune(training('alone', 'identity'), environment)
    expect(code).toBe(0)
    expect(stderr).toMatch(/answers 403 .*\n.*attune track send [0-9a-f]{8}\n$/)
    fake.fault = () => 'none'
    const sent = await attune(['track', 'send', '--json'], environment)
    expect(JSON.parse(sent.stdout).runs).toEqual([expect.objectContaining({ refused: [] })])
    expect([...fake.runs.values()]).toEqual([expect.objectContaining({ name: 'alone', status: 'FINISHED' })])
  }, 120_000)

  it('but does not begin where --track names a folder that cannot be written', async () => {
    const { code, stdout, stderr } = await attune(
      training('never', 'identity', `--track=${join(cohort, 'runs')}`),
    )
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' })
    expect(stderr).toMatch(/runs\/run cannot be written: .*\n.*permissions/)
    expect(existsSync(join(folder, 'never.harmonizer'))).toBe(false)
  })

  it('and a training that fails is a failed run, without its message', async () => {
    const runs = join(folder, 'fifth')
    const words = training('failed', 'auto', '--max-rung', '0')
    const { code } = await attune(words, { ATTUNE_TRACK: runs })
    const run = await onlyRun(runs)
    expect({ code, state: run.state, tag: run.tags['attune.error'] }).toEqual(
      code === 0
        ? { code: 0, state: 'finished', tag: undefined }
        : { code: 3, state: 'failed', tag: 'E_REFUSED' },
    )
    expect(await everything(runs)).not.toContain(SECRET)
  }, 120_000)
})

it('list, show and export tell of runs', async () => {
  const runs = join(folder, 'first')
  const { id } = await onlyRun(runs)
  const list = await attune(['track', 'list', '--dir', runs])
  expect(list.stdout).toMatch(new RegExp(`${id.slice(0, 8)}  .* finished +\\d+ s +tone .* to-t\\n$`))
  const show = await attune(['track', 'show', id.slice(0, 6), '--dir', runs])
  expect(show.stdout).toMatch(/^to-t \([0-9a-f]{32}\), experiment heads: finished\n/)
  expect(show.stdout).toMatch(/\nseed +7\n/)
  const out = join(folder, 'exported')
  const written = await attune(['track', 'export', out, '--dir', runs, '--json'])
  expect(JSON.parse(written.stdout)).toEqual({ path: join(out, 'mlruns'), runs: [id] })
  expect(await readFile(join(out, 'mlruns', '1', id, 'params', 'seed'), 'utf8')).toBe('7')
  const again = await attune(['track', 'export', out, '--dir', runs])
  expect(again).toMatchObject({ code: 2, stderr: expect.stringMatching(/mlruns exists/) })
  const missing = await attune(['track', 'show', 'ffff', '--dir', runs])
  expect(missing).toMatchObject({ code: 2, stderr: expect.stringMatching(/has no run ffff/) })
}, 120_000)
