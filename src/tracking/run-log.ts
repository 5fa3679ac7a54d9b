/**
 * What a run says of itself, one JSON object a line, only ever appended: `log.ndjson` of a run folder. A last line without an
 * end was cut off by a crash and does not count.
 */
import * as z from 'zod'
import { InputError } from '../errors.ts'

export type RunStatus = 'running' | 'finished' | 'failed' | 'killed'

/** Milliseconds since 1970, UTC. */
const at = z.int().nonnegative()
/** What MLflow accepts, so that no name has to be changed later: letters, digits and `_ - . / :` and spaces. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_\-.:/ ]{0,249}$/
const name = z.string().refine(isName)
const number = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])])

export type RunEntry = { readonly at: number } & (
  | { readonly status: 'running'; readonly host: string; readonly pid: number }
  | { readonly status: Exclude<RunStatus, 'running'> }
  | { readonly param: string; readonly value: string }
  | { readonly metric: string; readonly step: number; readonly value: MetricValue }
  | { readonly tag: string; readonly value: string }
  | { readonly artifact: string; readonly bytes: number; readonly sha256: string }
  /** The folder of artifacts that holds a model, and the name that it is known by. */
  | { readonly model: string; readonly folder: string }
)

export type MetricEntry = Extract<RunEntry, { readonly metric: string }>

/** JSON has neither NaN nor infinities. */
export type MetricValue = number | 'NaN' | 'Infinity' | '-Infinity'

const inside = z.string().refine(isInside)
const entrySchema: z.ZodType<RunEntry> = z.union([
  z.strictObject({ at, status: z.literal('running'), host: z.string(), pid: z.int().positive() }),
  z.strictObject({ at, status: z.enum(['finished', 'failed', 'killed']) }),
  z.strictObject({ at, param: name, value: z.string() }),
  z.strictObject({ at, metric: name, step: z.int().nonnegative(), value: number }),
  z.strictObject({ at, tag: name, value: z.string() }),
  z.strictObject({
    at,
    artifact: inside,
    bytes: z.int().nonnegative(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  z.strictObject({ at, model: name, folder: inside }),
])

/** Whether a relative path with `/` stays in its folder: it is taken from a file and becomes a path again. */
export function isInside(path: string): boolean {
  return !/[\0\\]/.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

/** Whether a parameter, metric or tag may have this name. */
export function isName(text: string): boolean {
  return NAME.test(text) && isInside(text)
}

/** A finite number as itself, others in the words that MLflow takes too. */
export function metricValue(value: number): MetricValue {
  return Number.isFinite(value) ? value : (String(value) as MetricValue)
}

/** The bytes of a log up to its last complete line. */
export function completeLines(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.lastIndexOf(10) + 1)
}

/** A line of a log with the byte after it. */
export interface PlacedEntry {
  readonly entry: RunEntry
  readonly end: number
}

/**
 * The complete lines of a log from byte `from` on.
 * @throws {InputError} for a line that attune did not write
 */
export function parseLog(bytes: Uint8Array, source: string, from = 0): readonly PlacedEntry[] {
  const found: PlacedEntry[] = []
  let start = from
  for (let end = bytes.indexOf(10, start); end >= 0; end = bytes.indexOf(10, start)) {
    const line = new TextDecoder().decode(bytes.subarray(start, end))
    start = end + 1
    found.push({ entry: parseLine(line, source), end: start })
  }
  return found
}

function parseLine(line: string, source: string): RunEntry {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    value = undefined
  }
  const result = entrySchema.safeParse(value)
  if (result.success) return result.data
  throw new InputError(
    `${source} has a line that is no entry of a run: ${line.slice(0, 80)}`,
    'Restore the file, or remove that line.',
  )
}
