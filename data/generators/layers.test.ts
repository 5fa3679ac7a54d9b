import { describe, expect, it } from 'vitest'
import { random } from '../../src/kernels/random.ts'
import { type Anatomy, loadAnatomy } from './anatomy.ts'
import { LABEL } from './labels.ts'
import { BORDERS, withOtherLayers } from './layers.ts'

const cubed = 40 ** 3
/** A ball of white matter in cortex in fluid in bone: radii 8, 12, 14, 17 voxels of 1 mm. */
const RADII: readonly (readonly [number, number])[] = [
  [8, 2],
  [12, 3],
  [14, LABEL.csf],
  [17, LABEL.corticalBone],
]
const ball: Anatomy = {
  name: 'synthseg-01',
  shape: [40, 40, 40],
  labels: Uint8Array.from({ length: cubed }, (_, v) => {
    const r = Math.hypot((v % 40) - 19.5, (Math.floor(v / 40) % 40) - 19.5, Math.floor(v / 1600) - 19.5)
    return RADII.find(([radius]) => r < radius)?.[1] ?? 0
  }),
}
const asItWas = ball.labels.slice()
const draws = Array.from({ length: 40 }, (_, k) => withOtherLayers(random(k, 'layers'), ball))
const volume = ({ labels }: Anatomy, label: number): number => labels.filter((one) => one === label).length
/** Radius, in voxels, of the ball that holds these labels. */
const radius = (anatomy: Anatomy, ...labels: readonly number[]): number =>
  Math.cbrt((3 / (4 * Math.PI)) * labels.reduce((sum, label) => sum + volume(anatomy, label), 0))

describe('layers of a ball', () => {
  it('move as far as their borders may, and are not all alike', () => {
    // a border between voxels advances by faces and so by up to the square root of 3 of its share of a voxel; unevenness adds half
    const farthest = (mm: number): number => mm * Math.sqrt(3) * 1.5 + 0.2
    const white = draws.map((drawn) => radius(ball, 2) - radius(drawn, 2))
    const pial = draws.map((drawn) => radius(ball, 2, 3) - radius(drawn, 2, 3))
    for (const [moved, { mm }] of [
      [white, BORDERS.white],
      [pial, BORDERS.pial],
    ] as const) {
      expect(Math.min(...moved)).toBeGreaterThan(-farthest(-mm[0]))
      expect(Math.max(...moved)).toBeLessThan(farthest(mm[1]))
      expect(Math.min(...moved)).toBeLessThan(0)
      expect(Math.max(...moved)).toBeGreaterThan(0.5)
    }
  })

  it('keep their order and the head its outline', () => {
    const kinds = new Set([2, 3, LABEL.csf, LABEL.corticalBone, 0])
    for (const drawn of draws) {
      expect(drawn.labels.every((label) => kinds.has(label))).toBe(true)
      expect(volume(drawn, 0)).toBe(volume(ball, 0))
      // white matter at the centre, then cortex, then fluid, along one line from the middle
      const line = Array.from({ length: 18 }, (_, k) => drawn.labels[20 * 1600 + 20 * 40 + 20 + k]!)
      const places = line.map((label) => [2, 3, LABEL.csf, LABEL.corticalBone, 0].indexOf(label))
      expect(places).toEqual(places.toSorted((a, b) => a - b))
    }
  })

  it('are the same again for the same stream, and leave the base as it is', () => {
    expect(withOtherLayers(random(3, 'layers'), ball).labels).toEqual(draws[3]!.labels)
    expect(ball.labels).toEqual(asItWas)
  })
})

describe('layers of the base maps', async () => {
  it('make the cortex of the smallest brain out of a larger one, and the other way round', async () => {
    const cortex = (anatomy: Anatomy): number => volume(anatomy, 3) + volume(anatomy, 42)
    const old = await loadAnatomy('synthseg-05')
    const other = await loadAnatomy('synthseg-02')
    const drawn = Array.from({ length: 6 }, (_, k) => cortex(withOtherLayers(random(k, 'layers'), other)))
    expect(Math.min(...drawn)).toBeLessThan(1.1 * cortex(old))
    expect(Math.max(...drawn)).toBeGreaterThan(cortex(other))
  })

  it('of probabilities stay probabilities, and grey and white matter change', async () => {
    const base = await loadAnatomy('mni152')
    const sum = (x: Uint8Array): number => x.reduce((total, value) => total + value, 0) / 255
    const shares = [0, 1, 2].map((k) => {
      const { soft } = withOtherLayers(random(k, 'layers'), base)
      const { grey, white } = soft!
      expect(grey.every((g, v) => g + white[v]! <= 255)).toBe(true)
      return [sum(grey) / sum(base.soft!.grey), sum(white) / sum(base.soft!.white)]
    })
    for (const which of [0, 1] as const) {
      const own = shares.map((share) => share[which]!)
      expect(Math.max(...own) - Math.min(...own)).toBeGreaterThan(0.05)
      expect(Math.min(...own)).toBeGreaterThan(0.4)
      expect(Math.max(...own)).toBeLessThan(1.6)
    }
  })
})
