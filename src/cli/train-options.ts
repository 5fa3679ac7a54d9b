/** What the options of `attune train` mean. */
import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { ConfigError } from '../errors.ts'

/**
 * Settings from a YAML file (JSON is YAML).
 * @throws {ConfigError} when the file cannot be read or is not a map of settings
 */
export async function readConfig(path: string | undefined): Promise<Record<string, unknown>> {
  if (path === undefined) return {}
  let settings: unknown
  try {
    settings = parse(await readFile(path, 'utf8'))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError(`${path}: ${reason}`, 'Give a YAML or JSON file.', { cause })
  }
  if (typeof settings === 'object' && settings !== null && !Array.isArray(settings))
    return settings as Record<string, unknown>
  throw new ConfigError(
    `${path} is not a list of settings.`,
    'Write one setting a line, such as `steps: 300`.',
  )
}

/** The names in `a,b,c`. */
export function namesIn(list: string): readonly string[] {
  const names = list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (names.length > 0) return names
  throw new ConfigError('A list of subjects is empty.', 'Name them: a,b,c.')
}

/** @throws {ConfigError} for a rung that is none, or with a method that was named */
export function rungAsked(rung: number | undefined, method: string): number | undefined {
  if (rung === undefined) return undefined
  if (method !== 'auto')
    throw new ConfigError(
      `--max-rung ${rung} does not go with --method ${method}.`,
      'It limits what --method auto may choose.',
    )
  if (Number.isInteger(rung) && rung >= 0 && rung <= 6) return rung
  throw new ConfigError(`--max-rung ${rung} is not possible.`, 'Give a rung from 0 to 6.')
}

export function wholeSeed(seed: number): number {
  if (Number.isSafeInteger(seed)) return seed
  throw new ConfigError(`--seed ${seed} is not possible.`, 'Give a whole number.')
}
