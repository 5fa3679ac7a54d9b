/**
 * Simulated pairs on disk, one file each, so that a training reads in milliseconds what took seconds to simulate, and an interrupted one
 * finds what is there. Layout: one line of JSON, then image, expected and target as int16 and flags as bytes, each on the
 * widened lattice [108, 132, 108] along R, A, S.
 */
import { open } from 'node:fs/promises'
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
/** Of a point: three intensities of two bytes and its flags. */
const BYTES = 7
/** Of the line before them; a longer one is none of ours. */
const MOST_HEAD = 1000

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

/** What one file is read into; a thread that reads many takes the same again, since new arrays of 30 MB cost more than the reading. */
export interface Space {
  readonly file: Buffer
  readonly steps: Int16Array
  readonly pair: Required<Pick<Stored, 'image' | 'expected' | 'target' | 'mask' | 'common'>>
}

export function newSpace(): Space {
  const floats = (): Float32Array => new Float32Array(POINTS)
  return {
    file: Buffer.alloc(MOST_HEAD + BYTES * POINTS),
    steps: new Int16Array(POINTS),
    pair: {
      ...{ image: floats(), expected: floats(), target: floats() },
      ...{ mask: new Uint8Array(POINTS), common: new Uint8Array(POINTS) },
    },
  }
}

/**
 * @param space whose arrays the pair is read into
 * @returns `undefined` where there is no whole file of this key
 */
export async function readStored(
  path: string,
  key: string,
  { file, steps, pair }: Space = newSpace(),
): Promise<Required<Stored> | undefined> {
  const length = await readInto(file, path)
  const end = file.indexOf('\n')
  if (end < 0 || length !== end + 1 + BYTES * POINTS) return undefined
  const { success, data } = headSchema.safeParse(JSON.parse(file.toString('utf8', 0, end)))
  if (!success || data.key !== key) return undefined
  const { scale, tissueMedian } = data
  const floats = (out: Float32Array, k: number, perStep: number): void => {
    const start = end + 1 + 2 * k * POINTS
    new Uint8Array(steps.buffer).set(file.subarray(start, start + 2 * POINTS))
    for (let i = 0; i < POINTS; i++) out[i] = steps[i]! * perStep
  }
  floats(pair.image, 0, scale / SOURCE_STEPS)
  floats(pair.expected, 1, scale / SOURCE_STEPS)
  floats(pair.target, 2, 1 / TARGET_STEPS)
  const flags = end + 1 + 6 * POINTS
  for (let i = 0; i < POINTS; i++) {
    const flag = file[flags + i]!
    pair.mask[i] = flag & IN_MASK
    pair.common[i] = flag >> 1
  }
  return { ...pair, scale, tissueMedian }
}

/** @returns bytes read; 0 where there is no such file */
async function readInto(bytes: Buffer, path: string): Promise<number> {
  const handle = await open(path).catch(() => undefined)
  if (handle === undefined) return 0
  try {
    let length = 0
    for (;;) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length)
      length += bytesRead
      if (bytesRead === 0) return length
    }
  } finally {
    await handle.close()
  }
}

export function placeOf(store: string, index: number): string {
  return join(store, `scan-${String(index).padStart(5, '0')}.lattice`)
}

/**
 * The pair at `index` of a folder, from a scanner of no particular name.
 * @throws {ConfigError} when it is not there, or of another key
 */
export async function storedPair(
  store: string,
  index: number,
  key: string,
  space?: Space,
): Promise<LatticePair> {
  const found = await readStored(placeOf(store, index), key, space)
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
