import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { type FakeServer, fakeMlflow } from '../../test/fixtures/mlflow.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { followRun } from './follow.ts'
import { mlflowHttp } from './mlflow-http.ts'
import { createRunFolder, type RunFolder } from './run-folder.ts'
import { sendRun } from './send.ts'
import { openTracker, type Tracker } from './tracker.ts'

const folder = await temporaryFolder()
const fake: FakeServer = await fakeMlflow()
const file = join(folder, 'file.txt')
await writeFile(file, 'content')

beforeEach(() => {
  for (const known of [fake.runs, fake.models]) known.clear()
  fake.experiments.length = 1
  fake.requests.length = 0
  fake.fault = () => 'none'
})

const begin = (): { run: RunFolder; tracker: Tracker } => {
  const run = createRunFolder(join(folder, 'runs'), { name: 'to-b', experiment: 'heads', key: '' })
  return { run, tracker: openTracker(run, (line) => expect.fail(line)) }
}
const http = () => mlflowHttp({ url: fake.url }, { tries: 2, firstWait: 0.001 })
const onlyRun = () => {
  expect([...fake.runs.keys()]).toHaveLength(1)
  return [...fake.runs.values()][0]!
}

describe('sending a run', () => {
  it('makes the experiment, the run and all that it holds, and nothing twice', async () => {
    const { run, tracker } = begin()
    tracker.params({ steps: 2 })
    tracker.metrics({ loss: 0.5 }, 1)
    tracker.metrics({ loss: Number.NaN }, 2)
    tracker.tags({ a: 'b' })
    await tracker.artifact('x.harmonizer/card.md', file)
    tracker.model('to-b', 'x.harmonizer')
    tracker.end('finished')
    await sendRun(run, http())
    const { metrics, params, tags, artifacts, ...facts } = onlyRun()
    expect(facts).toMatchObject({ experiment: 'heads', name: 'to-b', status: 'FINISHED' })
    expect(Object.fromEntries(params)).toEqual({ steps: '2' })
    expect(Object.fromEntries(tags)).toEqual({ a: 'b', 'attune.run': run.facts.id })
    expect([...metrics].map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'loss 1 0.5',
      'loss 2 NaN',
    ])
    expect(artifacts.get('x.harmonizer/card.md')?.toString()).toBe('content')
    expect(Object.fromEntries(fake.models)).toEqual({
      'to-b': ['mlflow-artifacts:/run0/artifacts/x.harmonizer run0'],
    })
    const before = fake.requests.length
    expect(await sendRun(run, http())).toMatchObject({ entries: 0, refused: [] })
    expect(fake.requests.length).toBe(before)
  })

  it('holds the limits of a batch', async () => {
    const { run, tracker } = begin()
    for (let k = 0; k < 230; k++) tracker.params({ [`p${k}`]: k })
    for (let k = 0; k < 230; k++) tracker.tags({ [`t${k}`]: `${k}` })
    for (let step = 0; step < 2500; step++) tracker.metrics({ loss: step }, step)
    await sendRun(run, http())
    const { metrics, params, tags } = onlyRun()
    expect([metrics.size, params.size, tags.size]).toEqual([2500, 230, 231])
    // 3 calls of parameters and tags, of 100; the last takes the first metrics along
    expect(fake.requests.filter(({ line }) => line.endsWith('log-batch')).length).toBeLessThanOrEqual(8)
  })

  it('cuts a long value with a note, and keeps the whole as artifact', async () => {
    const { run, tracker } = begin()
    const long = 'x'.repeat(7000)
    tracker.params({ long })
    tracker.tags({ long, 'a/b': 'y'.repeat(9000) })
    await sendRun(run, http())
    const { params, tags, artifacts } = onlyRun()
    expect(params.get('long')).toHaveLength(6000)
    expect(params.get('long')).toMatch(
      /^x+ \.\.\. \(7000 characters; whole in long-values\/param-long\.txt\)$/,
    )
    expect(tags.get('a/b')).toMatch(/long-values\/tag-a_b\.txt\)$/)
    expect(artifacts.get('long-values/param-long.txt')?.toString()).toBe(long)
    expect(artifacts.get('long-values/tag-a_b.txt')).toHaveLength(9000)
  })

  it('names what the server refuses, and sends the rest', async () => {
    const { run, tracker } = begin()
    tracker.params({ a: 1, refused: 2, b: 3 })
    await tracker.artifact('gone.txt', file)
    await tracker.artifact('kept.txt', file)
    await rm(join(run.path, 'artifacts/gone.txt'))
    const { refused } = await sendRun(run, http())
    expect(refused).toEqual([
      expect.stringMatching(/^param refused: .*refused=2/),
      expect.stringMatching(/^gone\.txt: .*not there any more/),
    ])
    expect([...onlyRun().params.keys()]).toEqual(['a', 'b'])
    expect([...onlyRun().artifacts.keys()]).toEqual(['kept.txt'])
  })

  it('goes on with a run of the server that is named', async () => {
    const other = begin()
    await sendRun(other.run, http())
    const { run, tracker } = begin()
    tracker.metrics({ loss: 1 }, 1)
    expect((await sendRun(run, http(), 'run0')).runId).toBe('run0')
    expect(onlyRun().metrics.size).toBe(1)
  })

  it.each([
    ['finished', 'FINISHED'],
    ['failed', 'FAILED'],
    ['killed', 'KILLED'],
  ] as const)('ends it as it ended: %s', async (status, word) => {
    const { run, tracker } = begin()
    await sendRun(run, http())
    expect(onlyRun()).toMatchObject({ status: 'RUNNING', ended: undefined })
    tracker.end(status)
    await sendRun(run, http())
    expect(onlyRun()).toMatchObject({ status: word, ended: expect.any(Number) })
  })

  it('ends a run whose process is gone as killed; when it goes on, so does the run', async () => {
    const { run } = begin()
    const log = join(run.path, 'log.ndjson')
    const line = await readFile(log, 'utf8')
    await writeFile(log, line.replace(/"pid":\d+/, '"pid":4194399'))
    await sendRun(run, http())
    expect(onlyRun().status).toBe('KILLED')
    const again = openTracker(run, (said) => expect.fail(said))
    await sendRun(run, http())
    expect(onlyRun().status).toBe('RUNNING')
    again.end('finished')
    await sendRun(run, http())
    expect(onlyRun().status).toBe('FINISHED')
  })

  it('loses nothing and doubles nothing, whenever the server fails', async () => {
    const action = fc.constantFrom('param', 'metric', 'tag', 'artifact', 'model', 'resume', 'send')
    const fault = fc.constantFrom<('none' | 'before' | 'after' | 500 | 429)[]>(
      'none',
      'before',
      'after',
      500,
      429,
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { maxLength: 25 }),
        fc.array(fault, { maxLength: 30 }),
        async (actions, faults) => {
          fake.runs.clear()
          fake.models.clear()
          let next = 0
          fake.fault = () => faults[next++] ?? 'none'
          const { run, tracker: first } = begin()
          let tracker = first
          const told = { param: 0, metric: 0, tag: 0, artifact: 0, model: 0 }
          for (const what of actions) {
            if (what === 'send') await sendRun(run, http()).catch(() => {})
            else if (what === 'resume') {
              tracker.end('failed')
              tracker = openTracker(run, (line) => expect.fail(line))
            } else {
              const k = ++told[what]
              if (what === 'param') tracker.params({ [`p${k}`]: k })
              else if (what === 'metric') tracker.metrics({ loss: k }, k)
              else if (what === 'tag') tracker.tags({ [`t${k}`]: `${k}` })
              else if (what === 'artifact') await tracker.artifact(`a${k}`, file)
              else tracker.model(`m${k}`, 'bundle')
            }
          }
          tracker.end('finished')
          fake.fault = () => 'none'
          expect(await sendRun(run, http())).toMatchObject({ refused: [] })
          const { params, metrics, tags, artifacts, status } = onlyRun()
          expect({ status, param: params.size, metric: metrics.size, tag: tags.size - 1 }).toEqual({
            ...{ status: 'FINISHED', param: told.param, metric: told.metric, tag: told.tag },
          })
          expect(artifacts.size).toBe(told.artifact)
          expect([...fake.models.values()].map((versions) => versions.length)).toEqual(
            Array.from({ length: told.model }, () => 1),
          )
        },
      ),
      { numRuns: 25 },
    )
  })
})

describe('following a run', () => {
  it('says once that the server is away, keeps everything, and sends it at the end', async () => {
    const { run, tracker } = begin()
    fake.fault = () => 401
    const said: string[] = []
    const follower = followRun(run, { url: fake.url }, undefined, (line) => said.push(line))
    tracker.metrics({ loss: 1 }, 1)
    await expect.poll(() => said).toHaveLength(1)
    fake.fault = () => 'none'
    tracker.end('finished')
    await follower.stop()
    expect(onlyRun()).toMatchObject({ status: 'FINISHED' })
    expect(said).toEqual([
      expect.stringMatching(/answers 401 .* The run is kept in /),
      expect.stringMatching(/ is back; /),
    ])
  })

  it('does not wait at the end for a call that hangs', async () => {
    const { run, tracker } = begin()
    let hang = true
    fake.fault = () => (hang ? 'hang' : 'none')
    const follower = followRun(run, { url: fake.url }, undefined, (line) => expect.fail(line))
    await expect.poll(() => fake.requests.length).toBeGreaterThan(0)
    hang = false
    tracker.end('finished')
    await follower.stop() // a call in progress has 120 s, a test 60
    expect(onlyRun()).toMatchObject({ status: 'FINISHED' })
  })

  it('never fails: says how the rest is sent', async () => {
    const { run, tracker } = begin()
    fake.fault = () => 403
    const said: string[] = []
    const follower = followRun(run, { url: fake.url }, undefined, (line) => said.push(line))
    tracker.end('finished')
    await follower.stop()
    expect(said.at(-1)).toMatch(/Send it with: attune track send [0-9a-f]{8}$/)
  })
})
