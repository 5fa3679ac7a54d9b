/** Where benches keep what is costly to make, and when they may use it again. */
import { access, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ConfigError } from '../src/errors.ts'
import { sha256 } from '../src/files.ts'
import { packageFile } from '../src/package-root.ts'
import type { EngineChoice } from '../training/engine/engine.ts'

/** Ignored by git; safe to delete. */
export const workplace: string = packageFile('scratch/bench')

/** Changes whenever a source file below the folders does; tests do not count. */
export async function codeHash(...folders: readonly string[]): Promise<string> {
  const parts: string[] = []
  for (const folder of folders)
    for (const entry of (await readdir(packageFile(folder), { recursive: true })).sort())
      if (entry.endsWith('.ts') && !entry.endsWith('.test.ts'))
        parts.push(entry, await readFile(packageFile(join(folder, entry)), 'utf8'))
  return sha256(parts.join('\0')).slice(0, 12)
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

export interface TrainingChoice {
  readonly engine: EngineChoice
  /** Absent: the method's default. */
  readonly config: { readonly steps?: number }
  /** `--seeds`, where the bench has one. */
  readonly seeds: string
}

/** Reads `--steps`, `--engine` and `--seeds`. @throws {ConfigError} for anything else */
export function trainingChoice(words: readonly string[]): TrainingChoice {
  const options = {
    steps: { type: 'string' },
    engine: { type: 'string', default: 'auto' },
    seeds: { type: 'string', default: 'test' },
  } as const
  try {
    const { values } = parseArgs({ args: [...words], options })
    const steps = values.steps === undefined ? {} : { steps: Number(values.steps) }
    return { engine: values.engine as EngineChoice, config: steps, seeds: values.seeds }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError(reason, 'See: npm run bench', { cause })
  }
}
