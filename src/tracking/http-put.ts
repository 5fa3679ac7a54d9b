/**
 * A file as the body of a PUT request. `fetch` of Node 20 reads a file far ahead of the network (300 MB in memory for a file of 300 MB,
 * as a stream and as a blob); `node:http` waits for it (35 MB).
 */
import { createReadStream } from 'node:fs'
import { request as plain } from 'node:http'
import { request as secure } from 'node:https'
import { pipeline } from 'node:stream/promises'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** @throws {Error} when the connection fails, or the signal ends it */
export function putFile(
  url: string,
  headers: Readonly<Record<string, string>>,
  file: string,
  signal: AbortSignal,
): Promise<Answer> {
  const request = (url.startsWith('https:') ? secure : plain)(url, { method: 'PUT', headers, signal })
  return new Promise((resolve, reject) => {
    request.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        const own = Object.entries(response.headers).map(([name, value]): [string, string] => [
          name,
          String(value),
        ])
        resolve({ status: response.statusCode ?? 0, headers: new Headers(own), text })
      })
    })
    request.on('error', reject)
    // a server may refuse before it has read everything: its answer counts then, not the broken pipe
    pipeline(createReadStream(file), request).catch((error: unknown) => setTimeout(reject, 1000, error))
  })
}
