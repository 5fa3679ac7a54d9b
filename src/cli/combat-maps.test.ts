import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { attune } from '../../test/attune.ts'
import { rawNifti, temporaryFolder } from '../../test/fixtures/nifti.ts'
import { applyCombat } from '../combat/apply.ts'
import { fitCombat } from '../combat/fit.ts'
import { samplesOf } from '../combat/table.ts'
import type { Variant } from '../combat/variants.ts'
import { sha256 } from '../files.ts'
import { readNifti } from '../formats/nifti/read.ts'
import { readCells } from '../formats/tables/table.ts'
import { random } from '../kernels/random.ts'
import { applyMaps } from './combat-maps-apply.ts'
import { type FitMapsRequest, fitMaps } from './combat-maps-fit.ts'

const folder = await temporaryFolder()
const SHAPE = [5, 4, 3]
const VOXELS = 60
const DIM = [3, ...SHAPE, 1, 1, 1, 1]
const ROWS = 24
const QUIET = { say: () => {}, show: () => {} }
let studies = 0

interface Study {
  readonly folder: string
  readonly table: string
  readonly mask: string
  /** Voxel after voxel, as stored. */
  readonly values: Float64Array
  readonly names: readonly string[]
}

interface Making {
  readonly code?: 4 | 16 | 64
  readonly packed?: boolean
  readonly slope?: number
  /** Changes the value of a voxel of an image. */
  readonly change?: (value: number, voxel: number, row: number) => number
  readonly inside?: (voxel: number) => boolean
  readonly rows?: number
}

/** Three sites with effects on location and scale; voxels 0 to 9 are outside of the mask. */
async function study(making: Making = {}): Promise<Study> {
  const { code = 64, packed = false, slope = 1, change = (value) => value, rows = ROWS } = making
  const { inside = (voxel) => voxel >= 10 } = making
  const own = join(folder, `study-${studies++}`)
  await mkdir(join(own, 'maps'), { recursive: true })
  const { normal } = random(5, 'maps')
  const values = new Float64Array(VOXELS * rows)
  const lines = ['subject\tsite\tage\tfa']
  const names: string[] = []
  const effects = [0, 1, 2].map(() => Array.from({ length: VOXELS }, normal))
  for (let row = 0; row < rows; row++) {
    const age = 40 + Math.round(10 * normal())
    const samples = Array.from({ length: VOXELS }, (_, voxel) => {
      const drawn =
        100 + voxel + 0.3 * age + 4 * (effects[row % 3]?.[voxel] ?? 0) + (1 + (row % 3)) * 3 * normal()
      return change(code === 4 ? Math.round(drawn) : code === 16 ? Math.fround(drawn) : drawn, voxel, row)
    })
    samples.forEach((sample, voxel) => {
      values[voxel * rows + row] = sample * slope
    })
    const name = `maps/${row}.nii${packed ? '.gz' : ''}`
    const file = rawNifti({ dim: DIM, code, samples, slope })
    await writeFile(join(own, name), packed ? gzipSync(file) : file)
    names.push(name)
    lines.push([`s${row}`, `site-${row % 3}`, age, name].join('\t'))
  }
  await writeFile(join(own, 'scans.tsv'), `${lines.join('\n')}\n`)
  const mask = Array.from({ length: VOXELS }, (_, voxel) => (inside(voxel) ? 1 : 0))
  await writeFile(join(own, 'mask.nii'), rawNifti({ dim: DIM, code: 2, samples: mask }))
  return { folder: own, table: join(own, 'scans.tsv'), mask: join(own, 'mask.nii'), values, names }
}

type Changes = Partial<Omit<FitMapsRequest, 'options'>> & {
  readonly variant?: Variant
  readonly reference?: string
}

function fitted(found: Study, { variant = 'eb', reference, ...rest }: Changes = {}) {
  return fitMaps(
    {
      table: found.table,
      images: 'fa',
      imagesRoot: null,
      mask: found.mask,
      roles: { batch: 'site', covariates: ['age'], categorical: [], id: null, features: [] },
      options: {
        variant,
        reference: reference ?? null,
        compat: null,
        singleRow: 'mean-only',
        time: null,
        shrink: true,
        residual: null,
        share: null,
        smooth: null,
        components: null,
      },
      out: join(found.folder, 'model'),
      outputFolder: join(found.folder, 'out'),
      ...rest,
    },
    QUIET,
  )
}

/** Of a folder of images, as `values` of the study. */
async function valuesIn(place: string, names: readonly string[]): Promise<Float64Array> {
  const out = new Float64Array(VOXELS * names.length)
  for (const [row, name] of names.entries()) {
    const { data, scale } = (await readNifti(join(place, name))).volume
    data.forEach((value, voxel) => {
      out[voxel * names.length + row] = value * scale.slope + scale.intercept
    })
  }
  return out
}

/** The same numbers as a table of features: voxels of the mask. */
async function asTable(
  found: Study,
  variant: Variant,
  reference: string | null,
  from = 10,
): Promise<Float64Array> {
  const samples = samplesOf(await readCells(found.table), {
    batch: 'site',
    covariates: ['age'],
    categorical: [],
    id: null,
    features: [],
  })
  const rows = samples.batch.length
  const features = {
    names: Array.from({ length: VOXELS - from }, (_, k) => `v${k}`),
    rows,
    values: found.values.slice(from * rows),
  }
  const model = fitCombat(features, samples, {
    variant,
    reference,
    compat: null,
    singleRow: 'mean-only',
    software: '',
  })
  const out = found.values.slice()
  out.set(applyCombat(model, features, samples).values, from * rows)
  return out
}

function apart(found: Float64Array, expected: Float64Array): number {
  expect(found).toHaveLength(expected.length)
  return found.reduce((most, value, at) => {
    const other = expected[at] ?? Number.NaN
    if (Number.isNaN(value) || Number.isNaN(other))
      return Object.is(value, other) ? most : Number.POSITIVE_INFINITY
    return Math.max(most, Math.abs(value - other) / Math.abs(other))
  }, 0)
}

describe('as a table of the same numbers', () => {
  it.each<[Variant, string | null]>([
    ['eb', null],
    ['eb', 'site-1'],
    ['no-eb', null],
    ['mean-only', null],
    ['robust', null],
  ])('%s, reference %s', async (variant, reference) => {
    const found = await study()
    const { model, notes } = await fitted(found, { variant, ...(reference !== null && { reference }) })
    const after = await valuesIn(join(found.folder, 'out'), found.names)
    expect(apart(after, await asTable(found, variant, reference))).toBeLessThan(1e-12)
    expect(model).toMatchObject({ voxels: 50, harmonized: 50, rows: ROWS })
    expect(notes).toEqual([])
  })
  it('with missing voxels, one image of NaN at a site, and constant ones', async () => {
    const found = await study({
      change: (value, voxel, row) =>
        voxel === 20 && row % 5 === 0
          ? Number.NaN
          : voxel === 21
            ? 7
            : voxel === 22 && row % 3 === 1
              ? Number.NaN
              : value,
    })
    const { model, notes } = await fitted(found)
    const after = await valuesIn(join(found.folder, 'out'), found.names)
    expect(apart(after, await asTable(found, 'eb', null))).toBeLessThan(1e-12)
    expect(model.harmonized).toBe(49)
    expect(notes.map(({ text }) => text)).toEqual([
      'Passed through as measured: 1 voxel; each has the same value everywhere.',
      'No value at site site-1, where it can therefore not be harmonized: 1 voxel.',
    ])
  })
  it('float32, gzipped: to the digits of float32', async () => {
    const found = await study({ code: 16, packed: true })
    await fitted(found)
    const place = join(found.folder, 'out')
    expect((await readFile(join(place, 'maps/0.nii.gz'))).subarray(0, 2)).toEqual(Buffer.of(0x1f, 0x8b))
    const after = await valuesIn(place, found.names)
    expect(apart(after, (await asTable(found, 'eb', null)).map(Math.fround))).toBe(0)
  })
  it('int16 with a slope becomes float32, which is said', async () => {
    const found = await study({ code: 4, slope: 0.25 })
    const { notes } = await fitted(found)
    const image = await readNifti(join(found.folder, 'out', 'maps/3.nii'))
    expect(image.header).toMatchObject({ datatype: 'float32', slope: 1, intercept: 0 })
    expect(notes[0]?.text).toMatch(/24 images stored as int16: written as float32/)
    const after = await valuesIn(join(found.folder, 'out'), found.names)
    expect(apart(after, (await asTable(found, 'eb', null)).map(Math.fround))).toBe(0)
  })
})

it('outside of the mask nothing changes, and type and header stay', async () => {
  const found = await study({
    code: 16,
    change: (value, voxel) => (voxel === 3 ? Number.POSITIVE_INFINITY : value),
  })
  await fitted(found)
  const before = await readNifti(join(found.folder, 'maps/1.nii'))
  const after = await readNifti(join(found.folder, 'out', 'maps/1.nii'))
  expect(after.volume.data.slice(0, 10)).toEqual(before.volume.data.slice(0, 10))
  expect({ ...after.header, slope: before.header.slope }).toEqual(before.header)
})
it('apply gives the bytes of the fit, and needs none of its other images', async () => {
  const found = await study({ code: 16 })
  await fitted(found)
  const request = { model: join(found.folder, 'model'), images: 'fa', imagesRoot: null, id: null }
  const outputFolder = join(found.folder, 'again')
  const result = await applyMaps({ ...request, table: found.table, outputFolder }, QUIET)
  expect(result).toEqual({ images: ROWS, voxels: 50, notes: [] })
  for (const name of found.names)
    expect(sha256(await readFile(join(outputFolder, name)))).toBe(
      sha256(await readFile(join(found.folder, 'out', name))),
    )
  const [header = '', , second = ''] = (await readFile(found.table, 'utf8')).split('\n')
  await writeFile(
    join(found.folder, 'one.tsv'),
    `${header}\n${second.replace('maps/1', '1').replace('fa', 'fa')}\n`,
  )
  const alone = join(found.folder, 'alone')
  const one = {
    ...request,
    table: join(found.folder, 'one.tsv'),
    imagesRoot: join(found.folder, 'maps'),
    outputFolder: alone,
  }
  await applyMaps(one, QUIET)
  expect(sha256(await readFile(join(alone, '1.nii')))).toBe(
    sha256(await readFile(join(outputFolder, 'maps/1.nii'))),
  )
})
it('without --output-dir the model alone is written, the same one', async () => {
  const found = await study()
  const { model } = await fitted(found)
  const { model: alone } = await fitted(found, { outputFolder: null, out: join(found.folder, 'other') })
  expect(alone).toEqual(model)
  const location = await readNifti(join(found.folder, 'model', 'batch-2-location.nii'))
  expect(location.volume.data.slice(0, 10)).toEqual(new Float64Array(10))
  expect(location.volume.data.slice(10).every((value) => value !== 0 && Number.isFinite(value))).toBe(true)
})
it('one voxel needs no-eb', async () => {
  const found = await study({ inside: (voxel) => voxel === 30 })
  await expect(fitted(found)).rejects.toThrow(/one voxel to harmonize.*no-eb/s)
  expect((await fitted(found, { variant: 'no-eb' })).model.harmonized).toBe(1)
})

describe('refused, and nothing stays behind', () => {
  it.each<[string, Making, (found: Study) => Promise<unknown> | undefined, RegExp]>([
    ['an empty mask', { inside: () => false }, () => undefined, /mask\.nii: the mask selects no voxel/],
    [
      'an infinite voxel inside the mask',
      { change: (value, voxel, row) => (voxel === 37 && row === 4 ? Number.NEGATIVE_INFINITY : value) },
      () => undefined,
      /4\.nii: is infinite at voxel 2, 3, 1, inside the mask/,
    ],
    [
      'an image on another grid',
      {},
      ({ folder: own }) =>
        writeFile(
          join(own, 'maps/7.nii'),
          rawNifti({ dim: [3, 5, 4, 2, 1, 1, 1, 1], code: 16, samples: new Array(40).fill(1) }),
        ),
      /7\.nii: is 5 x 4 x 2, the mask 5 x 4 x 3/,
    ],
    [
      'damaged gzip data',
      { packed: true },
      async ({ folder: own }) => {
        const bytes = await readFile(join(own, 'maps/7.nii.gz'))
        await writeFile(join(own, 'maps/7.nii.gz'), bytes.subarray(0, bytes.length - 200))
      },
      /7\.nii\.gz: the gzip data is incomplete/,
    ],
    [
      'all voxels constant',
      { change: () => 5 },
      () => undefined,
      /no voxel of the mask can be harmonized: each of 50 voxels has the same value/,
    ],
  ])('%s', async (_, making, damage, message) => {
    const found = await study(making)
    await damage(found)
    await expect(fitted(found)).rejects.toThrow(message)
    expect(existsSync(join(found.folder, 'model'))).toBe(false)
    expect((await readdir(found.folder)).filter((name) => name.startsWith('.attune'))).toEqual([])
    const out = await readdir(join(found.folder, 'out')).catch(() => [])
    expect(out).toEqual([])
  })
  it.each<[string, string, RegExp]>([
    ['maps/1.nii', '../1.nii', /line 3 names an image outside/],
    ['maps/1.nii', '/etc/hosts', /line 3 names an image outside/],
    ['maps/1.nii', 'maps/0.nii', /lines 2 and 3 name the same image/],
    ['maps/1.nii', '', /line 3 names no image/],
    ['maps/1.nii', 'maps/none.nii', /none\.nii: does not exist/],
  ])('the path %s as %s', async (from, to, message) => {
    const found = await study()
    await writeFile(found.table, (await readFile(found.table, 'utf8')).replace(from, to))
    await expect(fitted(found)).rejects.toThrow(message)
  })
  it('outputs over inputs, a place that is taken, variants for tables', async () => {
    const found = await study()
    await expect(fitted(found, { outputFolder: found.folder })).rejects.toThrow(/would be overwritten/)
    await expect(fitted(found, { out: join(found.folder, 'maps') })).rejects.toThrow(/is no model of maps/)
    await expect(fitted(found, { variant: 'nonparametric' })).rejects.toThrow(/square/)
  })
  it('a model of which a map was changed, and a site that it does not know', async () => {
    const found = await study()
    await fitted(found, { outputFolder: null })
    const request = {
      model: join(found.folder, 'model'),
      table: found.table,
      images: 'fa',
      imagesRoot: null,
      id: null,
      outputFolder: join(found.folder, 'out'),
    }
    const map = join(found.folder, 'model', 'mean.nii')
    const bytes = await readFile(map)
    await writeFile(map, bytes.with(400, 1))
    await expect(applyMaps(request, QUIET)).rejects.toThrow(/mean\.nii: was changed/)
    await writeFile(map, bytes)
    await writeFile(found.table, (await readFile(found.table, 'utf8')).replaceAll('site-2', 'elsewhere'))
    await expect(applyMaps(request, QUIET)).rejects.toThrow(/"elsewhere" \(8 rows.*was not in the fit/)
  })
})

it('the commands: fit, apply, explain', async () => {
  const found = await study()
  const at = (name: string): string => join(found.folder, name)
  const words = ['--images', 'fa', '--output-dir', at('out')]
  const fit = await attune(
    'combat',
    'fit',
    found.table,
    '--batch',
    'site',
    '--mask',
    found.mask,
    '--out',
    at('m'),
    ...words,
  )
  expect(fit).toMatchObject({ code: 0 })
  expect(fit.stderr).toMatch(/^Needs up to 0\.000 GiB of disk/)
  expect(fit.stdout).toMatch(/50 of 50 voxels, 3 batches, 24 images/)
  const apply = await attune(
    'combat',
    'apply',
    at('m'),
    found.table,
    ...words.with(-1, at('again')),
    '--json',
  )
  expect(JSON.parse(apply.stdout)).toEqual({ outputDir: at('again'), images: 24, voxels: 50, notes: [] })
  const explain = await attune('combat', 'explain', at('m'))
  expect(explain.stdout).toMatch(/Each voxel of the mask was taken as a feature\. Effects of site/)
  const without = await attune('combat', 'fit', found.table, '--batch', 'site', '--out', at('m2'), ...words)
  expect(without.code).toBe(2)
  expect(without.stderr).toMatch(/--mask/)
})
