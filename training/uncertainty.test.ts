import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { readNifti } from '../src/formats/nifti/read.ts'
import { applyCohort } from '../src/harmonizer/apply-cohort.ts'
import { applyFile, type FileRequest, isUpToDate } from '../src/harmonizer/apply-file.ts'
import { readBundle } from '../src/harmonizer/bundle.ts'
import { loadHarmonizer } from '../src/harmonizer/harmonizer.ts'
import { rungOf } from '../src/harmonizer/ladder.ts'
import { toFloat32 } from '../src/volume/volume.ts'
import { temporaryFolder } from '../test/fixtures/nifti.ts'
import { gainCohort, scanWithGain } from '../test/gain-cohort.ts'
import { copyWithoutNames } from './nameless-bundle.ts'
import { type TrainOptions, train } from './train.ts'

const folder = await temporaryFolder()

const cohortOf = (name: string, people: readonly number[]) => gainCohort(join(folder, name), people)

const options = (cohort: string, change: Partial<TrainOptions> = {}): TrainOptions => ({
  ...{ cohort, target: 't', method: 'tone', uncertainty: true },
  out: cohort.replace('cohort.tsv', 't.harmonizer'),
  ...change,
})
let six = ''
let bundle = ''
beforeAll(async () => {
  six = await cohortOf('six', [1, 2, 3, 4, 5, 6])
  bundle = (await train(options(six))).path
}, 60_000)

describe('a bundle that was trained with --uncertainty', () => {
  it('holds a model of every fold, and what it was calibrated on', async () => {
    const { manifest } = await readBundle(bundle)
    expect(manifest.uncertainty).toMatchObject({ level: 0.9, people: 6, domains: ['a'] })
    // six people make five folds
    expect(manifest.uncertainty!.models.map(({ kind }) => kind)).toEqual(Array(5).fill('tone'))
    const curves = manifest.uncertainty!.models.map((model) => JSON.stringify(model))
    expect(new Set(curves).size).toBe(5)
  })

  it('says the same when it is trained again', async () => {
    const { manifest } = await train(options(six, { out: join(folder, 'again.harmonizer') }))
    expect(manifest.uncertainty).toEqual((await readBundle(bundle)).manifest.uncertainty)
  })

  it('says in its card how sure the maps are', async () => {
    expect(await readFile(join(bundle, 'card.md'), 'utf8')).toMatch(
      /## Uncertainty map.*6 people .*left out/s,
    )
  })

  it('makes intervals that hold about 90 % of what ten unseen people show', async () => {
    const harmonizer = await loadHarmonizer(bundle)
    const shares: number[] = []
    for (let person = 21; person <= 30; person++) {
      const { volume, uncertainty, mask } = await harmonizer.apply(scanWithGain(person, 'a'), {
        domain: 'a',
        uncertainty: true,
      })
      const [out, half] = [toFloat32(volume), toFloat32(uncertainty!.map)]
      const y = toFloat32(scanWithGain(person, 't'))
      let [n, covered] = [0, 0]
      for (let i = 0; i < y.length; i++) {
        if (mask[i] === 0 || y[i] === 0) continue
        n++
        if (Math.abs(y[i]! - out[i]!) <= half[i]!) covered++
      }
      shares.push(covered / n)
    }
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
    const sd = Math.sqrt(shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / 9)
    // six people calibrate, ten test: the SD of their difference is that of one person times sqrt(1/6 + 1/10)
    expect(Math.abs(mean - 0.9)).toBeLessThan(3 * sd * Math.sqrt(1 / 6 + 1 / 10))
    expect(sd).toBeLessThan(0.15)
  })

  it('keeps its map when names are taken out', async () => {
    const copy = join(folder, 'nameless.harmonizer')
    await copyWithoutNames(bundle, copy)
    expect((await loadHarmonizer(copy)).calibration).toMatchObject({ people: 6, calibrated: true })
    expect(await readFile(join(copy, 'manifest.json'), 'utf8')).not.toMatch(/"s1"/)
  })
})

describe('a map as a file', () => {
  const request = (name: string, change: Partial<FileRequest> = {}): FileRequest => ({
    ...{ input: join(folder, 'six/1a.nii'), output: join(folder, name), domain: 'a' },
    ...{ dtype: 'float32', gzipLevel: 1, force: false, dryRun: false, overwrite: false, version: '0' },
    ...change,
  })

  it('lies on the grid of the image, and the record says how sure it is', async () => {
    const map = join(folder, 'half-width.nii.gz')
    const harmonizer = await loadHarmonizer(bundle)
    const asked = request('out.nii.gz', { uncertainty: map })
    const record = await applyFile(harmonizer, asked)
    const { volume, header, sha256 } = await readNifti(map)
    expect(volume.shape).toEqual((await readNifti(asked.input)).volume.shape)
    expect(header.description).toBe('attune half width, 90 %, calibrated on 6 people')
    expect(record.uncertainty).toMatchObject({
      name: 'half-width.nii.gz',
      people: 6,
      calibrated: true,
      sha256,
    })
    const known = toFloat32(volume).filter((value) => !Number.isNaN(value))
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length
    expect(record.uncertainty!.meanHalfWidth / mean).toBeCloseTo(1, 4)
    expect(await isUpToDate(harmonizer, asked)).toBe(true)
    await writeFile(map, 'damaged')
    expect(await isUpToDate(harmonizer, asked)).toBe(false)
    expect(await isUpToDate(harmonizer, { ...asked, uncertainty: undefined })).toBe(true)
  })

  it('leaves the image as it is without it, byte for byte', async () => {
    const harmonizer = await loadHarmonizer(bundle)
    await applyFile(harmonizer, request('alone.nii.gz'))
    await applyFile(harmonizer, request('beside.nii.gz', { uncertainty: join(folder, 'beside-map.nii.gz') }))
    expect(await readFile(join(folder, 'beside.nii.gz'))).toEqual(
      await readFile(join(folder, 'alone.nii.gz')),
    )
  })

  it.each([
    ['the output itself', 'x.nii', 'x.nii', /output itself/],
    ['no NIfTI name', 'y.nii', 'y.txt', /not a NIfTI name/],
    ['the input', 'z.nii', 'six/1a.nii', /input itself/],
  ])('is not %s', async (_, output, map, message) => {
    const asked = applyFile(
      await loadHarmonizer(bundle),
      request(output, { uncertainty: join(folder, map), overwrite: true }),
    )
    await expect(asked).rejects.toThrow(message)
  })

  it('lies beside every image of a cohort but those of the target', async () => {
    const harmonizer = await loadHarmonizer(bundle)
    const shared = { dtype: 'float32', gzipLevel: 1, force: true, dryRun: false, version: '0' } as const
    const to = join(folder, 'harmonized')
    const run = () => applyCohort(harmonizer, six, to, { ...shared, overwrite: false, uncertainty: true })
    const { results } = await run()
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['harmonized', 'passed-through']))
    expect(existsSync(join(to, '1a_uncertainty.nii'))).toBe(true)
    expect(existsSync(join(to, '1t_uncertainty.nii'))).toBe(false)
    expect(new Set((await run()).results.map(({ outcome }) => outcome))).toEqual(new Set(['up-to-date']))
  })
})

describe('few people', () => {
  it('make a map that says it is uncalibrated', async () => {
    const { path } = await train(options(await cohortOf('three', [1, 2, 3])))
    const harmonizer = await loadHarmonizer(path)
    const { uncertainty } = await harmonizer.apply(scanWithGain(9, 'a'), { domain: 'a', uncertainty: true })
    expect(uncertainty).toMatchObject({ people: 3, calibrated: false })
    expect(uncertainty!.meanHalfWidth).toBeGreaterThan(0)
  })

  it('are refused for images in a unit, before any scan is read', async () => {
    const out = join(folder, 'unit.harmonizer')
    await expect(train(options(six, { method: 'band-unet', out }))).rejects.toMatchObject({
      exitCode: 3,
      what: expect.stringMatching(/`band-unet` makes no uncertainty maps/),
    })
  })

  it('are refused before anything is trained where nobody can be left out, but not by auto', async () => {
    const cohort = await cohortOf('one', [1])
    await expect(train(options(cohort))).rejects.toThrow(/nobody can be left out.*Add traveling/s)
    const { manifest } = await train({
      ...options(cohort),
      method: 'auto',
      uncertainty: undefined,
      maxRung: 1,
    })
    expect(manifest.uncertainty).toBeUndefined()
  })
})

it('keeps the networks of its folds, hashed, and applies them', async () => {
  const cohort = await cohortOf('network', [1, 2])
  const { path } = await train(
    options(cohort, { method: 'local-tone', config: { steps: 2, batch: 1, bins: 3 } }),
  )
  const { manifest } = await readBundle(path)
  expect(Object.keys(manifest.files)).toEqual([
    ...['card.md', 'curves.onnx', 'evidence.json', 'folds/1-curves.onnx', 'folds/2-curves.onnx'],
    'network.onnx',
  ])
  expect(manifest.files['folds/1-curves.onnx']).not.toBe(manifest.files['folds/2-curves.onnx'])
  const harmonizer = await loadHarmonizer(path)
  expect(harmonizer.identity.rung).toBe(rungOf('local-tone'))
  const { uncertainty } = await harmonizer.apply(scanWithGain(9, 'a'), { domain: 'a', uncertainty: true })
  expect(uncertainty!.meanHalfWidth).toBeGreaterThan(0)
  await harmonizer.close()
  const graph = join(path, 'folds/2-curves.onnx')
  await writeFile(graph, 'changed')
  await expect(loadHarmonizer(path)).rejects.toThrow(/2-curves\.onnx was changed/)
}, 120_000)
