import { expect, it } from 'vitest'
import { UnfittableError } from '../../errors.ts'
import { type Affine, IDENTITY } from '../../kernels/matrix.ts'
import { volumeOf } from '../../volume/volume.ts'
import { registerGroup } from './group.ts'

/** Images on a line: the map between two is a shift, and the error is as given for the pair, in either order. */
const images = [0, 1, 2, 3].map((at) => ({
  at,
  volume: volumeOf({ shape: [1, 1, 1], affine: IDENTITY }, new Float32Array(1)),
  points: [],
  centre: [0, 0, 0] as const,
}))
type Image = (typeof images)[number]
const shift = (mm: number): Affine => [1, 0, 0, mm, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]

function group(errors: Record<string, number | 'fails'>, among = images) {
  const asked: string[] = []
  const register = async (a: Image, b: Image) => {
    asked.push(`${a.at}${b.at}`)
    const error = errors[`${a.at}${b.at}`] ?? errors[`${b.at}${a.at}`] ?? 0.1
    if (error === 'fails') throw new UnfittableError('no overlap', 'Look.')
    return { transform: shift(b.at - a.at), errorMm: error }
  }
  return registerGroup(among, () => 1, register).then((found) => ({ ...found, asked }))
}

it('keeps all with the first as anchor, each registered once', async () => {
  const { anchor, members, asked } = await group({})
  expect(anchor.at).toBe(0)
  expect(asked).toEqual(['01', '02', '03'])
  expect(members.map(({ pair, excluded }) => [pair!.transform[3], pair!.errorMm, excluded])).toEqual([
    [0, 0, undefined],
    [1, 0.1, undefined],
    [2, 0.1, undefined],
    [3, 0.1, undefined],
  ])
})
it('takes the next anchor where the first fits to few, and does not register a pair twice', async () => {
  const { anchor, members, asked } = await group({ '01': 3, '02': 'fails', '03': 2 })
  expect(anchor.at).toBe(1)
  expect(asked).toEqual(['01', '02', '03', '12', '13'])
  expect(members[0]!.excluded).toBe('The registration may be off by 3.00 mm, more than 1.00 mm.')
  expect(members[0]!.pair!.transform[3]).toBe(-1)
  expect(members.slice(1).map(({ excluded }) => excluded)).toEqual([undefined, undefined, undefined])
})
it('leaves out one bad image with its reason', async () => {
  const { members } = await group({ '02': 'fails' })
  expect(members.map(({ excluded }) => excluded)).toEqual([undefined, undefined, 'no overlap', undefined])
})
it('where nothing fits, the first stays alone', async () => {
  const errors = { '01': 2, '02': 2, '12': 2 }
  const { anchor, members, asked } = await group(errors, images.slice(0, 3))
  expect(anchor.at).toBe(0)
  expect(members.map(({ excluded }) => excluded === undefined)).toEqual([true, false, false])
  expect(asked).toEqual(['01', '02', '12'])
})
it('an error that is not of the data ends the work', async () => {
  const broken = () => Promise.reject(new TypeError('a defect'))
  await expect(registerGroup(images, () => 1, broken)).rejects.toThrow('a defect')
})
