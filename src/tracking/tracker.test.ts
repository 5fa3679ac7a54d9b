import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { packageFile } from '../package-root.ts'
import { chooseRuns, createRunFolder, listRuns, type RunFolder, readLog, stateOf } from './run-folder.ts'
import { detailsOf } from './summary.ts'
import { openTracker } from './tracker.ts'

const folder = await temporaryFolder()
let count = 0
const newRun = (): RunFolder =>
  createRunFolder(join(folder, `runs${count++}`), { name: 'to-b', experiment: 'attune', key: 'k' })
const silent = (line: string): never => expect.fail(line)

describe('a run', () => {
  it('is what was told, in the order of telling', async () => {
    const run = newRun()
    const file = join(folder, 'card.md')
    await writeFile(file, 'a card\n')
    const tracker = openTracker(run, silent)
    tracker.params({ steps: 3, method: 'local-tone', mirrored: false })
    for (const step of [1, 2, 3]) tracker.metrics({ loss: 1 / step, 'fold_1/loss': step }, step)
    tracker.metrics({ odd: Number.NaN }, 0)
    tracker.tags({ 'attune.method': 'local-tone' })
    await tracker.artifact('x.harmonizer/card.md', file)
    tracker.model('to-b', 'x.harmonizer')
    expect(stateOf(readLog(run))).toBe('running')
    tracker.end('finished')

    const details = detailsOf(run)
    expect(details).toMatchObject({
      name: 'to-b',
      experiment: 'attune',
      state: 'finished',
      params: { steps: '3', method: 'local-tone', mirrored: 'false' },
      metrics: {
        loss: { step: 3, value: 1 / 3 },
        'fold_1/loss': { step: 3, value: 3 },
        odd: { step: 0, value: 'NaN' },
      },
      tags: { 'attune.method': 'local-tone' },
      artifacts: {
        'x.harmonizer/card.md': {
          bytes: 7,
          sha256: createHash('sha256').update('a card\n').digest('hex'),
        },
      },
      models: { 'to-b': 'x.harmonizer' },
    })
    expect(details.history.map(({ metric, step }) => [metric, step])).toEqual([
      ['loss', 1],
      ['fold_1/loss', 1],
      ['loss', 2],
      ['fold_1/loss', 2],
      ['loss', 3],
      ['fold_1/loss', 3],
      ['odd', 0],
    ])
    expect(await readFile(join(run.path, 'artifacts/x.harmonizer/card.md'), 'utf8')).toBe('a card\n')
  })

  it('goes on after an interruption: no step and no parameter twice, and the torn line is gone', async () => {
    const run = newRun()
    const first = openTracker(run, silent)
    first.params({ steps: 4 })
    for (const step of [1, 2, 3]) first.metrics({ loss: step }, step)
    await appendFile(join(run.path, 'log.ndjson'), '{"at":17,"metric":"lo')
    const second = openTracker(run, silent)
    second.params({ steps: 5, seed: 1 })
    for (const step of [2, 3, 4]) second.metrics({ loss: -step }, step)
    second.end('finished')
    const { params, history } = detailsOf(run)
    expect(params).toEqual({ steps: '4', seed: '1' })
    expect(history.map(({ step, value }) => [step, value])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
      [4, -4],
    ])
  })

  it('whose process is gone was interrupted; on another machine nobody knows', async () => {
    const run = newRun()
    const { pid } = spawnSync(process.execPath, ['-e', '0'])
    const log = join(run.path, 'log.ndjson')
    await writeFile(
      log,
      `{"at":1,"status":"running","host":${JSON.stringify((await import('node:os')).hostname())},"pid":${pid}}\n`,
    )
    expect(stateOf(readLog(run))).toBe('interrupted')
    await writeFile(log, '{"at":1,"status":"running","host":"another.machine","pid":1}\n')
    expect(stateOf(readLog(run))).toBe('elsewhere')
  })

  it('keeps every file of a folder, and says what it cannot keep', async () => {
    const source = join(folder, 'bundle')
    await mkdir(join(source, 'deep'), { recursive: true })
    await writeFile(join(source, 'a.txt'), 'a')
    await writeFile(join(source, 'deep', 'b.bin'), new Uint8Array(70_000))
    const run = newRun()
    const problems: string[] = []
    const tracker = openTracker(run, (line) => problems.push(line))
    await tracker.artifact('bundle', source)
    await tracker.artifact('gone', join(folder, 'gone'))
    tracker.end('finished')
    expect(Object.entries(detailsOf(run).artifacts).map(([path, { bytes }]) => [path, bytes])).toEqual([
      ['bundle/a.txt', 1],
      ['bundle/deep/b.bin', 70_000],
    ])
    expect(problems).toEqual([expect.stringMatching(/^gone was not kept with the run: .*ENOENT/)])
  })

  it('refuses names that MLflow would not take, and artifacts outside its folder', async () => {
    const tracker = openTracker(newRun(), silent)
    expect(() => tracker.metrics({ 'loss (mean)': 1 }, 0)).toThrow(/"loss \(mean\)"/)
    expect(() => tracker.params({ '../x': 1 })).toThrow(/Nothing can be tracked/)
    await expect(tracker.artifact('../x', folder)).rejects.toThrow(/cannot be called \.\.\/x/)
  })
})

describe('a folder of runs', () => {
  it('lists them by age, passes over what is none, and finds one by the start of its id', async () => {
    const runs = join(folder, 'many')
    const made = [1, 2, 3].map((k) => createRunFolder(runs, { name: `n${k}`, experiment: 'e', key: '' }))
    await mkdir(join(runs, '20200101-000000-00000000'))
    await writeFile(join(runs, 'notes.txt'), 'mine')
    expect((await listRuns(runs)).map(({ facts }) => facts.name).sort()).toEqual(['n1', 'n2', 'n3'])
    const [run] = await chooseRuns(runs, [made[1]!.facts.id.slice(0, 12)])
    expect(run?.facts.name).toBe('n2')
    await expect(chooseRuns(runs, ['nothing'])).rejects.toThrow(/no run nothing/)
    await expect(chooseRuns(runs, [''])).rejects.toThrow(/names 3 runs/)
    expect(await listRuns(join(folder, 'not-there'))).toEqual([])
  })

  it('that cannot be written is refused with the remedy, and nothing stays', async () => {
    const file = join(folder, 'a-file')
    await writeFile(file, '')
    expect(() => createRunFolder(join(file, 'runs'), { name: 'x', experiment: 'e', key: '' })).toThrow(
      /cannot be written: .*\n.*permissions.*--track/,
    )
    expect((await stat(file)).size).toBe(0)
  })
})

const mayMount =
  spawnSync('unshare', ['--mount', '--map-root-user', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0
if (!mayMount) process.stdout.write('no file system can be mounted here: tests of a full disk are skipped\n')

describe.skipIf(!mayMount)('a full disk', () => {
  it('is said once, leaves only whole lines, and what it kept back is written when there is room', async () => {
    const disk = join(folder, 'disk')
    await mkdir(disk)
    const text = `
      import { rmSync, writeFileSync, readFileSync, readdirSync, statSync } from 'node:fs'
      import { createRunFolder } from '${packageFile('src/tracking/run-folder.ts')}'
      import { openTracker } from '${packageFile('src/tracking/tracker.ts')}'
      const said = []
      const run = createRunFolder('${disk}/runs', { name: 'x', experiment: 'e', key: '' })
      const tracker = openTracker(run, (line) => said.push(line))
      writeFileSync('${disk}/big', '')
      try { for (;;) writeFileSync('${disk}/big', new Uint8Array(1024), { flag: 'a' }) } catch {}
      for (let step = 1; step <= 300; step++) tracker.metrics({ loss: step }, step)
      await tracker.artifact('big', '${disk}/big')
      const log = () => readFileSync(run.path + '/log.ndjson', 'utf8')
      const during = log()
      const left = readdirSync(run.path + '/artifacts')
      rmSync('${disk}/big')
      tracker.metrics({ loss: 301 }, 301)
      tracker.end('finished')
      console.log(JSON.stringify({ said, during, left, after: log() }))`
    const tsx = createRequire(import.meta.url).resolve('tsx')
    const script = join(folder, 'fill.mts')
    await writeFile(script, text)
    const mount = 'mount -t tmpfs -o size=32k none "$0" && exec "$@"'
    const { stdout, stderr } = spawnSync(
      'unshare',
      ['--mount', '--map-root-user', 'sh', '-c', mount, disk, process.execPath, '--import', tsx, script],
      { encoding: 'utf8' },
    )
    expect(stderr).toBe('')
    const { said, during, left, after } = JSON.parse(stdout)
    expect(said).toEqual([
      expect.stringMatching(/^the run cannot be written down: ENOSPC/),
      expect.stringMatching(/^big was not kept with the run: ENOSPC/),
    ])
    expect(during.endsWith('\n')).toBe(true)
    const steps = (log: string): number[] =>
      log
        .trim()
        .split('\n')
        .flatMap((line) => JSON.parse(line).step ?? [])
    expect(steps(during).length).toBeLessThan(300)
    expect(steps(after)).toEqual(Array.from({ length: 301 }, (_, k) => k + 1))
    expect(left).toEqual([])
  })
})

it('leaves no temporary files', async () => {
  const names = await readdir(folder, { recursive: true })
  expect(names.filter((name) => name.includes('.attune-'))).toEqual([])
})
