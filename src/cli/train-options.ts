/** What the options of `attune train` mean. */
import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import type { NamedRun } from '../../training/named-run.ts'
import type { Trained, TrainOptions } from '../../training/train.ts'
import { parsePrepared } from '../domain/preparation.ts'
import { ConfigError } from '../errors.ts'
import type { Method } from '../harmonizer/method.ts'
import { type CohortFlags, cohortOptions } from './cohort-options.ts'
import type { CommonOptions } from './output.ts'

export interface TrainFlags extends CommonOptions, CohortFlags {
  readonly cohort: string | undefined
  readonly target: string | undefined
  readonly method: Method | 'auto' | undefined
  readonly config: string | undefined
  readonly run: string | undefined
  readonly out: string | undefined
  readonly engine: 'auto' | 'native' | 'wasm' | 'cpu'
  readonly seed: number | undefined
  readonly from: string | undefined
  readonly subjects: string | undefined
  readonly 'exclude-subjects': string | undefined
  readonly 'single-reference': boolean
  readonly 'max-rung': number | undefined
  readonly uncertainty: boolean | undefined
  readonly translation: boolean
  readonly prepared: string | undefined
  readonly resume: boolean
  readonly overwrite: boolean
  readonly track: string | false | undefined
  readonly 'help-config': boolean
}

/**
 * What is asked of training.
 * @throws {ConfigError} for options that cannot be, or that are missing
 */
export async function trainRequest(
  flags: TrainFlags,
): Promise<{ readonly request: TrainOptions; readonly named: NamedRun | undefined }> {
  const { readNamedRun } = await import('../../training/named-run.ts')
  const named = flags.run === undefined ? undefined : await readNamedRun(flags.run)
  const { target = named?.train.target, method = named?.train.method ?? 'auto' } = flags
  if (flags.cohort === undefined || target === undefined)
    throw new ConfigError(
      flags.cohort === undefined ? 'No cohort is given.' : '--target is missing.',
      'See: attune train --help',
    )
  const from = flags.from ?? named?.train.from
  const maxRung = rungAsked(flags['max-rung'], method)
  const { subjects, 'exclude-subjects': excluded } = flags
  const excludeSubjects = excluded === undefined ? named?.train.excludeSubjects : namesIn(excluded)
  return {
    named,
    request: {
      ...{ cohort: flags.cohort, cohortOptions: cohortOptions(flags), target, method },
      out: flags.out ?? `${target.replace(/[^A-Za-z0-9.-]+/g, '-')}.harmonizer`,
      engine: flags.engine,
      ...(from !== undefined && { from }),
      seed: wholeSeed(flags.seed ?? named?.train.seed ?? 1),
      config: named?.train.settings ?? (await readConfig(flags.config)),
      singleReference: flags['single-reference'],
      prepared: parsePrepared(flags.prepared ?? ''),
      overwrite: flags.overwrite,
      resume: flags.resume,
      translation: flags.translation,
      ...(flags.uncertainty !== undefined && { uncertainty: flags.uncertainty }),
      ...(maxRung !== undefined && { maxRung }),
      ...(subjects !== undefined && { subjects: namesIn(subjects) }),
      ...(excludeSubjects !== undefined && { excludeSubjects }),
    },
  }
}

/** How a training came out beside what its named run expects. */
export function comparisonWith(
  { expected, cohort }: NamedRun,
  { manifest, loss }: Trained,
): {
  readonly sameCohort: boolean
  readonly loss: number
  readonly asExpected: boolean
  readonly text: string
} {
  const sameCohort = manifest.training.cohort.sha256 === cohort.sha256
  const found = loss.at(-1)?.loss ?? Number.NaN
  const asExpected = Math.abs(found - expected.loss) <= expected.within
  const text = sameCohort
    ? `The named run expects a loss of ${expected.loss} (within ${expected.within}): ${asExpected ? 'as expected' : 'not so here'}.`
    : `The named run was made on another cohort (${cohort.made}): its expected loss of ${expected.loss} does not apply.`
  return { sameCohort, loss: expected.loss, asExpected, text }
}

/**
 * Settings from a YAML file (JSON is YAML).
 * @throws {ConfigError} when the file cannot be read or is not a map of settings
 */
async function readConfig(path: string | undefined): Promise<Record<string, unknown>> {
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
function rungAsked(rung: number | undefined, method: string): number | undefined {
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
