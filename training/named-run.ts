/** Trainings with a name, in `training/runs/`: what to train on what, and what came out when that was done last. */
import { readdir, readFile } from 'node:fs/promises'
import * as z from 'zod'
import { ConfigError } from '../src/errors.ts'
import { isMethod } from '../src/harmonizer/ladder.ts'
import type { Method } from '../src/harmonizer/method.ts'
import { packageFile } from '../src/package-root.ts'
import type { From } from './start.ts'

export interface NamedRun {
  readonly schema: 'attune-named-run/1'
  readonly title: string
  /** How its cohort is made, and the hash of what is trained on. */
  readonly cohort: { readonly made: string; readonly manifest: string; readonly sha256: string }
  readonly train: {
    readonly method: Method | 'auto'
    readonly target: string
    readonly excludeSubjects?: readonly string[]
    readonly seed: number
    /** Where the network starts, where that is not the default. */
    readonly from?: From
    readonly settings: Readonly<Record<string, string | number>>
  }
  readonly expected: {
    /** As the manifest of the bundle says it. */
    readonly engine: string
    readonly loss: number
    /** How far another engine or processor may be off: `native` and `wasm` differ by 6e-8 after 5 steps, by 2e-6 after 40. */
    readonly within: number
    /** Wall time of the training, and on what. */
    readonly seconds: number
    readonly machine: string
    /** What `attune validate` finds, and the command; only of runs that are long enough to be worth it. */
    readonly evidence?: {
      readonly command: string
      readonly figures: readonly {
        readonly domain: string
        readonly metric: string
        readonly value: number
      }[]
      readonly gates: Readonly<Record<string, 'pass' | 'fail' | 'not-evaluated'>>
    }
  }
}

const SCHEMA = 'attune-named-run/1'
const schema: z.ZodType<NamedRun> = z.strictObject({
  schema: z.literal(SCHEMA),
  title: z.string().min(1),
  cohort: z.strictObject({
    made: z.string().min(1),
    manifest: z.string().min(1),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  train: z.strictObject({
    method: z.custom<Method | 'auto'>(
      (value) => value === 'auto' || (typeof value === 'string' && isMethod(value)),
    ),
    target: z.string().min(1),
    excludeSubjects: z.exactOptional(z.array(z.string().min(1))),
    seed: z.int(),
    from: z.exactOptional(z.string()),
    settings: z.record(z.string(), z.union([z.string(), z.number()])),
  }),
  expected: z.strictObject({
    engine: z.string().min(1),
    loss: z.number(),
    within: z.number().positive(),
    seconds: z.number().positive(),
    machine: z.string().min(1),
    evidence: z.exactOptional(
      z.strictObject({
        command: z.string().min(1),
        figures: z
          .array(z.strictObject({ domain: z.string(), metric: z.string(), value: z.number() }))
          .min(1),
        gates: z.record(z.string(), z.enum(['pass', 'fail', 'not-evaluated'])),
      }),
    ),
  }),
})

const RUNS = 'training/runs'

/** Names of the runs on a cohort that come with attune; those of universal harmonizers, which need none, are of `attune pretrain`. */
export async function namedRuns(): Promise<readonly string[]> {
  const files = await readdir(packageFile(RUNS)).catch(() => [])
  const names = files.flatMap((file) => /^([a-z0-9-]+)\.json$/.exec(file)?.[1] ?? []).sort()
  const texts = await Promise.all(names.map((name) => readFile(packageFile(`${RUNS}/${name}.json`), 'utf8')))
  return names.filter((_, k) => (JSON.parse(texts[k] as string) as { schema?: unknown }).schema === SCHEMA)
}

/** @throws {ConfigError} when there is no run of this name */
export async function readNamedRun(name: string): Promise<NamedRun> {
  const names = await namedRuns()
  if (!names.includes(name))
    throw new ConfigError(
      `There is no named run "${name}".`,
      names.length === 0 ? 'This installation has none.' : `There are: ${names.join(', ')}.`,
    )
  const file = packageFile(`${RUNS}/${name}.json`)
  const result = schema.safeParse(JSON.parse(await readFile(file, 'utf8')))
  if (result.success) return result.data
  throw new ConfigError(`${file}: ${z.prettifyError(result.error)}`, 'Restore the file.')
}
