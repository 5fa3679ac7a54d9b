/** Every method attune can apply: its model as plain data, and the schema at the boundary. */
import * as z from 'zod'
import type { BandUnetModel } from '../inference/band-unet-model.ts'
import { ANY_DOMAIN, type LocalToneModel } from '../inference/local-tone-model.ts'
import type { FcmModel } from '../intensity/fcm.ts'
import type { HistogramModel } from '../intensity/histogram.ts'
import type { KdeModel } from '../intensity/kde.ts'
import type { LsqModel } from '../intensity/lsq.ts'
import type { NyulModel } from '../intensity/nyul.ts'
import type { ToneModel } from '../intensity/tone.ts'
import type { WhiteStripeModel } from '../intensity/whitestripe.ts'
import type { ZScoreModel } from '../intensity/zscore.ts'
import type { ResidualUnetModel } from './residual-unet-model.ts'

export interface IdentityModel {
  readonly kind: 'identity'
}

export type Model =
  | IdentityModel
  | ZScoreModel
  | WhiteStripeModel
  | KdeModel
  | FcmModel
  | LsqModel
  | NyulModel
  | HistogramModel
  | ToneModel
  | LocalToneModel
  | ResidualUnetModel
  | BandUnetModel
export type Method = Model['kind']

/** A method whose network a recipe of its own trains. */
export type NetworkModel = LocalToneModel | ResidualUnetModel | BandUnetModel
export function isNetworkMethod(method: Method): method is NetworkModel['kind'] {
  return method === 'local-tone' || method === 'residual-unet' || method === 'band-unet'
}

export function isNetwork(model: Model): model is NetworkModel {
  return isNetworkMethod(model.kind)
}

/** A method that needs no network: every method weaker than `local-tone`. */
export type ClosedFormModel = Exclude<Model, NetworkModel>

/** The part of a model that holds curves and domains: the first stage of one with two stages, any other model itself. */
export function stageOf(model: Model): Exclude<Model, ResidualUnetModel> {
  return model.kind === 'residual-unet' ? model.stage : model
}

const finite = z.number()
const positive = finite.positive()
const knots = z
  .array(finite)
  .min(2)
  .refine((values) => values[0] === 0 && increases(values), 'must start at 0 and increase')
const peak = z.enum(['first', 'largest', 'last'])
const ascending = z
  .array(finite)
  .min(2)
  .refine((values) => values.every((q, i) => i === 0 || q >= (values[i - 1] as number)), 'must not decrease')
  .refine((values) => (values.at(-1) as number) > (values[0] as number), 'must not all be equal')
const curves = z.record(
  z.string(),
  z.array(finite).refine((values) => values[0] === 0 && increases(values), 'must start at 0 and increase'),
)

const tone = z.strictObject({ kind: z.literal('tone'), referenceScale: positive, knots, tones: curves })
const localTone = z.strictObject({
  kind: z.literal('local-tone'),
  referenceScale: positive,
  knots,
  domains: z.array(z.string().min(1)).min(1),
  tones: curves,
  bounds: z.strictObject({ slopeRatio: finite.min(1), perMm: finite.min(0) }),
})

export const modelSchema: z.ZodType<Model> = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('identity') }),
    z.strictObject({ kind: z.literal('zscore'), mean: finite, sd: positive }),
    z.strictObject({ kind: z.literal('whitestripe'), peak, mean: finite, sd: positive }),
    z.strictObject({ kind: z.literal('kde'), peak, mode: positive }),
    z.strictObject({
      kind: z.literal('fcm'),
      tissue: z.enum(['dark', 'middle', 'bright']),
      mean: positive,
    }),
    z.strictObject({ kind: z.literal('lsq'), means: z.tuple([finite, finite, positive]) }),
    z.strictObject({
      kind: z.literal('nyul'),
      percentiles: z.array(finite.min(0).max(100)).min(2).refine(increases, 'must increase'),
      landmarks: ascending,
    }),
    z.strictObject({ kind: z.literal('histogram'), quantiles: ascending }),
    tone,
    localTone,
    z.strictObject({
      kind: z.literal('residual-unet'),
      stage: z.discriminatedUnion('kind', [tone, localTone]),
      bound: positive,
      code: z.array(z.string()).min(1),
    }),
    z.strictObject({
      kind: z.literal('band-unet'),
      unit: z.enum(['HU', 'SUVbw']),
      window: z.strictObject({ low: finite, high: finite, ramp: positive }),
      most: z.union([
        z.strictObject({ size: positive }),
        z.strictObject({ share: positive.max(0.5, 'must leave no value below 0') }),
      ]),
      voxelMm: z.tuple([positive, positive, positive]),
      code: z.array(z.string()).min(1),
    }),
  ])
  .refine((model) => {
    const curved = stageOf(model)
    return !('tones' in curved) || oneValuePerKnot(curved)
  }, 'every tone must have one value per knot')
  .refine(
    (model) => model.kind !== 'nyul' || model.landmarks.length === model.percentiles.length,
    'every percentile must have one landmark',
  )
  .refine((model) => {
    const curved = stageOf(model)
    return curved.kind !== 'local-tone' || curved.domains.every((domain) => domain in curved.tones)
  }, 'every domain must have a tone')

/** A pass over what another has made: from any scanner, as the one before. */
export const furtherPassSchema: z.ZodType<LocalToneModel> = localTone
  .refine(oneValuePerKnot, 'every tone must have one value per knot')
  .refine(isOfAnyScanner, 'a further pass must be of any scanner')

/** Whether further passes may follow. */
export function isOfAnyScanner(model: Model): model is LocalToneModel {
  return model.kind === 'local-tone' && model.domains.join() === ANY_DOMAIN && ANY_DOMAIN in model.tones
}

function oneValuePerKnot({ knots, tones }: Pick<ToneModel, 'knots' | 'tones'>): boolean {
  return Object.values(tones).every((values) => values.length === knots.length)
}

function increases(values: readonly number[]): boolean {
  return values.every((value, i) => i === 0 || value > (values[i - 1] as number))
}
