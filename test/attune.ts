/** Runs attune, or a script that uses its sources, in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { packageFile } from '../src/package-root.ts'

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const tsx = createRequire(import.meta.url).resolve('tsx')

/** What Node runs as attune: the built program, which starts in half the time, where `npm test` has just built it; else the sources. */
export const PROGRAM: readonly string[] =
  process.env['ATTUNE_BUILT'] === '1'
    ? [packageFile('dist/src/cli/main.js')]
    : ['--import', tsx, packageFile('src/cli/main.ts')]

/** `attune WORDS`. */
export function attune(...words: readonly string[]): Promise<Ended> {
  return run([...PROGRAM, ...words])
}

/** Runs an ECMAScript module given as text; `whenItPrints` may act on the process: end it, stop listening. */
export function script(text: string, whenItPrints?: (child: ChildProcess) => void): Promise<Ended> {
  return node(['--input-type=module', '-e', text], whenItPrints)
}

/** `node --import tsx WORDS`. */
export function node(words: readonly string[], whenItPrints?: (child: ChildProcess) => void): Promise<Ended> {
  return run(['--import', tsx, ...words], whenItPrints)
}

function run(words: readonly string[], whenItPrints?: (child: ChildProcess) => void): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => {
      stdout += chunk
      whenItPrints?.(child)
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}
