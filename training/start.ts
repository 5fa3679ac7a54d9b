/** Where training starts: from scratch, or from a universal harmonizer that fits the scans. */
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
const SCRATCH: From = 'scratch'

/**
 * @param from what the user asked for; without it, scratch
 * @returns `undefined` for a start from scratch
 * @throws {ConfigError} for a bundle that is not universal
 * @throws {RefusedError} when some scan is outside what the universal harmonizer takes
 */
export async function startOf(from: From | undefined, survey: Survey): Promise<Start | undefined> {
  if (from === undefined || from === SCRATCH) return undefined
  const { start, guards } = await readStart(from)
  const misfit = firstMisfit(survey, guards)
  if (misfit === undefined) return start
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
