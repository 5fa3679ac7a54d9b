import { expect, it } from 'vitest'
import { transformPoint } from '../../src/kernels/matrix.ts'
import { random } from '../../src/kernels/random.ts'
import type { Individual } from './anatomy.ts'
import { randomFlow } from './deformation.ts'
import { drawPose, moved, poseOf } from './motion.ts'
import { smoothField, smoothFieldAskew } from './random-field.ts'
import { sampleTissues } from './sampling.ts'

/** A ball of white matter of 15 mm around (20, 10, 30) mm from the centre of the map. */
const n = 121
const labels = Uint8Array.from({ length: n ** 3 }, (_, i) => {
  const place = [i % n, Math.floor(i / n) % n, Math.floor(i / n ** 2)] as const
  const [x, y, z] = place.map((p) => p + 0.5 - n / 2) as [number, number, number]
  return Math.hypot(x - 20, y - 10, z - 30) < 15 ? 2 : 0
})
const still = { shape: [43, 43, 43], spacingMm: 4, along: [0, 1, 2].map(() => new Float32Array(43 ** 3)) }
const ball = {
  anatomy: { name: 'synthseg-01', shape: [n, n, n], labels },
  linear: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  flow: still,
  smallestJacobian: 1,
} as unknown as Individual

function centreOfMass(individual: Individual): number[] {
  const map = sampleTissues(individual, 2)
  const [nx, ny] = map.shape
  const sum = [0, 0, 0, 0]
  for (let v = 0; v < map.lesions.length; v++)
    for (let e = map.start[v]!; e < map.start[v + 1]!; e++) {
      const at = transformPoint(map.affine, [v % nx, Math.floor(v / nx) % ny, Math.floor(v / (nx * ny))])
      for (const axis of [0, 1, 2]) sum[axis]! += map.fraction[e]! * at[axis]!
      sum[3]! += map.fraction[e]!
    }
  return [0, 1, 2].map((axis) => sum[axis]! / sum[3]!)
}

it('a turn about S and a shift move a ball to where they say, within 0.1 mm', () => {
  const found = centreOfMass(moved(ball, poseOf([0, 0, 90], [1, 2, -3])))
  for (const [axis, mm] of [-10 + 1, 20 + 2, 30 - 3].entries())
    expect(Math.abs(found[axis]! - mm)).toBeLessThan(0.1)
})
it('toRest takes what was moved back, and drawn poses have the stated spread', () => {
  const own = random(1)
  const squares = { degrees: 0, mm: 0 }
  for (let i = 0; i < 2000; i++) {
    const pose = drawPose(own, { degrees: 2, mm: 3 })
    squares.degrees += pose.rotationDegrees.reduce((sum, v) => sum + v * v, 0) / 6000
    squares.mm += pose.translationMm.reduce((sum, v) => sum + v * v, 0) / 6000
  }
  expect(Math.sqrt(squares.degrees)).toBeCloseTo(2, 1)
  expect(Math.sqrt(squares.mm)).toBeCloseTo(3, 0.8)
  const { toRest } = poseOf([0, 0, 90], [1, 2, -3])
  expect(transformPoint(toRest, [-9, 22, 27]).map((v) => Math.round(v * 1e9) / 1e9)).toEqual([20, 10, 30])
})
it('a pose at rest leaves the individual as it is, warps included', () => {
  const warped = { ...ball, flow: randomFlow(random(5), [43, 43, 43], 4, 2.5, 28) }
  const same = moved(warped, poseOf([0, 0, 0], [0, 0, 0]))
  for (const axis of [0, 1, 2] as const)
    for (let i = 0; i < 43 ** 3; i += 97)
      expect(same.flow.along[axis][i]).toBeCloseTo(warped.flow.along[axis][i]!, 2)
})
it('texture on an askew grid is that of the straight one where both agree', () => {
  const boxMm = [40, 44, 48] as const
  const straight = smoothField(random(7), [11, 11, 11], 2, 5, { originMm: [3, 4, 5], boxMm })
  const askew = smoothFieldAskew(
    random(7),
    [11, 11, 11],
    [2, 0, 0, 3, 0, 2, 0, 4, 0, 0, 2, 5, 0, 0, 0, 1],
    5,
    boxMm,
  )
  for (let i = 0; i < straight.length; i += 7) expect(askew[i]).toBeCloseTo(straight[i]!, 5)
})
