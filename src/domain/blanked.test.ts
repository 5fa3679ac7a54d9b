import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readNifti } from '../formats/nifti/read.ts'
import { AXIS_ORDERS } from '../kernels/matrix.ts'
import { random } from '../kernels/random.ts'
import { reorient } from '../volume/orientation.ts'
import { type Volume, volumeOf } from '../volume/volume.ts'
import { blankedParts } from './blanked.ts'

const shape = [48, 60, 60] as const
const SIDE = 4

/** 192 x 240 x 240 mm: a head of 2.9 l with a brain of 1.4 l, in noise; `keep` says what is not blanked. */
function head(keep: (part: { brain: boolean; head: boolean; face: boolean }) => boolean, blank = 0): Volume {
  const rng = random(3, 'blanked')
  const data = Float32Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, v) => {
    const [x, y, z] = [v % 48, Math.floor(v / 48) % 60, Math.floor(v / 48 / 60)].map(
      (at, a) => (at + 0.5 - (shape[a] as number) / 2) * SIDE,
    ) as [number, number, number]
    const inside = (a: number, b: number, c: number): boolean => Math.hypot(x / a, y / b, z / c) < 1
    const part = { brain: inside(62, 78, 68), head: inside(78, 98, 92), face: y - z > 70 }
    const value = (part.head ? 300 : 0) + 10 * Math.abs(rng.normal()) + 1
    return keep(part) ? value : blank
  })
  return volumeOf({ shape, affine: [SIDE, 0, 0, -96, 0, SIDE, 0, -120, 0, 0, SIDE, -120, 0, 0, 0, 1] }, data)
}

describe('what is blanked', () => {
  it('is nothing in a head as scanned', () => {
    expect(blankedParts(head(() => true))).toEqual({ skullStripped: 'no', defaced: 'no' })
  })

  it.each([0, -1, Number.NaN])('is all but the brain, filled with %s', (blank) => {
    expect(blankedParts(head(({ brain }) => brain, blank))).toEqual({ skullStripped: 'yes' })
  })

  it('is the face, in every storage order', () => {
    const defaced = head(({ face }) => !face)
    for (const axes of AXIS_ORDERS)
      expect(blankedParts(reorient(defaced, axes, [true, false, true]))).toEqual({
        skullStripped: 'no',
        defaced: 'yes',
      })
  })

  it('may be the air: the head is whole, and whether a face was blanked too cannot be told', () => {
    expect(blankedParts(head(({ head: inside }) => inside))).toEqual({ skullStripped: 'no' })
  })

  it('is not the corners that scanners leave empty all round', () => {
    const v = head(() => true)
    const data = (v.data as Float32Array).map((value, i) =>
      Math.floor(i / 48) % 60 < 6 || Math.floor(i / 48) % 60 >= 54 ? 0 : value,
    )
    expect(blankedParts(volumeOf(v, data)).defaced).toBeUndefined()
  })
})

const data = process.env['ATTUNE_DATA']
if (data === undefined)
  process.stdout.write('skipped: blanked parts of real images (ATTUNE_DATA is not set)\n')
describe.skipIf(data === undefined)('of real images', () => {
  const folder = data ?? ''
  it('is the face, of those whose face was removed by a plane', async () => {
    const files = (await readdir(join(folder, 'brain-t1-multivendor/nifti'))).filter((name) =>
      /(xa30|prisma).*gz$/.test(name),
    )
    expect(files).toHaveLength(4)
    for (const file of files) {
      const { volume } = await readNifti(join(folder, 'brain-t1-multivendor/nifti', file))
      expect(blankedParts(volume)).toEqual({ skullStripped: 'no', defaced: 'yes' })
    }
  })

  it('is all but the brain, in MNI space', async () => {
    for (const name of ['T1', 'FLAIR']) {
      const { volume } = await readNifti(join(folder, `ms-lesions/mni-patient07/${name}.nii.gz`))
      expect(blankedParts(volume)).toEqual({ skullStripped: 'yes' })
    }
  })
})
