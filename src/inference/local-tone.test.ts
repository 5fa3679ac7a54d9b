import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { oracleCurveAt, sampleModel, sampleWeights } from '../../test/local-tone-oracle.ts'
import { awkwardHeads, type Head } from '../../test/local-tone-volumes.ts'
import { exportLocalTone } from '../../training/parts/onnx-local-tone.ts'
import { InputError, RefusedError, UnfittableError } from '../errors.ts'
import { frameOf, placeBox } from '../volume/frame.ts'
import { toFloat32, volumeOf } from '../volume/volume.ts'
import { type LocalCurves, voxelToBox } from './curves.ts'
import { type LocalTone, openLocalTone } from './local-tone.ts'
import { openSession, type Session } from './session.ts'

const model = sampleModel(6)
const graphs = exportLocalTone(model, sampleWeights(model, 11))
/** Robust range of the heads after harmonization is above 300; 1e-4 of it. */
const TOLERANCE = 0.03

let localTone: LocalTone
let complete: Session
beforeAll(async () => {
  localTone = await openLocalTone(model, graphs.curves, { threads: 1 })
  complete = await openSession(graphs.complete, { threads: 1, name: 'complete' })
})
afterAll(() => Promise.all([localTone.close(), complete.close()]))

function percentile(values: Float32Array, share: number): number {
  return values.toSorted()[Math.floor(share * (values.length - 1))]!
}

describe.each(awkwardHeads().map((head): [string, Head] => [head.name, head]))(
  '%s',
  (_, { volume, mask }) => {
    let out: Float32Array
    let curves: LocalCurves
    beforeAll(async () => {
      out = await localTone.apply(volume, mask, 'b')
      curves = await localTone.curvesFor(volume, mask, 'b')
    })

    it('apply gives what the complete graph gives', async () => {
      const dims = [1, 1, volume.shape[2], volume.shape[1], volume.shape[0]]
      const { harmonized } = await complete.run({
        image: { data: toFloat32(volume), dims },
        mask: { data: Float32Array.from(mask), dims },
        geometry: { data: voxelToBox(curves.placement), dims: [3, 4] },
        domain: { data: BigInt64Array.of(1n), dims: [] },
      })
      const tissue = out.filter((_, i) => mask[i] === 1)
      expect(percentile(tissue, 0.99) - percentile(tissue, 0.01)).toBeGreaterThan(TOLERANCE / 1e-4)
      let worst = 0
      for (let i = 0; i < out.length; i++) worst = Math.max(worst, Math.abs(out[i]! - harmonized![i]!))
      expect(worst).toBeLessThan(TOLERANCE)
    })

    it('apply reads the curves at each voxel as the specification says, and keeps 0 exactly', () => {
      const { values, scale } = curves
      const frame = frameOf(volume)
      const corner = placeBox(frame, mask)
      const image = toFloat32(volume)
      const [nx, ny] = volume.shape
      const top = model.knots.at(-1)! * scale
      let beyond = 0
      for (let i = 0; i < out.length; i++) {
        const outside = image[i]! < 0 || image[i]! > top
        if (outside) beyond++
        if (i % 997 !== 0 && !outside) continue
        const stored = [i % nx, Math.floor(i / nx) % ny, Math.floor(i / nx / ny)]
        const point = ([0, 1, 2] as const).map((axis) => {
          const index = stored[frame.axes[axis]]!
          return (
            (frame.flips[axis] ? frame.shape[axis] - 1 - index : index) * frame.voxel[axis] - corner[axis]
          )
        })
        const expected = oracleCurveAt(values, model.knots, point, image[i]! / scale) * model.referenceScale
        expect(Math.abs(out[i]! - expected)).toBeLessThan(1e-3)
      }
      expect(beyond).toBeGreaterThan(20)
      for (let i = 0; i < out.length; i++) if (image[i] === 0 && out[i] !== 0) expect(out[i]).toBe(0)
    })
  },
)

describe('apply', () => {
  const { volume, mask } = awkwardHeads()[2]!

  it('does not depend on storage order', async () => {
    const [nx, ny, nz] = volume.shape
    const data = new Float32Array(volume.data.length)
    const turned = new Uint8Array(mask.length)
    const back = new Int32Array(mask.length)
    for (let z = 0, i = 0; z < nz; z++)
      for (let y = 0; y < ny; y++)
        for (let x = 0; x < nx; x++, i++) {
          const to = (y * nx + (nx - 1 - x)) * nz + z
          data[to] = volume.data[i]!
          turned[to] = mask[i]!
          back[i] = to
        }
    const a = volume.affine
    const rows = [0, 4, 8].flatMap((r) => [a[r + 2]!, -a[r]!, a[r + 1]!, a[r + 3]! + (nx - 1) * a[r]!])
    const other = volumeOf({ shape: [nz, nx, ny], affine: [...rows, 0, 0, 0, 1] }, data)
    const expected = await localTone.apply(volume, mask, 'a')
    const found = await localTone.apply(other, turned, 'a')
    for (let i = 0; i < expected.length; i += 7)
      expect(Math.abs(found[back[i]!]! - expected[i]!)).toBeLessThan(1e-2)
  })

  it('does not depend on the gain of the scanner', async () => {
    const louder = volumeOf(
      volume,
      toFloat32(volume).map((value) => value * 8),
    )
    const expected = await localTone.apply(volume, mask, 'a')
    const found = await localTone.apply(louder, mask, 'a')
    for (let i = 0; i < expected.length; i += 7) expect(Math.abs(found[i]! - expected[i]!)).toBeLessThan(1e-2)
  })

  it('keeps NaN where it is and counts it nowhere, and so does the complete graph', async () => {
    const data = toFloat32(volume).slice()
    const [nx, ny, nz] = volume.shape
    const holes = [0, Math.floor(data.length / 2), data.length - 1]
    for (const hole of holes) data[hole] = Number.NaN
    const holed = volumeOf(volume, data)
    const whole = await localTone.apply(volume, mask, 'a')
    const found = await localTone.apply(holed, mask, 'a')
    const dims = [1, 1, nz, ny, nx]
    const { harmonized } = await complete.run({
      image: { data, dims },
      mask: { data: Float32Array.from(mask), dims },
      geometry: { data: voxelToBox((await localTone.curvesFor(holed, mask, 'a')).placement), dims: [3, 4] },
      domain: { data: BigInt64Array.of(0n), dims: [] },
    })
    for (let i = 0; i < data.length; i++) {
      if (Number.isNaN(data[i])) expect([found[i], harmonized![i]]).toEqual([Number.NaN, Number.NaN])
      else if (!(Math.abs(found[i]! - whole[i]!) < 3 && Math.abs(harmonized![i]! - found[i]!) < TOLERANCE))
        expect([i, found[i], harmonized![i]]).toEqual([i, whole[i], whole[i]])
    }
  })

  it('refuses an unknown domain and names the known ones', async () => {
    await expect(localTone.apply(volume, mask, 'elsewhere')).rejects.toThrow(RefusedError)
    await expect(localTone.apply(volume, mask, 'elsewhere')).rejects.toThrow(/"elsewhere".*\n.*a, b, c/s)
  })

  it('refuses a mask of another size, an empty one, and an image without signal', async () => {
    await expect(localTone.apply(volume, mask.subarray(1), 'a')).rejects.toThrow(InputError)
    await expect(localTone.apply(volume, new Uint8Array(mask.length), 'a')).rejects.toThrow(UnfittableError)
    const blank = volumeOf(volume, new Float32Array(mask.length))
    await expect(localTone.apply(blank, mask, 'a')).rejects.toThrow(
      /93rd percentile of intensity deep in the mask is 0/,
    )
  })

  it('refuses a network made for another model', async () => {
    const other = await openLocalTone(sampleModel(5), graphs.curves, { threads: 1 })
    await expect(other.apply(volume, mask, 'a')).rejects.toThrow(/4480 curve values.* 3840/s)
    await other.close()
  })
})
