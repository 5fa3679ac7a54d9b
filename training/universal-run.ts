/** Named runs of universal harmonizers: training/runs/NAME.json. */
import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { UNIVERSAL_CONTRASTS, type UniversalContrast } from '../src/domain/universal-contrast.ts'
import { ConfigError } from '../src/errors.ts'
import { CURVES_OF_PASS } from '../src/inference/local-tone-model.ts'
import { packageFile } from '../src/package-root.ts'
import type { ToneSettings } from './tone-pass.ts'

const share = z.number().min(0).max(1)
const size = z.number().nonnegative()
const count = z.int().positive()

/** One training of a universal harmonizer, from simulation to weights. */
export interface UniversalRun {
  readonly name: string
  /** Of the images that it takes. */
  readonly contrast: UniversalContrast
  /** Name of the domain that images are brought to; see data/generators/any-scanner.ts for its physics. */
  readonly target: string
  readonly about: string
  readonly seed: number
  /** Base anatomies, in turn; who is left out stays unseen. */
  readonly anatomies: readonly string[]
  /** Individuals, and scans of each, every one on a scanner of its own. */
  readonly heads: number
  readonly scansPerHead: number
  /** Networks, each trained on what the one before leaves of heads and scans of its own. */
  readonly passes: number
  readonly network: NetworkSettings
  /** Settings that differ in passes after the first. */
  readonly furtherPasses?: Partial<NetworkSettings>
  /** Of the pass after them, which reads the tone of the whole image; without it there is none. */
  readonly tone?: ToneSettings
  /** What to expect of it. */
  readonly expected?: { readonly loss: number; readonly time: string; readonly evidence: string }
}

/** As in LocalToneOptions. */
export interface NetworkSettings {
  readonly steps: number
  readonly batch: number
  readonly learningRate: number
  readonly bins: number
  readonly slopeRatio: number
  readonly changePerMm: number
  readonly shading: number
  readonly shiftMm: number
  readonly mirror: number
  /** SD of the logarithm of a gain that the scale of the image does not know of. */
  readonly gain: number
  readonly composition: number
  readonly gradient: number
  readonly smoothness: number
}

const network = z.strictObject({
  steps: count,
  batch: count,
  learningRate: z.number().positive(),
  bins: count,
  slopeRatio: z.number().min(1),
  changePerMm: z.number().positive(),
  shading: size,
  shiftMm: size,
  mirror: share,
  gain: size,
  composition: size,
  gradient: size,
  smoothness: size,
})

const tone = z.strictObject({
  seed: z.int(),
  heads: count,
  scansPerHead: count,
  steps: count,
  batch: count,
  learningRate: z.number().positive(),
  hidden: count,
  noise: size,
  slopeRatio: z.number().min(1),
})

const fields = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/),
  contrast: z.enum(UNIVERSAL_CONTRASTS),
  target: z.string().min(1),
  about: z.string(),
  seed: z.int(),
  anatomies: z.array(z.string()).nonempty(),
  heads: count,
  scansPerHead: count,
  passes: count,
  network,
  furtherPasses: z.exactOptional(network.partial() as unknown as z.ZodType<Partial<NetworkSettings>>),
  tone: z.exactOptional(tone),
  expected: z.exactOptional(z.strictObject({ loss: z.number(), time: z.string(), evidence: z.string() })),
})
const schema: z.ZodType<UniversalRun> = fields.refine(
  (run) => run.passes + (run.tone ? 1 : 0) <= CURVES_OF_PASS.length,
  {
    path: ['passes'],
    message: `must be at most ${CURVES_OF_PASS.length}, together with that of the tone`,
  },
)

/**
 * @param name of a run that ships with attune, or the path of a JSON file
 * @throws {ConfigError} when there is none, or it is not valid
 */
export async function readUniversalRun(name: string): Promise<UniversalRun> {
  const path = /^[a-z0-9-]+$/.test(name) ? packageFile(`training/runs/${name}.json`) : name
  let input: unknown
  try {
    input = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError(
      `There is no run "${name}": ${reason}`,
      'Name one of training/runs, or a JSON file.',
      {
        cause,
      },
    )
  }
  const { success, data, error } = schema.safeParse(input)
  if (success) return data
  throw new ConfigError(`${path}:\n${z.prettifyError(error)}`, 'Correct it and run again.')
}
