/** Universal harmonizers of several passes, on heads of few voxels: what a pass is trained on, and what the bundle does. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { readBundle } from '../src/harmonizer/bundle.ts'
import { loadHarmonizer } from '../src/harmonizer/harmonizer.ts'
import { throughCurves } from '../src/inference/curves.ts'
import { openLocalTone } from '../src/inference/local-tone.ts'
import { ANY_DOMAIN, CURVES_OF_PASS, type LocalToneModel } from '../src/inference/local-tone-model.ts'
import { openSession } from '../src/inference/session.ts'
import { LATTICE } from '../src/kernels/lattice.ts'
import { foregroundMask } from '../src/volume/mask.ts'
import { toFloat32, volumeOf } from '../src/volume/volume.ts'
import { temporaryFolder } from '../test/fixtures/nifti.ts'
import { head } from '../test/head.ts'
import { sampleLatticeImage } from '../test/local-tone-oracle.ts'
import { latticePair } from './parts/lattice-pairs.ts'
import { placeOf, readStored } from './parts/lattice-store.ts'
import { exportLocalTone } from './parts/onnx-local-tone.ts'
import {
  type DigitalScan,
  type Simulate,
  type Simulators,
  type TrainedUniversal,
  trainUniversal,
} from './universal.ts'
import { pretrain } from './universal-bundle.ts'
import type { UniversalRun } from './universal-run.ts'

const folder = await temporaryFolder()
const run: UniversalRun = {
  ...{ name: 'small', contrast: 'T1w', target: 'canonical', about: '', seed: 1, anatomies: ['formula'] },
  ...{ heads: 1, scansPerHead: 2, passes: 2 },
  network: {
    ...{ steps: 3, batch: 1, learningRate: 0.01, bins: 4, slopeRatio: 4, changePerMm: 0.06, shading: 0.1 },
    ...{ shiftMm: 4, mirror: 0.5, gain: 0, composition: 0, gradient: 1, smoothness: 0 },
  },
}

/** A head of which every scan has a slope from left to right of its own. */
function scanAt(index: number): DigitalScan {
  const image = head({ noise: 0, voxel: 6 })
  const [nx] = image.shape
  const target = toFloat32(image).map((value) => 1.2 * value)
  const shaded = toFloat32(image).map((value, i) => value * (1 + (0.1 * (1 + index) * (i % nx)) / nx))
  return { image: volumeOf(image, shaded), expected: shaded, target }
}

function bothOf(scanAtIndex: Simulate): Simulators {
  return { scans: scanAtIndex, toneScans: scanAtIndex }
}

describe('two passes', () => {
  const store = join(folder, 'scans')
  const asked: number[] = []
  const seen: string[] = []
  let trained: TrainedUniversal
  beforeAll(async () => {
    trained = await trainUniversal(
      run,
      bothOf(async (index) => {
        asked.push(index)
        return scanAt(index)
      }),
      { key: 'k', store, engine: 'wasm' },
      { onPass: (pass, passes) => seen.push(`${pass} of ${passes}`) },
    )
  })

  it('have scans of their own, and say which they are', async () => {
    expect(asked).toEqual([0, 1, 2, 3])
    expect(seen).toEqual(['1 of 2', '2 of 2'])
    expect(trained.passes).toHaveLength(2)
    expect((await readdir(store)).sort()).toEqual(['pass-2', 'scan-00000.lattice', 'scan-00001.lattice'])
  })

  it('the second is trained on what the first leaves, its mean without noise alike', async () => {
    const [first] = trained.passes
    const network = await openLocalTone(first.model, exportLocalTone(first.model, first.weights).curves, {
      threads: 1,
    })
    const { image, target } = scanAt(2)
    const mask = foregroundMask(image)
    const left = volumeOf(
      image,
      throughCurves(first.model, image, await network.curvesFor(image, mask, ANY_DOMAIN)),
    )
    await network.close()
    const expected = latticePair({ source: left, mask, target: volumeOf(image, target), counts: [mask] })
    const place = placeOf(join(store, 'pass-2'), 0)
    const [line = ''] = (await readFile(place, 'latin1')).split('\n', 1)
    const stored = await readStored(place, JSON.parse(line).key)
    expect(stored?.scale).toBeCloseTo(expected.scale, 3)
    const worst = stored?.image.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - expected.image[i]!)),
      0,
    )
    // steps of the store
    expect(worst).toBeLessThan(expected.scale / 3000)
    expect(stored?.expected).toEqual(stored?.image)
    expect(
      Math.abs(expected.scale - latticePair({ source: image, mask, target: image, counts: [mask] }).scale),
    ).toBeGreaterThan(1)
  })
})

describe('a bundle of two passes and one for the tone', () => {
  const withTone: UniversalRun = {
    ...run,
    tone: {
      ...{ seed: 2, heads: 2, scansPerHead: 1, steps: 4, batch: 2, learningRate: 0.01, hidden: 3 },
      ...{ noise: 0.5, slopeRatio: 4 },
    },
  }
  const out = join(folder, 'small.harmonizer')
  const simulate = bothOf(async (index) => scanAt(index))
  const place = {
    store: join(folder, 'bundle-scans'),
    engine: 'wasm',
    overwrite: false,
    resume: false,
  } as const
  beforeAll(async () => {
    await pretrain({ run: withTone, simulate, out, ...place })
  })

  it('holds the graphs of all, and leaves nothing else behind', async () => {
    const names = [
      'card.md',
      'curves-2.onnx',
      'curves-3.onnx',
      'curves.onnx',
      'evidence.json',
      'manifest.json',
      'network.onnx',
    ]
    expect((await readdir(out)).sort()).toEqual(names)
    expect((await readdir(folder)).filter((name) => name.includes('checkpoint'))).toEqual([])
  })

  it('applies them in turn, and none for nothing', async () => {
    const { image } = scanAt(3)
    const mask = foregroundMask(image)
    const { manifest, files } = await readBundle(out)
    expect(manifest.steps).toHaveLength(3)
    let between = image
    for (const [k, model] of manifest.steps.entries()) {
      const graph = files[CURVES_OF_PASS[k] as string] as Uint8Array
      const pass = await openLocalTone(model as LocalToneModel, graph, { threads: 1 })
      const after = await pass.apply(between, mask, ANY_DOMAIN)
      expect(after).not.toEqual(toFloat32(between))
      between = volumeOf(image, after)
      await pass.close()
    }
    const harmonizer = await loadHarmonizer(out)
    const { volume } = await harmonizer.apply(image, { mask, force: true })
    expect(toFloat32(volume)).toEqual(between.data)
    await harmonizer.close()
  })

  it('the last has one curve for all places, trained on scans of its own as those before leave them', async () => {
    const { manifest, files } = await readBundle(out)
    const { image, mask } = sampleLatticeImage(3)
    const session = await openSession(files['curves-3.onnx'] as Uint8Array, { threads: 1, name: 'tone' })
    const dims = [1, 1, ...LATTICE.shape]
    const { curves, unlikeness } = await session.run({
      image: { data: image, dims },
      mask: { data: mask, dims },
      domain: { data: BigInt64Array.of(0n), dims: [] },
    })
    await session.close()
    expect(unlikeness![0]).toBeGreaterThan(0)
    for (const limits of Object.values(manifest.guards)) expect(limits.unlikeness).toBeGreaterThan(0)
    const knots = (manifest.steps[2] as LocalToneModel).knots.length
    for (const [i, value] of curves!.entries()) expect(value).toBe(curves![i % knots])
    expect((await readdir(join(place.store, 'pass-3'))).sort()).toEqual([
      'scan-00000.json',
      'scan-00001.json',
    ])
  })

  it('was the same where it was interrupted and resumed', async () => {
    const again = join(folder, 'again.harmonizer')
    let left = 5
    const dying = bothOf(async (index) => {
      if (left-- === 0) throw new Error('the machine went away')
      return scanAt(index)
    })
    await expect(
      pretrain({ run: withTone, simulate: dying, out: again, ...place, store: join(folder, 'again') }),
    ).rejects.toThrow(/went away/)
    await pretrain({
      run: withTone,
      simulate,
      out: again,
      ...place,
      store: join(folder, 'again'),
      resume: true,
    })
    const [one, other] = [await readBundle(out), await readBundle(again)]
    expect(other.manifest.files['network.onnx']).toBe(one.manifest.files['network.onnx'])
  })
})
