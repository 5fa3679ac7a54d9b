import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { type MlflowError, mlflowHttp } from './mlflow-http.ts'
import { mlflowServer, namesServer } from './mlflow-server.ts'

const folder = await temporaryFolder()

/** A server that answers as told, on loopback. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const failure = (work: Promise<unknown>): Promise<MlflowError> =>
  work.then(
    () => expect.fail('it should fail'),
    (error) => error,
  )

describe('the environment', () => {
  const uri = 'http://host:5000'
  it.each([
    [{ MLFLOW_TRACKING_URI: `${uri}/` }, { url: uri }],
    [{ MLFLOW_TRACKING_URI: 'https://host/ml/flow//' }, { url: 'https://host/ml/flow' }],
    // RFC 7617's own example
    [
      {
        MLFLOW_TRACKING_URI: uri,
        MLFLOW_TRACKING_USERNAME: 'Aladdin',
        MLFLOW_TRACKING_PASSWORD: 'open sesame',
        MLFLOW_TRACKING_TOKEN: 'unused',
      },
      { url: uri, authorization: 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==' },
    ],
    [
      { MLFLOW_TRACKING_URI: 'http://Aladdin:open%20sesame@host:5000' },
      { url: uri, authorization: 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==' },
    ],
    [
      { MLFLOW_TRACKING_URI: uri, MLFLOW_TRACKING_TOKEN: 'abc' },
      { url: uri, authorization: 'Bearer abc' },
    ],
  ])('names the server and who asks: %o', (environment, expected) => {
    expect(mlflowServer(environment)).toEqual(expected)
  })

  it('may name a folder or a database, which is no server', () => {
    for (const address of ['./mlruns', 'sqlite:///mlflow.db', 'file:///x', 'databricks', ''])
      expect(namesServer({ MLFLOW_TRACKING_URI: address })).toBe(false)
    expect(() => mlflowServer({})).toThrow(/MLFLOW_TRACKING_URI is not set/)
  })

  it('does not show a password when half of the credentials are missing', () => {
    const environment = { MLFLOW_TRACKING_URI: uri, MLFLOW_TRACKING_PASSWORD: 'secret' }
    expect(() => mlflowServer(environment)).toThrow(/PASSWORD is set without MLFLOW_TRACKING_USERNAME/)
    expect(() => mlflowServer(environment)).not.toThrow(/secret/)
  })
})

describe('a call', () => {
  it('carries JSON, the path of the server and its credentials', async () => {
    const seen: [string, string | undefined, string][] = []
    const url = await serve(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      seen.push([`${request.method} ${request.url}`, request.headers.authorization, body])
      response.end('{"x":1}')
    })
    const http = mlflowHttp({ url: `${url}/ml`, authorization: 'Bearer abc' })
    expect(await http.call('POST', 'runs/create', { a: 1 })).toEqual({ x: 1 })
    await http.call('GET', 'runs/get', { run_id: 'a&b' })
    expect(seen).toEqual([
      ['POST /ml/api/2.0/mlflow/runs/create', 'Bearer abc', '{"a":1}'],
      ['GET /ml/api/2.0/mlflow/runs/get?run_id=a%26b', 'Bearer abc', ''],
    ])
  })

  it.each([
    [500, {}],
    [503, {}],
    [429, { 'retry-after': '0' }],
    [0, {}],
  ])('is repeated after %i, until it is answered', async (status, headers) => {
    let left = 2
    const url = await serve((request, response) => {
      if (left-- === 0) response.end('{}')
      else if (status === 0) request.socket.destroy()
      else response.writeHead(status, headers).end()
    })
    const http = mlflowHttp({ url }, { tries: 3, firstWait: 0.001 })
    expect(await http.retrying(() => http.call('GET', 'x', {}))).toEqual({})
    expect(left).toBe(-1)
  })

  it('is not repeated where that cannot help, and says what the server said', async () => {
    let asked = 0
    const url = await serve((_request, response) => {
      asked++
      response.writeHead(400).end('{"error_code":"INVALID_PARAMETER_VALUE","message":"Invalid metric name"}')
    })
    const http = mlflowHttp({ url })
    const error = await failure(http.retrying(() => http.call('POST', 'runs/log-batch', {})))
    expect(asked).toBe(1)
    expect(error).toMatchObject({ status: 400, errorCode: 'INVALID_PARAMETER_VALUE', exitCode: 5 })
    expect(error.what).toBe(`${url} answers 400 to /api/2.0/mlflow/runs/log-batch: Invalid metric name`)
  })

  it.each([
    ['asks for a login', 401, {}, '', /401/, /MLFLOW_TRACKING_USERNAME.*MLFLOW_TRACKING_TOKEN/],
    ['forbids', 403, {}, '{"message":"Permission denied"}', /Permission denied/, /permission/],
    [
      'redirects',
      302,
      { location: 'https://sso/login' },
      '',
      /redirects to https:\/\/sso\/login/,
      /TRACKING_URI/,
    ],
    ['is a web page', 200, {}, '<html>Sign in</html>', /not as an MLflow server does: <html>/, /TOKEN/],
    ['takes no more', 413, {}, '', /413/, /limit on the size/],
  ])('helps where the server %s', async (_what, status, headers, body, what, remedy) => {
    const url = await serve((_request, response) => void response.writeHead(status, headers).end(body))
    const error = await failure(mlflowHttp({ url }).call('GET', 'x', {}))
    expect(error.what).toMatch(what)
    expect(error.remedy).toMatch(remedy)
  })

  it('ends when the server does not answer, or is not there', async () => {
    const url = await serve(async (_request, response) => {
      await wait(1000)
      response.end()
    })
    const slow = await failure(mlflowHttp({ url }, { timeout: 0.05 }).call('GET', 'x', {}))
    expect(slow).toMatchObject({
      status: 0,
      what: `The MLflow server ${url} cannot be reached: no answer in time.`,
    })
    const gone = createServer()
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve))
    const { port } = gone.address() as AddressInfo
    await new Promise((resolve) => gone.close(resolve))
    const away = await failure(mlflowHttp({ url: `http://127.0.0.1:${port}` }).call('GET', 'x', {}))
    expect(away.what).toMatch(/http:\/\/127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED/)
  })
})

describe('an upload', () => {
  it.each([0, 1, 5_000_000])('of %i bytes arrives with its length', async (size) => {
    let headers: IncomingHttpHeaders = {}
    let path = ''
    let received = Buffer.alloc(0)
    const url = await serve(async (request, response) => {
      headers = request.headers
      path = request.url ?? ''
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      received = Buffer.concat(chunks)
      response.end('{}')
    })
    const bytes = Buffer.from(Uint8Array.from({ length: size }, (_, k) => (k * 31) % 251))
    const file = join(folder, `${size}.bin`)
    await writeFile(file, bytes)
    await mlflowHttp({ url, authorization: 'Bearer abc' }).upload('1/run/artifacts/a b/ü#?.bin', file)
    expect(path).toBe('/api/2.0/mlflow-artifacts/artifacts/1/run/artifacts/a%20b/%C3%BC%23%3F.bin')
    expect(headers).toMatchObject({
      'content-length': String(size),
      'content-type': 'application/octet-stream',
      authorization: 'Bearer abc',
    })
    expect(received.equals(bytes)).toBe(true)
  })

  it('that is refused before it is read says why', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(413, { connection: 'close' }).end('{"message":"too large"}')
    })
    const file = join(folder, 'large.bin')
    await writeFile(file, new Uint8Array(20_000_000))
    const error = await failure(mlflowHttp({ url }).upload('x', file))
    expect(error).toMatchObject({ status: 413, passing: false, what: expect.stringMatching(/too large/) })
  })

  it('waits for a server that reads slowly, instead of reading ahead', async () => {
    let goOn = (): void => {}
    const url = await serve(async (request, response) => {
      await new Promise<void>((resolve) => {
        goOn = resolve
      })
      for await (const _chunk of request) {
        // read and dropped
      }
      response.end()
    })
    const file = join(folder, 'waits.bin')
    await writeFile(file, new Uint8Array(100_000_000))
    const before = process.memoryUsage().arrayBuffers
    const sent = mlflowHttp({ url }).upload('x', file)
    await wait(500)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50e6)
    goOn()
    await sent
  })
})
