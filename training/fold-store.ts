/** Networks and scores of finished folds on disk, named by a hash of all that they depend on: a resumed choice trains none of them again. */
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { sha256, writeFileAtomic } from '../src/files.ts'
import { isMethod } from '../src/harmonizer/ladder.ts'
import { type Method, modelSchema } from '../src/harmonizer/method.ts'
import { packageVersion } from '../src/package-root.ts'
import type { Fitted } from './fit.ts'
import { removeCheckpoint } from './parts/checkpoint.ts'
import type { Scores } from './score-pair.ts'

const method = z.custom<Method>((value) => typeof value === 'string' && isMethod(value))
const scoresSchema: z.ZodType<Scores> = z.strictObject({
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
const fittedSchema = z.strictObject({
  model: modelSchema,
  engine: z.string(),
  loss: z.array(z.strictObject({ step: z.number(), loss: z.number() })),
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  files: z.record(z.string(), z.base64()),
})

/** Beside the bundle that is to be written. */
export function foldFolder(out: string): string {
  return `${out}.folds`
}

/**
 * The scores of one fold, read where they are known, else made and kept.
 * @param parts what they depend on: scans, methods, settings, who is left out
 */
export async function scoresOf(out: string, parts: object, make: () => Promise<Scores>): Promise<Scores> {
  const path = join(foldFolder(out), `${nameOf(parts)}.json`)
  const known = await readAs(scoresSchema, path)
  if (known !== undefined) return known
  const scores = await make()
  await writeFileAtomic(path, JSON.stringify(scores))
  return scores
}

/**
 * The network of one fold, read where it was trained before, else trained and kept: scores and the uncertainty map both need it.
 * @param make given a path for the checkpoint of a training under way
 */
export async function fittedOf(
  out: string,
  parts: object,
  make: (checkpoint: string) => Promise<Fitted>,
): Promise<Fitted> {
  const name = nameOf(parts)
  const path = join(foldFolder(out), `${name}.json`)
  const known = await readAs(fittedSchema, path)
  if (known !== undefined) {
    const { files, ...rest } = known
    const bytes = Object.entries(files).map(([file, text]) => [file, Buffer.from(text, 'base64')] as const)
    return { ...rest, files: Object.fromEntries(bytes) }
  }
  const checkpoint = join(foldFolder(out), `${name}.checkpoint`)
  const fitted = await make(checkpoint)
  const texts = Object.entries(fitted.files).map(
    ([file, content]) => [file, Buffer.from(content).toString('base64')] as const,
  )
  await writeFileAtomic(path, JSON.stringify({ ...fitted, files: Object.fromEntries(texts) }))
  await removeCheckpoint(checkpoint)
  return fitted
}

function nameOf(parts: object): string {
  return sha256(JSON.stringify({ attune: packageVersion(), ...parts })).slice(0, 32)
}

/** `undefined` where there is no such file; what cannot be read is made again. */
async function readAs<T>(schema: z.ZodType<T>, path: string): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return undefined
  }
}

export async function removeFolds(out: string): Promise<void> {
  await rm(foldFolder(out), { recursive: true, force: true })
}
