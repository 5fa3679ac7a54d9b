import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { head } from '../../test/head.ts'
import { readNifti } from '../formats/nifti/read.ts'
import { writeNifti } from '../formats/nifti/write.ts'
import { toFloat32, volumeOf } from '../volume/volume.ts'
import { applyCohort } from './apply-cohort.ts'
import { applyFile, type FileRequest, recordPath } from './apply-file.ts'
import { harmonizerOf, loadHarmonizer } from './harmonizer.ts'

let folder: string
let input: string
const volume = head()
const stored = volumeOf(volume, Int16Array.from(toFloat32(volume)))
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attune-apply-'))
  input = join(folder, 'in.nii.gz')
  await writeNifti(input, stored, { dtype: 'same', description: 'MPRAGE at 3 T' })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const tone = harmonizerOf({
  identity: { name: 'to-b', method: 'tone', rung: 2, sha256: 'ab'.repeat(32), target: 'b' },
  sources: ['a'],
  model: { kind: 'tone', referenceScale: 500, knots: [0, 1, 2], tones: { a: [0, 1, 1.5] } },
  guards: {},
})
const base = {
  dtype: 'float32',
  gzipLevel: 1,
  force: false,
  dryRun: false,
  overwrite: false,
  version: '0.1.0',
} as const
const request = (name: string, change: Partial<FileRequest> = {}): FileRequest => ({
  ...base,
  input,
  output: join(folder, name),
  domain: 'a',
  ...change,
})

describe('one file', () => {
  it('keeps grid, header and blanked voxels, and says in its description what was done', async () => {
    const record = await applyFile(tone, request('out.nii.gz'))
    const [before, after] = [
      await readNifti(input),
      await readNifti(record.output.name && join(folder, 'out.nii.gz')),
    ]
    expect(after.volume.affine).toEqual(before.volume.affine)
    expect(after.header.sform).toEqual(before.header.sform)
    expect(after.header.datatype).toBe('float32')
    expect(after.header.description).toBe('MPRAGE at 3 T; attune tone abababababab')
    const [x, out] = [toFloat32(before.volume), toFloat32(after.volume)]
    expect(out.every((v, i) => (x[i] === 0 ? v === 0 : v > 0))).toBe(true)
  })

  it('lies beside a record with the hashes of both', async () => {
    const record = await applyFile(tone, request('recorded.nii.gz'))
    const text = await readFile(join(folder, 'recorded.json'), 'utf8')
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(record)))
    expect(record.input.sha256).toBe((await readNifti(input)).sha256)
    expect(record.output.sha256).toBe((await readNifti(join(folder, 'recorded.nii.gz'))).sha256)
    expect(text).not.toContain(folder)
  })

  it('keeps the stored type when asked, and counts what does not fit', async () => {
    const record = await applyFile(tone, request('same.nii', { dtype: 'same' }))
    expect((await readNifti(join(folder, 'same.nii'))).header.datatype).toBe('int16')
    expect(record.output).toMatchObject({ datatype: 'int16', clipped: 0, rounded: true })
  })

  it('is not harmonized twice', async () => {
    await applyFile(tone, request('once.nii.gz'))
    const again = request('twice.nii.gz', { input: join(folder, 'once.nii.gz') })
    await expect(applyFile(tone, again)).rejects.toThrow(/harmonized before/)
    expect((await applyFile(tone, { ...again, force: true })).forced).toBe(true)
  })

  it('is written only where nothing is, unless asked, and never over its input', async () => {
    await applyFile(tone, request('there.nii.gz'))
    await expect(applyFile(tone, request('there.nii.gz'))).rejects.toThrow(/exists.*--overwrite/s)
    await applyFile(tone, request('there.nii.gz', { overwrite: true }))
    await expect(applyFile(tone, request('in.nii.gz', { overwrite: true }))).rejects.toThrow(/input itself/)
    await expect(applyFile(tone, request('x.img'))).rejects.toThrow(/not a NIfTI name/)
  })

  it('is not written after a refusal or in a dry run', async () => {
    const before = await readdir(folder)
    await expect(applyFile(tone, request('no.nii.gz', { domain: undefined }))).rejects.toThrow(/not named/)
    const record = await applyFile(tone, request('no.nii.gz', { dryRun: true }))
    expect(record.after.percentiles.p50).toBeCloseTo(500, -1)
    expect(record.output.sha256).toBeUndefined()
    expect(await readdir(folder)).toEqual(before)
  })

  it('takes a mask on the same grid', async () => {
    const mask = Uint8Array.from(toFloat32(volume), (v) => (v > 400 ? 1 : 0))
    await writeNifti(join(folder, 'mask.nii.gz'), volumeOf(volume, mask), { dtype: 'same' })
    const { record, out } = await applyFile(
      await loadHarmonizer('zscore'),
      request('masked.nii.gz', { mask: join(folder, 'mask.nii.gz'), domain: undefined }),
    ).then(async (done) => ({
      record: done,
      out: toFloat32((await readNifti(join(folder, 'masked.nii.gz'))).volume),
    }))
    expect(record.mask).toEqual({ source: 'given', voxels: mask.reduce((a, b) => a + b, 0) })
    const inside = out.filter((_, i) => mask[i] === 1)
    expect(inside.reduce((a, b) => a + b, 0) / inside.length).toBeCloseTo(0, 4)
  })

  it('has its record under the same stem', () => {
    expect(recordPath('d/sub-1_T1w.nii.gz')).toBe('d/sub-1_T1w.json')
    expect(recordPath('d/sub-1_T1w.nii')).toBe('d/sub-1_T1w.json')
  })
})

describe('a cohort', () => {
  const cohort = async (name: string): Promise<string> => {
    const home = join(folder, name)
    await mkdir(join(home, 'sub-1'), { recursive: true })
    for (const [file, seed] of [
      ['sub-1/a.nii.gz', 1],
      ['sub-1/b.nii.gz', 2],
    ] as const)
      await writeNifti(join(home, file), head({ seed }))
    await writeFile(join(home, 'sub-1/broken.nii.gz'), '<!doctype html>')
    const rows = [
      ['subject', 'domain', 'session', 'image', 'age'],
      ['1', 'a', '1', 'sub-1/a.nii.gz', '40'],
      ['1', 'b', '1', 'sub-1/b.nii.gz', '40'],
      ['1', 'a', '2', 'sub-1/broken.nii.gz', '40'],
      ['1', 'unknown', '1', '../in.nii.gz', '40'],
    ]
    await writeFile(join(home, 'cohort.tsv'), `${rows.map((row) => row.join('\t')).join('\n')}\n`)
    return home
  }

  it('may hold .hdr/.img pairs, which become single files and are made again when their samples change', async () => {
    const home = join(folder, 'pairs')
    const single = join(home, 'single.nii')
    const putPair = async (seed: number): Promise<void> => {
      await writeNifti(single, head({ seed }), { dtype: 'same' })
      const bytes = await readFile(single)
      const header = Buffer.from(bytes.subarray(0, 352))
      header.writeFloatLE(0, 108)
      header.write('ni1\0', 344, 'latin1')
      await writeFile(join(home, 'a.hdr'), header)
      await writeFile(join(home, 'a.img'), bytes.subarray(352))
    }
    await mkdir(home)
    await putPair(1)
    await writeFile(join(home, 'cohort.tsv'), 'subject\tdomain\timage\n1\ta\ta.img\n')
    const out = join(folder, 'pairs-out')
    const outcome = async (overwrite = false): Promise<unknown> =>
      (await applyCohort(tone, join(home, 'cohort.tsv'), out, { ...base, overwrite })).results[0]
    expect(await outcome()).toMatchObject({ outcome: 'harmonized', output: join(out, 'a.nii') })
    expect(await outcome()).toMatchObject({ outcome: 'up-to-date' })
    await putPair(2)
    expect(await outcome()).toMatchObject({ outcome: 'failed', error: { code: 'E_CONFIG' } })
    expect(await outcome(true)).toMatchObject({ outcome: 'harmonized' })
  })

  it('goes on past bad scans, keeps paths, lists what succeeded, and continues where it was', async () => {
    const home = await cohort('study')
    const out = join(folder, 'study-out')
    const run = () => applyCohort(tone, join(home, 'cohort.tsv'), out, base)
    const first = await run()
    expect(first.results.map(({ outcome }) => outcome)).toEqual([
      'harmonized',
      'passed-through',
      'failed',
      'failed',
    ])
    expect(first.results.map(({ error }) => error?.code)).toEqual([
      undefined,
      undefined,
      'E_INPUT',
      'E_REFUSED',
    ])
    expect((await readdir(join(out, 'sub-1'))).sort()).toEqual(['a.json', 'a.nii.gz', 'b.json', 'b.nii.gz'])
    const manifest = await readFile(join(out, 'harmonized.tsv'), 'utf8')
    expect(manifest.trim().split('\n')).toHaveLength(3)
    expect(manifest).toContain('1\ta\t1\tsub-1/a.nii.gz\tn/a\tn/a\tn/a\tb\t40')

    const made = join(out, 'sub-1', 'a.nii.gz')
    await utimes(made, 1, 1)
    const second = await run()
    expect(second.results.slice(0, 2).map(({ outcome }) => outcome)).toEqual(['up-to-date', 'up-to-date'])
    expect((await stat(made)).mtimeMs).toBe(1000)
    await writeFile(made, 'damaged')
    expect((await run()).results[0]).toMatchObject({ outcome: 'failed', error: { code: 'E_CONFIG' } })
    await writeFile(join(out, 'sub-1', 'b.json'), 'not a record')
    expect((await run()).results[1]).toMatchObject({ outcome: 'failed', error: { code: 'E_CONFIG' } })
    const third = await applyCohort(tone, join(home, 'cohort.tsv'), out, { ...base, overwrite: true })
    expect(third.results[0]).toMatchObject({ outcome: 'harmonized' })
  })

  it('is never written over itself, and not at all when its manifest is wrong', async () => {
    const home = await cohort('wrong')
    await expect(applyCohort(tone, join(home, 'cohort.tsv'), home, base)).rejects.toThrow(/holds the inputs/)
    const twice = 'subject\tdomain\timage\n1\ta\tsub-1/a.nii.gz\n1\ta\tsub-1/a.nii.gz\n'
    await writeFile(join(home, 'twice.tsv'), twice)
    const out = join(folder, 'wrong-out')
    await expect(applyCohort(tone, join(home, 'twice.tsv'), out, base)).rejects.toThrow(/in row 1 already/)
    await expect(readdir(out)).rejects.toThrow()
  })
})
