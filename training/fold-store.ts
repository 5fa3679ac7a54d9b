/** Scores of finished folds on disk, named by a hash of all that they depend on: a resumed choice trains none of them again. */
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { sha256, writeFileAtomic } from '../src/files.ts'
import { isMethod } from '../src/harmonizer/ladder.ts'
import type { Method } from '../src/harmonizer/method.ts'
import { packageVersion } from '../src/package-root.ts'
import { removeCheckpoint } from './parts/checkpoint.ts'
import type { Scores } from './score-pair.ts'

const method = z.custom<Method>((value) => typeof value === 'string' && isMethod(value))
const stored: z.ZodType<Scores> = z.strictObject({
  scores: z.array(
    z.strictObject({
      subject: z.string(),
      domain: z.string(),
      session: z.string(),
      method,
      mae: z.number(),
      noise: z.number().optional(),
      targetNoise: z.number().optional(),
      ordered: z.boolean(),
      separation: z.number().optional(),
      lesions: z.array(z.number()),
      referenceChange: z.number().optional(),
      atrophyKept: z.number().optional(),
    }),
  ),
  failures: z.array(z.strictObject({ method, reason: z.string() })),
})

/** Beside the bundle that is to be written. */
export function foldFolder(out: string): string {
  return `${out}.folds`
}

/**
 * The scores of one fold, read where they are known, else made and kept.
 * @param parts what they depend on: scans, methods, settings, who is left out
 * @param make  given a path for the checkpoint of a training under way
 */
export async function scoresOf(
  out: string,
  parts: object,
  make: (checkpoint: string) => Promise<Scores>,
): Promise<Scores> {
  const name = sha256(JSON.stringify({ attune: packageVersion(), ...parts })).slice(0, 32)
  const path = join(foldFolder(out), `${name}.json`)
  const known = await readScores(path)
  if (known !== undefined) return known
  const checkpoint = join(foldFolder(out), `${name}.checkpoint`)
  const scores = await make(checkpoint)
  await writeFileAtomic(path, JSON.stringify(scores))
  await removeCheckpoint(checkpoint)
  return scores
}

/** `undefined` where there are none; what cannot be read is made again. */
async function readScores(path: string): Promise<Scores | undefined> {
  try {
    return stored.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return undefined
  }
}

export async function removeFolds(out: string): Promise<void> {
  await rm(foldFolder(out), { recursive: true, force: true })
}
