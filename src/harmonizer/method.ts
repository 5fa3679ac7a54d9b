/** Every method attune can apply: its model as plain data, the schema at the boundary, and what the ladder says of it. */
import * as z from 'zod'
import type { LocalToneModel } from '../inference/local-tone-model.ts'
import type { HistogramModel } from '../intensity/histogram.ts'
import type { ToneModel } from '../intensity/tone.ts'
import type { ZScoreModel } from '../intensity/zscore.ts'

export interface IdentityModel {
  readonly kind: 'identity'
}

export type Model = IdentityModel | ZScoreModel | HistogramModel | ToneModel | LocalToneModel
export type Method = Model['kind']

/** A method that needs no network: every method weaker than `local-tone`. */
export type ClosedFormModel = Exclude<Model, LocalToneModel>

/** How much a method is able to change: 0 nothing, 1 gain and offset, 2 one curve, 4 a curve that varies over space. */
export type Rung = 0 | 1 | 2 | 4

export function rungOf(method: Method): Rung {
  switch (method) {
    case 'identity':
      return 0
    case 'zscore':
      return 1
    case 'histogram':
    case 'tone':
      return 2
    case 'local-tone':
      return 4
    default:
      return method satisfies never
  }
}

/** Whether the method holds one mapping per source domain, so that it must be told where an image comes from. */
export function needsDomain(method: Method): boolean {
  return method === 'tone' || method === 'local-tone'
}

const finite = z.number()
const positive = finite.positive()
const knots = z
  .array(finite)
  .min(2)
  .refine((values) => values[0] === 0 && increases(values), 'must start at 0 and increase')
const curves = z.record(
  z.string(),
  z.array(finite).refine((values) => values[0] === 0 && increases(values), 'must start at 0 and increase'),
)

export const modelSchema: z.ZodType<Model> = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('identity') }),
    z.strictObject({ kind: z.literal('zscore'), mean: finite, sd: positive }),
    z.strictObject({
      kind: z.literal('histogram'),
      quantiles: z
        .array(finite)
        .min(2)
        .refine(
          (values) => values.every((q, i) => i === 0 || q >= (values[i - 1] as number)),
          'must not decrease',
        )
        .refine((values) => (values.at(-1) as number) > (values[0] as number), 'must not all be equal'),
    }),
    z.strictObject({ kind: z.literal('tone'), referenceScale: positive, knots, tones: curves }),
    z.strictObject({
      kind: z.literal('local-tone'),
      referenceScale: positive,
      knots,
      domains: z.array(z.string().min(1)).min(1),
      tones: curves,
      bounds: z.strictObject({ slopeRatio: finite.min(1), perMm: positive }),
    }),
  ])
  .refine(
    (model) =>
      !('tones' in model) || Object.values(model.tones).every((tone) => tone.length === model.knots.length),
    'every tone must have one value per knot',
  )
  .refine(
    (model) => model.kind !== 'local-tone' || model.domains.every((domain) => domain in model.tones),
    'every domain must have a tone',
  )

function increases(values: readonly number[]): boolean {
  return values.every((value, i) => i === 0 || value > (values[i - 1] as number))
}
