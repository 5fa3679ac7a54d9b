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

/** `attune WORDS`, from the sources. */
export function attune(...words: readonly string[]): Promise<Ended> {
  return node([packageFile('src/cli/main.ts'), ...words])
}

/** Runs an ECMAScript module given as text; `whenItPrints` may act on the process: end it, stop listening. */
export function script(text: string, whenItPrints?: (child: ChildProcess) => void): Promise<Ended> {
  return node(['--input-type=module', '-e', text], whenItPrints)
}

/** `node --import tsx WORDS`. */
export function node(words: readonly string[], whenItPrints?: (child: ChildProcess) => void): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', tsx, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
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
