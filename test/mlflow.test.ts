/**
 * Against a real MLflow server, where ATTUNE_MLFLOW names the `mlflow` executable (3.17.2 was used): everything that
 * src/tracking believes of it, and `mlflow migrate-filestore` on what `attune track export` writes.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, open, writeFile } from 'node:fs/promises'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256File } from '../src/files.ts'
import { random } from '../src/kernels/random.ts'
import { exportFileStore } from '../src/tracking/file-store.ts'
import type { KeyValue } from '../src/tracking/mlflow-api.ts'
import { mlflowHttp } from '../src/tracking/mlflow-http.ts'
import { createRunFolder, type RunFolder } from '../src/tracking/run-folder.ts'
import { sendRun } from '../src/tracking/send.ts'
import { openTracker, type Tracker } from '../src/tracking/tracker.ts'
import { temporaryFolder } from './fixtures/nifti.ts'

const executable = process.env['ATTUNE_MLFLOW'] ?? ''
if (executable === '')
  process.stdout.write('ATTUNE_MLFLOW is not set: tests on a real MLflow server are skipped\n')
const folder = await temporaryFolder()
const environment = { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true', MLFLOW_TRACKING_URI: '' }

/** What is read of MLflow's answers. */
interface Answer {
  readonly run: {
    readonly info: { readonly experiment_id: string; readonly status: string }
    readonly data: { readonly params: readonly KeyValue[]; readonly tags: readonly KeyValue[] }
  }
  readonly runs: readonly unknown[]
  readonly experiment: object
  readonly metrics: readonly { readonly step: number; readonly value: number | string }[]
  readonly model_versions: readonly object[]
}

/** Of the administrator of the server that asks. */
const PASSWORD = 'a password for tests'

interface Server {
  readonly url: string
  stop(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** `mlflow server` on loopback, with its data in `place`. */
async function startServer(place: string, port: number, extra: readonly string[] = []): Promise<Server> {
  await mkdir(place, { recursive: true })
  const words = ['server', '--host', '127.0.0.1', '--port', String(port), '--workers', '1']
  const store = ['--backend-store-uri', `sqlite:///${place}/mlflow.db`]
  const artifacts = ['--serve-artifacts', '--artifacts-destination', join(place, 'artifacts')]
  const child: ChildProcess = spawn(executable, [...words, ...store, ...artifacts, ...extra], {
    cwd: place,
    detached: true, // it starts processes of its own, which end with the group
    stdio: 'ignore',
    env: {
      ...environment,
      MLFLOW_FLASK_SERVER_SECRET_KEY: 'for tests',
      MLFLOW_AUTH_ADMIN_PASSWORD: PASSWORD,
    },
  })
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    await ended
  }
  const url = `http://127.0.0.1:${port}`
  for (let tries = 0; tries < 240; tries++) {
    const up = await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (up) return { url, stop }
    if (child.exitCode !== null) break
    await wait(500)
  }
  await stop()
  throw new Error('the MLflow server did not start')
}

const begin = (experiment = 'attune-test'): { run: RunFolder; tracker: Tracker } => {
  const run = createRunFolder(join(folder, 'runs'), { name: 'to-b', experiment, key: '' })
  return { run, tracker: openTracker(run, (line) => expect.fail(line)) }
}

const patient = { tries: 15, firstWait: 0.0005 }

describe.skipIf(executable === '')('a real MLflow server', () => {
  const place = join(folder, 'server')
  let port: number
  let server: Server
  beforeAll(async () => {
    port = await freePort()
    server = await startServer(place, port)
  }, 120_000)
  afterAll(() => server?.stop())

  /** Asks as a user would, without any code of src. */
  const ask = async (path: string, content?: object): Promise<Answer> => {
    const response = await fetch(`${server.url}/api/2.0/mlflow/${path}`, {
      ...(content && { method: 'POST', body: JSON.stringify(content) }),
      headers: { 'content-type': 'application/json' },
    })
    return response.json() as Promise<Answer>
  }
  const runOf = async (id: string): Promise<Answer['run']> => (await ask(`runs/get?run_id=${id}`)).run

  it('takes a whole run: unknown experiment, limits, odd numbers, long values, artifacts, a model', async () => {
    const { run, tracker } = begin('never heard of')
    for (let k = 0; k < 130; k++) {
      tracker.params({ [`p${k}`]: k })
      tracker.tags({ [`t${k}`]: `value ${k}` })
    }
    tracker.params({ long: 'x'.repeat(7000), 'cohort.sha256': 'ab' })
    tracker.tags({ long: 'y'.repeat(9000) })
    for (let step = 1; step <= 1500; step++) tracker.metrics({ 'fold_1/loss': 1 / step }, step)
    for (const [step, odd] of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].entries())
      tracker.metrics({ odd }, step)
    const card = join(folder, 'card.md')
    await writeFile(card, '# a card\n')
    await tracker.artifact('to-b.harmonizer/a b ü.md', card)
    tracker.model('to-b', 'to-b.harmonizer')
    tracker.end('finished')
    const { runId, refused } = await sendRun(run, mlflowHttp({ url: server.url }))
    expect(refused).toEqual([])

    const { info, data } = await runOf(runId)
    expect(info).toMatchObject({ run_name: 'to-b', status: 'FINISHED', start_time: run.facts.started })
    expect(
      (await ask('experiments/get-by-name?experiment_name=never%20heard%20of')).experiment,
    ).toMatchObject({
      experiment_id: info.experiment_id,
    })
    const params = new Map<string, string>(data.params.map(({ key, value }) => [key, value]))
    expect(params.size).toBe(132)
    expect(params.get('p129')).toBe('129')
    expect(params.get('long')).toMatch(
      /^x+ \.\.\. \(7000 characters; whole in long-values\/param-long\.txt\)$/,
    )
    expect(data.tags.length).toBeGreaterThanOrEqual(132)
    const history = await ask(`metrics/get-history?run_id=${runId}&metric_key=fold_1/loss&max_results=5000`)
    expect(history.metrics.map(({ step, value }) => [step, value])).toEqual(
      Array.from({ length: 1500 }, (_, k) => [k + 1, 1 / (k + 1)]),
    )
    const odd = await ask(`metrics/get-history?run_id=${runId}&metric_key=odd`)
    // MLflow keeps infinities as the largest numbers that it has
    expect(odd.metrics.map(({ value }) => String(value))).toEqual([
      'NaN',
      '1.7976931348623157e+308',
      '-1.7976931348623157e+308',
    ])
    const artifact = `${server.url}/api/2.0/mlflow-artifacts/artifacts/${info.experiment_id}/${runId}/artifacts`
    expect(await (await fetch(`${artifact}/to-b.harmonizer/a%20b%20%C3%BC.md`)).text()).toBe('# a card\n')
    expect(await (await fetch(`${artifact}/long-values/tag-long.txt`)).text()).toBe('y'.repeat(9000))
    const { model_versions: versions } = await ask(
      `model-versions/search?filter=${encodeURIComponent("name='to-b'")}`,
    )
    expect(versions).toEqual([expect.objectContaining({ version: '1', run_id: runId, status: 'READY' })])
  })

  it('shows no metric twice when a log is sent again from its start', async () => {
    const { run, tracker } = begin()
    for (let step = 1; step <= 50; step++) tracker.metrics({ loss: step }, step)
    const http = mlflowHttp({ url: server.url })
    const { runId } = await sendRun(run, http)
    // as after a crash between the answer of the server and the note of it
    const again = createRunFolder(join(folder, 'again'), { name: 'x', experiment: 'attune-test', key: '' })
    const log = await import('node:fs/promises').then(({ readFile }) =>
      readFile(join(run.path, 'log.ndjson')),
    )
    await writeFile(join(again.path, 'log.ndjson'), log)
    await sendRun({ path: again.path, facts: run.facts }, http)
    const { metrics } = await ask(`metrics/get-history?run_id=${runId}&metric_key=loss`)
    expect(metrics).toHaveLength(50)
  })

  it('says that an experiment or a run was deleted', async () => {
    const http = mlflowHttp({ url: server.url })
    const { run, tracker } = begin('to be deleted')
    const { runId, experimentId } = await sendRun(run, http)
    await ask('runs/delete', { run_id: runId })
    tracker.metrics({ loss: 1 }, 1)
    await expect(sendRun(run, http)).rejects.toThrow(/The run \w+ was deleted .*\n.*Restore/)
    await ask('experiments/delete', { experiment_id: experimentId })
    await expect(sendRun(begin('to be deleted').run, http)).rejects.toThrow(
      /experiment to be deleted was deleted/,
    )
  })

  it('takes an artifact of 100 MB that is never whole in memory', async () => {
    const big = join(folder, 'big.bin')
    const chunk = Buffer.alloc(1 << 20)
    const hash = createHash('sha256')
    const file = await open(big, 'w')
    for (let k = 0; k < 100; k++) {
      chunk.fill(k)
      chunk.writeUInt32LE(k * 7919, 512)
      hash.update(chunk)
      await file.write(chunk)
    }
    await file.close()
    const { run, tracker } = begin()
    await tracker.artifact('big.bin', big)
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }, 5)
    const { runId, experimentId } = await sendRun(run, mlflowHttp({ url: server.url }))
    clearInterval(watch)
    const kept = join(place, 'artifacts', experimentId, runId, 'artifacts', 'big.bin')
    expect(await sha256File(kept)).toBe(hash.digest('hex'))
    expect(most).toBeLessThan(60e6)
  })

  it('that was away gets everything when it is back, and goes on with the same run', async () => {
    const http = mlflowHttp({ url: server.url }, { tries: 1 })
    const { run, tracker } = begin()
    tracker.metrics({ loss: 1 }, 1)
    const { runId } = await sendRun(run, http)
    await server.stop()
    tracker.metrics({ loss: 2 }, 2)
    await expect(sendRun(run, http)).rejects.toThrow(/cannot be reached/)
    tracker.end('failed')
    const resumed = openTracker(run, (line) => expect.fail(line))
    resumed.metrics({ loss: -2, other: 3 }, 2)
    resumed.metrics({ loss: 3 }, 3)
    resumed.end('finished')
    server = await startServer(place, port)
    expect((await sendRun(run, http)).runId).toBe(runId)
    const { metrics } = await ask(`metrics/get-history?run_id=${runId}&metric_key=loss`)
    expect(metrics.map(({ step, value }) => [step, value])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ])
    expect((await runOf(runId)).info.status).toBe('FINISHED')
  }, 180_000)

  it('behind a proxy that answers 500 now and then loses and doubles nothing', async () => {
    const rng = random(1, 'proxy')
    const { hostname, port: to } = new URL(server.url)
    const proxy = createServer((request, response) => {
      const luck = rng.uniform()
      if (luck < 0.2) return void response.writeHead(500).end('{"message":"on purpose"}')
      const passed = httpRequest(
        { hostname, port: to, path: request.url, method: request.method, headers: request.headers },
        (answer) => {
          // the server has done it, and nobody hears of it
          if (luck < 0.4) return void answer.resume().on('end', () => response.writeHead(502).end())
          response.writeHead(answer.statusCode ?? 0, answer.headers)
          answer.pipe(response)
        },
      )
      request.pipe(passed)
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const { run, tracker } = begin('through a proxy')
    const card = join(folder, 'through.md')
    await writeFile(card, 'x')
    tracker.params({ a: 1 })
    for (let step = 1; step <= 20; step++) tracker.metrics({ loss: step }, step)
    await tracker.artifact('bundle/card.md', card)
    tracker.model('through-a-proxy', 'bundle')
    tracker.end('finished')
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    const { runId, experimentId, refused } = await sendRun(run, mlflowHttp({ url }, patient))
    proxy.closeAllConnections()
    proxy.close()
    expect(refused).toEqual([])
    const { runs } = await ask('runs/search', { experiment_ids: [experimentId] })
    expect(runs).toHaveLength(1)
    expect((await ask(`metrics/get-history?run_id=${runId}&metric_key=loss`)).metrics).toHaveLength(20)
    const filter = encodeURIComponent("name='through-a-proxy'")
    expect((await ask(`model-versions/search?filter=${filter}`)).model_versions).toHaveLength(1)
    expect((await runOf(runId)).info.status).toBe('FINISHED')
  })
})

describe.skipIf(executable === '')('mlflow migrate-filestore', () => {
  it('imports what is exported: every value, step, artifact and model', async () => {
    const { run, tracker } = begin('exported')
    const card = join(folder, 'exported.md')
    await writeFile(card, 'exported')
    tracker.params({ method: 'local-tone', 'odd : value': 'a\nb: {c}' })
    for (let step = 1; step <= 300; step++) tracker.metrics({ 'fold_1/loss': 1 / step }, step)
    tracker.metrics({ odd: Number.NaN }, 0)
    tracker.tags({ 'attune.method': 'local-tone' })
    await tracker.artifact('x.harmonizer/card.md', card)
    tracker.model('x', 'x.harmonizer')
    tracker.end('failed')
    const out = join(folder, 'export')
    await exportFileStore([run], out)
    const database = join(folder, 'migrated.db')
    const words = ['migrate-filestore', '--source', out, '--target', `sqlite:///${database}`]
    const { status, stdout, stderr } = spawnSync(executable, words, { encoding: 'utf8', env: environment })
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/metrics +301 +301/)

    // read by MLflow itself
    const python = `
import json, sys, mlflow
from mlflow import MlflowClient
c = MlflowClient("sqlite:///" + sys.argv[1], "sqlite:///" + sys.argv[1])
e = c.get_experiment_by_name("exported")
r = c.search_runs([e.experiment_id])[0]
v = c.search_model_versions("name='x'")
a = mlflow.artifacts.download_artifacts(artifact_uri=r.info.artifact_uri + "/x.harmonizer/card.md")
print(json.dumps({"id": r.info.run_id, "name": r.info.run_name, "status": r.info.status, "start": r.info.start_time,
  "params": r.data.params, "tag": r.data.tags["attune.method"], "odd": str(r.data.metrics["odd"]),
  "loss": [[m.step, m.value] for m in c.get_metric_history(r.info.run_id, "fold_1/loss")],
  "version": [v[0].version, v[0].run_id], "artifact": open(a).read()}))`
    const interpreter = join(dirname(executable), 'python')
    const read = spawnSync(interpreter, ['-c', python, database], { encoding: 'utf8', env: environment })
    expect(JSON.parse(read.stdout.trim().split('\n').at(-1) ?? '')).toEqual({
      ...{ id: run.facts.id, name: 'to-b', status: 'FAILED', start: run.facts.started },
      params: { method: 'local-tone', 'odd : value': 'a\nb: {c}' },
      ...{ tag: 'local-tone', odd: 'nan' },
      loss: Array.from({ length: 300 }, (_, k) => [k + 1, 1 / (k + 1)]),
      version: [1, run.facts.id],
      artifact: 'exported',
    })
  }, 180_000)
})

const hasAuth =
  executable !== '' && spawnSync(join(dirname(executable), 'python'), ['-c', 'import flask_wtf']).status === 0
if (executable !== '' && !hasAuth)
  process.stdout.write('mlflow[auth] is not installed: tests of authentication are skipped\n')

describe.skipIf(!hasAuth)('a server that asks who one is', () => {
  it('takes a run from who may, and tells others what to set', async () => {
    const place = join(folder, 'auth')
    await mkdir(place, { recursive: true })
    const { url, stop } = await startServer(place, await freePort(), ['--app-name', 'basic-auth'])
    try {
      const { mlflowServer } = await import('../src/tracking/mlflow-server.ts')
      const asked = { MLFLOW_TRACKING_URI: url, MLFLOW_TRACKING_USERNAME: 'admin' }
      const { run, tracker } = begin('guarded')
      await writeFile(join(folder, 'secret.txt'), 'x')
      await tracker.artifact('secret.txt', join(folder, 'secret.txt'))
      tracker.end('finished')
      await expect(sendRun(run, mlflowHttp({ url }))).rejects.toThrow(/401.*\n.*MLFLOW_TRACKING_USERNAME/)
      const wrong = mlflowServer({ ...asked, MLFLOW_TRACKING_PASSWORD: 'wrong' })
      await expect(sendRun(run, mlflowHttp(wrong))).rejects.toThrow(/401/)
      const right = mlflowServer({ ...asked, MLFLOW_TRACKING_PASSWORD: PASSWORD })
      expect((await sendRun(run, mlflowHttp(right))).refused).toEqual([])
    } finally {
      await stop()
    }
  }, 180_000)
})
