import { describe, expect, it } from 'vitest'
import { volumeOf } from '../volume/volume.ts'
import { imageFacts, percentilesOf, surveyMask } from './image-facts.ts'

describe('a mask survey', () => {
  it('takes every masked voxel of a small mask, and the slices around its middle', () => {
    const mask = Uint8Array.of(0, 0, 0, 1, 1, 1, 1, 0, 1, 0) // five slices of two voxels: 0, 1, 2, 1, 1
    const { voxels, sample, slab } = surveyMask([2, 1, 5], mask, 3)
    expect(voxels).toBe(5)
    expect([...sample]).toEqual([3, 4, 5, 6, 8])
    expect(slab).toEqual({ shape: [2, 1, 3], start: 2, end: 8 })
  })

  it('thins a large mask evenly and stays inside it', () => {
    const mask = new Uint8Array(100 * 100 * 100).fill(1, 200_000)
    const { voxels, sample } = surveyMask([100, 100, 100], mask, 6)
    expect(voxels).toBe(800_000)
    expect(sample).toHaveLength(50_000)
    expect(sample[0]).toBe(200_000)
    expect(sample.every((i, n) => i === 200_000 + 16 * n)).toBe(true)
  })

  it('of nothing is empty, its slab inside the image', () => {
    const { voxels, sample, slab } = surveyMask([2, 2, 3], new Uint8Array(12), 6)
    expect({ voxels, sampled: sample.length }).toEqual({ voxels: 0, sampled: 0 })
    expect(slab).toEqual({ shape: [2, 2, 3], start: 0, end: 12 })
  })
})

describe('facts', () => {
  it('count, measure along R A S, and leave NaN out', () => {
    // Stored axes run along A, S and R with 2, 3 and 4 mm.
    const affine = [0, 0, 4, 0, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 1]
    const x = Float32Array.of(1, 2, 3, Number.NaN, 5, Number.POSITIVE_INFINITY, 7, 8)
    const volume = volumeOf({ shape: [2, 2, 2], affine }, x)
    const survey = surveyMask(volume.shape, Uint8Array.of(1, 1, 1, 1, 1, 1, 0, 0), 6)
    const facts = imageFacts(volume, x, survey)
    expect(facts).toMatchObject({ voxels: 8, nonFinite: 2, maskedVoxels: 6 })
    expect(facts.extentMm).toEqual([8, 4, 6])
    expect(facts.voxelMm).toEqual([4, 2, 3])
    expect(facts.maskMl).toBeCloseTo((6 * 24) / 1000, 12)
    expect(facts.percentiles.p50).toBe(2.5)
    expect(percentilesOf(x, surveyMask([2, 2, 2], new Uint8Array(8), 6)).p50).toBeNaN()
  })
})
