import { expect, it } from 'vitest'
import { head } from '../../test/head.ts'
import { sampleUnet } from '../../test/residual-unet-oracle.ts'
import { random } from '../kernels/random.ts'
import { foregroundMask } from '../volume/mask.ts'
import { toFloat32 } from '../volume/volume.ts'
import { checkFeatures, featureLimitsOf, type SeenScan } from './feature-guard.ts'
import { limitsOf } from './guards.ts'
import { harmonizerOf } from './harmonizer.ts'
import { CODE_FIELDS } from './image-code.ts'
import { imageFacts, surveyMask } from './image-facts.ts'
import { openNetwork } from './networks.ts'

const CHANNELS = 40
/** A person whose features lie around 10 times the channel's number, each channel `spread` of its SD over slices away. */
function scan(subject: string, seed: number, spread = 0.4, shift = 0): SeenScan {
  const rng = random(seed, 'features')
  const sd = Array.from({ length: CHANNELS }, (_, c) => 1 + c)
  return {
    subject,
    features: { sd, mean: sd.map((width, c) => 10 * c + width * (shift + spread * rng.normal())) },
  }
}
const six = Array.from({ length: 6 }, (_, k) => scan(`s${k}`, k))

it('measures in SDs of each channel over slices, whatever the size of its activations', () => {
  const limits = featureLimitsOf([{ subject: 's', features: { mean: [100, 0.1], sd: [10, 0.01] } }])
  expect(limits).toMatchObject({ people: 1, mean: [100, 0.1], sd: [10, 1] })
  // The second channel hardly moves: it counts by a tenth of the median SD. sqrt((2^2 + 0.03^2) / 2) = 1.41.
  const { message, status } = checkFeatures({ mean: [120, 0.13], sd: [] }, 'a', limits)
  expect(message).toMatch(/is 1.41 away from what it saw in a \(from 1 person\)/)
  expect(status).toBe('passed')
})

it('lets other people of the domain pass, and refuses what is moved in all channels', () => {
  const limits = featureLimitsOf(six)
  for (let seed = 100; seed < 120; seed++)
    expect(checkFeatures(scan('x', seed).features, 'a', limits).status).toBe('passed')
  expect(checkFeatures(scan('x', 200, 0.4, 4).features, 'a', limits)).toMatchObject({
    guard: 'network',
    status: 'failed',
  })
  expect(checkFeatures({ mean: Array(CHANNELS).fill(Number.NaN), sd: [] }, 'a', limits).status).toBe('failed')
})

it('asks more of an image the more people it knows, and widens where they differ', () => {
  const [one, all] = [featureLimitsOf(six.slice(0, 1)), featureLimitsOf(six)]
  expect(all.most).toBeLessThan(one.most)
  const apart = featureLimitsOf(Array.from({ length: 6 }, (_, k) => scan(`s${k}`, k, 0.4, 2 * (k % 2))))
  expect(apart.most).toBeGreaterThan(all.most)
  // Scans of one person have the weight of one.
  const twice = featureLimitsOf([...six, { ...(six[0] as SeenScan) }])
  expect(twice).toEqual(all)
})

it('refuses in apply what the network never saw, unless forced; then the record says so', async () => {
  const { model, graph } = sampleUnet(CODE_FIELDS, 20)
  const volume = head()
  const [x, mask] = [toFloat32(volume), foregroundMask(volume)]
  const network = await openNetwork('sample', model, { 'network.onnx': graph }, { threads: 1 })
  const image = { volume, x, mask, nonFinite: 0, domain: 'a', acquisition: {}, profile: 'fast' } as const
  const { features } = await network.apply(image, [])
  await network.close()
  const limits = limitsOf([imageFacts(volume, x, surveyMask(volume.shape, mask, 6))])
  const own = featureLimitsOf([{ subject: 's', features: features as NonNullable<typeof features> }])
  const withFeatures = (mean: readonly number[]): ReturnType<typeof harmonizerOf> =>
    harmonizerOf({
      ...{ identity: { name: 'h', method: 'residual-unet', rung: 5, target: 'b' }, sources: ['a'], model },
      ...{ guards: { a: { ...limits, features: { ...own, mean } } }, graphs: { 'network.onnx': graph } },
    })
  const options = { domain: 'a', profile: 'fast' } as const
  const known = withFeatures(own.mean)
  const { record } = await known.apply(volume, options)
  expect(record.guards).toContainEqual(expect.objectContaining({ guard: 'network', status: 'passed' }))
  await known.close()
  const strange = withFeatures(own.mean.map((value, c) => value + 10 * (own.sd[c] as number)))
  const refusal = {
    exitCode: 3,
    what: expect.stringMatching(/^What the network sees in the image is 10 away/),
  }
  await expect(strange.apply(volume, options)).rejects.toMatchObject(refusal)
  await expect(strange.visit(volume, options)).rejects.toMatchObject(refusal)
  const forced = await strange.apply(volume, { ...options, force: true })
  expect(forced.record).toMatchObject({ forced: true })
  await strange.close()
}, 60_000)
