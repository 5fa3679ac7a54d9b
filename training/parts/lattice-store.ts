/**
 * Simulated pairs on disk, one file each, so that a training reads in milliseconds what took seconds to simulate, and an interrupted one
 * finds what is there. Layout: one line of JSON, then image, expected and target as int16 and flags as bytes, each on the
 * widened lattice [108, 132, 108] along R, A, S.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { ConfigError } from '../../src/errors.ts'
import { writeFileAtomic } from '../../src/files.ts'
import { ANY_DOMAIN } from '../../src/inference/local-tone-model.ts'
import { type LatticePair, WIDE } from './lattice-pairs.ts'

const SCHEMA = 'attune-lattice/1'
const POINTS = WIDE[0] * WIDE[1] * WIDE[2]
/** Steps of the stored source per scale of the image, and of the target per unit; finer than the noise of any scan. */
const SOURCE_STEPS = 3000
const TARGET_STEPS = 8
const LARGEST = 32767
/** Bits of a flag. */
const IN_MASK = 1
const COUNTS = 2

const headSchema = z.object({
  schema: z.literal(SCHEMA),
  key: z.string(),
  scale: z.number().positive(),
  tissueMedian: z.number().positive(),
})

type Stored = Omit<LatticePair, 'subject' | 'domain' | 'targetScan'>

/**
 * @param key what the pair was made from; `readStored` takes a file of no other
 */
export async function writeStored(path: string, key: string, pair: Required<Stored>): Promise<void> {
  const { scale, tissueMedian } = pair
  const head: z.infer<typeof headSchema> = { schema: SCHEMA, key, scale, tissueMedian }
  const flags = new Uint8Array(POINTS)
  for (let i = 0; i < POINTS; i++) flags[i] = IN_MASK * pair.mask[i]! + COUNTS * pair.common[i]!
  await writeFileAtomic(path, [
    Buffer.from(`${JSON.stringify(head)}\n`),
    inSteps(pair.image, SOURCE_STEPS / scale),
    inSteps(pair.expected, SOURCE_STEPS / scale),
    inSteps(pair.target, TARGET_STEPS),
    flags,
  ])
}

/** @returns `undefined` where there is no whole file of this key */
export async function readStored(path: string, key: string): Promise<Required<Stored> | undefined> {
  const bytes = await readFile(path).catch(() => undefined)
  const end = bytes?.indexOf('\n') ?? -1
  if (bytes === undefined || bytes.length !== end + 1 + 7 * POINTS) return undefined
  const { success, data } = headSchema.safeParse(JSON.parse(bytes.toString('utf8', 0, end)))
  if (!success || data.key !== key) return undefined
  const { scale, tissueMedian } = data
  const floats = (k: number, perStep: number): Float32Array => {
    const start = end + 1 + 2 * k * POINTS
    const steps = new Int16Array(POINTS)
    new Uint8Array(steps.buffer).set(bytes.subarray(start, start + 2 * POINTS))
    const out = new Float32Array(POINTS)
    for (let i = 0; i < POINTS; i++) out[i] = steps[i]! * perStep
    return out
  }
  const flags = bytes.subarray(end + 1 + 6 * POINTS)
  const mask = new Uint8Array(POINTS)
  const common = new Uint8Array(POINTS)
  for (let i = 0; i < POINTS; i++) {
    mask[i] = flags[i]! & IN_MASK
    common[i] = (flags[i]! & COUNTS) / COUNTS
  }
  return {
    image: floats(0, scale / SOURCE_STEPS),
    expected: floats(1, scale / SOURCE_STEPS),
    target: floats(2, 1 / TARGET_STEPS),
    mask,
    common,
    scale,
    tissueMedian,
  }
}

export function placeOf(store: string, index: number): string {
  return join(store, `scan-${String(index).padStart(5, '0')}.lattice`)
}

/**
 * The pair at `index` of a folder, from a scanner of no particular name.
 * @throws {ConfigError} when it is not there, or of another key
 */
export async function storedPair(store: string, index: number, key: string): Promise<LatticePair> {
  const found = await readStored(placeOf(store, index), key)
  if (found === undefined)
    throw new ConfigError(
      `${placeOf(store, index)} was changed while training.`,
      'Run it again with --resume.',
    )
  return { subject: String(index), domain: ANY_DOMAIN, targetScan: '', ...found }
}

/** Whole steps, as bytes in the machine's order (little-endian wherever Node runs). */
function inSteps(x: Float32Array, steps: number): Uint8Array {
  const out = new Int16Array(x.length)
  for (let i = 0; i < out.length; i++)
    out[i] = Math.max(-LARGEST, Math.min(LARGEST, Math.round(x[i]! * steps)))
  return new Uint8Array(out.buffer)
}
