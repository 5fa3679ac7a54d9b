/** Where training starts: from a universal harmonizer where it fits the scans, from scratch otherwise. */
import { ConfigError, RefusedError } from '../src/errors.ts'
import { readBundle } from '../src/harmonizer/bundle.ts'
import { checkLimits } from '../src/harmonizer/guards.ts'
import type { DomainLimits } from '../src/harmonizer/manifest.ts'
import { shippedBundle } from '../src/harmonizer/shipped.ts'
import { ANY_DOMAIN } from '../src/inference/local-tone-model.ts'
import type { Survey } from './closed-form.ts'
import type { Start } from './parts/fine-tuning.ts'
import { readWeights } from './parts/read-weights.ts'

/** `universal`, `scratch`, or the path of a bundle. */
export type From = string
export const SCRATCH: From = 'scratch'
/** From where training starts when nothing is said. */
const DEFAULT: From = 'universal'

/**
 * @param from what the user asked for; without it, the shipped universal harmonizer where every scan fits its guards
 * @returns `undefined` for a start from scratch
 * @throws {ConfigError} for a bundle that is not universal
 * @throws {RefusedError} when the start was asked for, and some scan is outside what it takes
 */
export async function startOf(
  from: From | undefined,
  survey: Survey,
  remark: (line: string) => void,
): Promise<Start | undefined> {
  if (from === SCRATCH) return undefined
  const { start, guards } = await readStart(from ?? DEFAULT)
  const misfit = firstMisfit(survey, guards)
  if (misfit === undefined) return start
  if (from === undefined) {
    remark(`starts from scratch, since ${start.name} was not made for ${misfit}`)
    return undefined
  }
  throw new RefusedError(
    `Training cannot start from ${start.name}, which was not made for ${misfit}`,
    'Leave --from out, or give --from scratch.',
  )
}

async function readStart(
  from: From,
): Promise<{ readonly start: Start; readonly guards: Readonly<Record<string, DomainLimits>> }> {
  const { name, manifest, sha256, files } = await readBundle(shippedBundle(from) ?? from)
  const [model] = manifest.steps
  const curves = files['curves.onnx']
  if (model.kind !== 'local-tone' || curves === undefined || model.domains.join() !== ANY_DOMAIN)
    throw new ConfigError(
      `${from} is made for named scanners; training can only go on from a universal harmonizer.`,
      'Give --from universal, or --from scratch.',
    )
  return { start: { name, sha256, model, weights: readWeights(curves) }, guards: manifest.guards }
}

/** The first scan outside the limits on what comes in, with the reason. */
function firstMisfit(
  { observed }: Survey,
  guards: Readonly<Record<string, DomainLimits>>,
): string | undefined {
  for (const [image, seen] of observed) {
    const failed = checkLimits(seen, guards).find(({ status }) => status === 'failed')
    if (failed) return `${image}: ${failed.message}`
  }
  return undefined
}
