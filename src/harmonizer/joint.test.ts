import { describe, expect, it } from 'vitest'
import { random } from '../kernels/random.ts'
import { applyClosedForm, UNTRAINED_MODELS } from './closed-form.ts'
import { applyJointly, sharedCurves, type Visit, visitValues } from './joint.ts'
import type { ClosedFormModel } from './method.ts'

const size = 20_000
const mask = Uint8Array.from({ length: size }, (_, i) => (i % 5 === 0 ? 0 : 1))
/** Three tissues and noise, as whole numbers; `share` of the first one. */
const visit = (seed: number, share = 0.3): Float32Array => {
  const rng = random(seed, 'visit')
  return Float32Array.from({ length: size }, () => {
    const tissue = rng.uniform()
    return Math.round((tissue < share ? 100 : tissue < 0.65 ? 300 : 500) + 15 * rng.normal())
  })
}
const models: readonly ClosedFormModel[] = [
  ...UNTRAINED_MODELS,
  { kind: 'lsq', means: [50, 100, 150] },
  { kind: 'nyul', percentiles: [1, 25, 50, 75, 99], landmarks: [10, 40, 60, 90, 120] },
  { kind: 'histogram', quantiles: Array.from({ length: 101 }, (_, k) => k + k * k) },
  {
    kind: 'tone',
    referenceScale: 200,
    knots: [0, 0.5, 1, 2],
    tones: { A: [0, 0.2, 1, 1.8] },
  },
]
const given = (x: Float32Array): Visit => visitValues(x, mask) as Visit
const far = (a: Float32Array, b: Float32Array): number => {
  const scale = Math.max(...a.map(Math.abs))
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number)) / scale), 0)
}

describe.each(models.map((model) => [model.kind, model] as const))('%s', (kind, model) => {
  const joint = (x: Float32Array, ...others: Float32Array[]): Float32Array =>
    applyJointly(model, x, mask, 'A', others.map(given))

  it('maps an image as it would alone, where the other visit is the same image', () => {
    const x = visit(1)
    expect(far(applyClosedForm(model, x, mask, 'A'), joint(x, x))).toBeLessThan(1e-3)
  })

  it('gives equal images for visits that differ by the gain of the receiver', () => {
    const x = visit(1)
    const louder = x.map((value) => value * 4) // exact in float32
    const [a, b] = [joint(x, louder), joint(louder, x)]
    if (kind === 'identity') expect(b).toEqual(louder)
    else expect(far(a, b)).toBeLessThan(1e-3)
  })

  it('takes equal intensities of two visits, in units of their scales, to the same output', () => {
    // A patient who has lost tissue: mapped alone, the rest would change colour. Voxels outside the mask hold equal parts of the scales.
    if (kind === 'identity') return
    const [before, after] = [visit(1, 0.3), visit(2, 0.2)]
    for (const x of [before, after]) {
      const { scale } = given(x) as Extract<Visit, { kind: 'values' }>
      for (let i = 0; i < size; i += 5) x[i] = ((1 + (i % 400)) / 200) * scale
    }
    const outside = mask.map((inside) => 1 - inside)
    const probes = (out: Float32Array): Float32Array => out.filter((__, i) => outside[i] !== 0)
    const alone = (x: Float32Array): Float32Array => probes(applyClosedForm(model, x, mask, 'A'))
    const apart = far(alone(before), alone(after))
    expect(far(probes(joint(before, after)), probes(joint(after, before)))).toBeLessThan(
      Math.max(2e-3, apart / 5),
    )
  })
})

it('an image whose median is not positive is mapped by itself', () => {
  const x = visit(1).map((value) => value - 1000)
  expect(visitValues(x, mask)).toBeUndefined()
  const zscore = UNTRAINED_MODELS.find(({ kind }) => kind === 'zscore') as ClosedFormModel
  expect(applyJointly(zscore, x, mask, '', [given(visit(2))])).toEqual(applyClosedForm(zscore, x, mask, ''))
})

it('curves of visits are averaged cell by cell, each image keeping its own scale and place', () => {
  const curves = (values: readonly number[], scale: number) =>
    ({ values: Float32Array.from(values), scale, placement: { corner: [scale, 0, 0] } }) as never
  const own = curves([0, 1, 3], 100)
  const shared = sharedCurves(own, [{ kind: 'curves', curves: curves([0, 2, 6], 130) }])
  expect([...shared.values]).toEqual([0, 1.5, 4.5])
  expect(shared.scale).toBe(100)
  expect(sharedCurves(own, [])).toEqual(own)
})
