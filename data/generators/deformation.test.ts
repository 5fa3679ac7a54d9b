import { expect, it } from 'vitest'
import { random } from '../../src/kernels/random.ts'
import { type Displacement, exponential, randomFlow, smallestJacobian } from './deformation.ts'
import { smoothField } from './random-field.ts'

const shape = [21, 23, 19] as const
/** A displacement on `shape` from a function of mm. */
function field(value: (x: number, y: number, z: number) => readonly [number, number, number]): Displacement {
  const along = [0, 1, 2].map(() => new Float32Array(shape[0] * shape[1] * shape[2]))
  let i = 0
  for (let z = 0; z < shape[2]; z++)
    for (let y = 0; y < shape[1]; y++)
      for (let x = 0; x < shape[0]; x++, i++)
        value(x * 4, y * 4, z * 4).forEach((v, axis) => {
          along[axis]![i] = v
        })
  return { shape, spacingMm: 4, along: along as unknown as Displacement['along'] }
}

it('the flow of a constant velocity is a translation by it', () => {
  const { along } = exponential(field(() => [3, -2, 1]))
  expect(along.map((u) => [Math.min(...u), Math.max(...u)].map((v) => v.toFixed(4)))).toEqual([
    ['3.0000', '3.0000'],
    ['-2.0000', '-2.0000'],
    ['1.0000', '1.0000'],
  ])
})
it('the flow of the velocity a (x - c) is the scaling by e^a about c', () => {
  const c = 40
  const { along } = exponential(field((x) => [0.2 * (x - c), 0, 0]))
  const row = (9 * shape[1] + 11) * shape[0]
  for (let x = 5; x < 16; x++) expect(along[0][row + x]!).toBeCloseTo((Math.exp(0.2) - 1) * (x * 4 - c), 1)
})
it('smallestJacobian of a linear displacement is its determinant, and is negative where space folds', () => {
  const linear = field((x, y, z) => [0.1 * x, -0.2 * y, 0.3 * z + 0.5 * x])
  expect(smallestJacobian(linear)).toBeCloseTo(1.1 * 0.8 * 1.3, 4)
  expect(smallestJacobian(field((x) => [-1.5 * x, 0, 0]))).toBeCloseTo(-0.5, 4)
})
it('random flows do not fold, and flow and reverse flow cancel', () => {
  for (let seed = 0; seed < 5; seed++)
    expect(smallestJacobian(randomFlow(random(seed), shape, 4, 2.5, 28))).toBeGreaterThan(0.2)
  const velocity = field((x, y, z) => [3 * Math.sin(y / 20), 2 * Math.sin(z / 18), 3 * Math.sin(x / 22)])
  const there = exponential(velocity)
  const back = exponential({
    ...velocity,
    along: velocity.along.map((v) => v.map((u) => -u)) as unknown as Displacement['along'],
  })
  const i = (9 * shape[1] + 11) * shape[0] + 10
  const [dx, dy, dz] = there.along.map((u) => u[i]!) as [number, number, number]
  // linear interpolation of the way back from where the way there ends
  const at = [10 + dx / 4, 11 + dy / 4, 9 + dz / 4]
  const read = (u: Float32Array): number => {
    let sum = 0
    for (let corner = 0; corner < 8; corner++) {
      const parts = at.map((p, axis) => {
        const up = (corner >> axis) & 1
        const t = p - Math.floor(p)
        return { index: Math.floor(p) + up, weight: up ? t : 1 - t }
      })
      const [a, b, c] = parts as [(typeof parts)[0], (typeof parts)[0], (typeof parts)[0]]
      sum += a.weight * b.weight * c.weight * u[(c.index * shape[1] + b.index) * shape[0] + a.index]!
    }
    return sum
  }
  back.along.forEach((u, axis) => {
    expect(read(u)).toBeCloseTo(-[dx, dy, dz][axis]!, 1)
  })
})
it('smoothField has mean 0 and SD 1, and every grid in one box sees the same field', () => {
  const x = smoothField(random(3), [60, 60, 60], 2, 5)
  const mean = x.reduce((a, b) => a + b, 0) / x.length
  const sd = Math.sqrt(x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length)
  expect(Math.abs(mean)).toBeLessThan(0.1)
  expect(Math.abs(sd - 1)).toBeLessThan(0.1)
  const boxMm = [40, 40, 40] as const
  const fine = smoothField(random(4), [11, 11, 11], 1, 6, { originMm: [10, 10, 10], boxMm })
  const coarse = smoothField(random(4), [6, 6, 6], 2, 6, { originMm: [10, 10, 10], boxMm })
  expect(coarse[(3 * 6 + 2) * 6 + 4]).toBeCloseTo(fine[(6 * 11 + 4) * 11 + 8]!, 5)
})
