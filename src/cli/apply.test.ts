/** `attune train` and `attune apply` as their users meet them: words in, files, streams and exit status out. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attune } from '../../test/attune.ts'
import { head } from '../../test/head.ts'
import { readNifti } from '../formats/nifti/read.ts'
import { writeNifti } from '../formats/nifti/write.ts'
import { toFloat32 } from '../volume/volume.ts'

let folder: string
const at = (name: string): string => join(folder, name)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attune-cli-'))
  const rows = ['subject\tdomain\timage']
  for (const person of [1, 2])
    for (const [domain, gain] of [
      ['a', 1],
      ['b', 3],
    ] as const) {
      const tissues = [120 * gain, 300 * gain, 450 * gain] as const
      await writeNifti(at(`${person}${domain}.nii.gz`), head({ seed: person + 10 * gain, person, tissues }))
      rows.push(`s${person}\t${domain}\t${person}${domain}.nii.gz`)
    }
  await writeFile(at('cohort.tsv'), `${rows.join('\n')}\n`)
  await writeFile(at('page.nii.gz'), '<!doctype html><title>not found</title>')
  const trained = await attune(
    'train',
    at('cohort.tsv'),
    '--target',
    'b',
    '--method',
    'tone',
    '--out',
    at('b.harmonizer'),
  )
  expect(trained).toMatchObject({ code: 0, stderr: '' })
  expect(trained.stdout).toMatch(/b\.harmonizer: `tone` from a to b; 2 subjects, 2 pairs/)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it('normalizes with a method that needs no training', async () => {
  const { code, stdout } = await attune('apply', 'zscore', at('1a.nii.gz'), at('z.nii.gz'))
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('zscore (rung 1)') })
  expect(await readdir(folder)).toContain('z.json')
})

it('brings an image to the reference and reports as data', async () => {
  const words = ['apply', at('b.harmonizer'), at('1a.nii.gz'), at('out.nii.gz'), '--source', 'a', '--json']
  const { code, stdout, stderr } = await attune(...words)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const record = JSON.parse(stdout)
  expect(record).toMatchObject({ outcome: 'harmonized', harmonizer: { method: 'tone', target: 'b' } })
  expect(record.after.percentiles.p50 / record.before.percentiles.p50).toBeCloseTo(3, 1)
  const x = toFloat32((await readNifti(at('1a.nii.gz'))).volume)
  const out = toFloat32((await readNifti(at('out.nii.gz'))).volume)
  expect(out.every((v, i) => x[i] !== 0 || v === 0)).toBe(true)
})

it('takes one volume of a 4D image, and asks which', async () => {
  const parts = await Promise.all(
    ['1a', '1b'].map(async (name) => {
      await writeNifti(at(`${name}.nii`), (await readNifti(at(`${name}.nii.gz`))).volume)
      return readFile(at(`${name}.nii`))
    }),
  )
  const four = Buffer.concat([parts[0]!, parts[1]!.subarray(352)])
  four.writeInt16LE(4, 40)
  four.writeInt16LE(2, 48)
  await writeFile(at('four.nii'), four)
  const words = ['apply', 'zscore', at('four.nii'), at('one.nii')]
  const asked = await attune(...words)
  expect(asked).toMatchObject({ code: 4, stderr: expect.stringMatching(/2 volumes.*--volume/s) })
  expect(await attune(...words, '--volume', '2')).toMatchObject({ code: 2 })
  const { code, stdout } = await attune(...words, '--volume', '1', '--json')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ settings: { volume: 1 } })
  await attune('apply', 'zscore', at('1b.nii'), at('same.nii'))
  expect((await readNifti(at('one.nii'))).volume.data).toEqual((await readNifti(at('same.nii'))).volume.data)
})

it('harmonizes a cohort, reports each bad scan, and ends with the worst exit status', async () => {
  await writeFile(
    at('mixed.tsv'),
    'subject\tdomain\timage\ns1\ta\t1a.nii.gz\ns1\tx\t2a.nii.gz\ns2\ta\tpage.nii.gz\n',
  )
  const { code, stdout, stderr } = await attune('apply', at('b.harmonizer'), at('mixed.tsv'), at('mixed'))
  expect(code).toBe(4)
  expect(stdout).toMatch(/1 harmonized, .* 2 failed/)
  expect(stderr).toMatch(/s1 x 1: .*not been trained on domain "x"/)
  expect(stderr).toMatch(/s2 a 1: .*page\.nii\.gz/)
  expect((await readdir(at('mixed'))).sort()).toEqual(['1a.json', '1a.nii.gz', 'harmonized.tsv'])
})

describe('refusals leave no output', () => {
  it.each<[number, string, (at: (name: string) => string) => string[], RegExp]>([
    [3, 'a domain not named', (p) => [p('b.harmonizer'), p('1a.nii.gz')], /--source: "a", "b"/],
    [3, 'an unknown domain', (p) => [p('b.harmonizer'), p('1a.nii.gz'), '--source', 'q'], /domain "q"/],
    [4, 'a page instead of an image', (p) => ['zscore', p('page.nii.gz')], /page\.nii\.gz/],
    [
      4,
      'a bundle that is not there',
      (p) => [p('no.harmonizer'), p('1a.nii.gz')],
      /manifest\.json cannot be read/,
    ],
    [2, 'a method that needs training', (p) => ['tone', p('1a.nii.gz')], /attune train COHORT/],
    [
      2,
      'one person as reference',
      (p) => ['histogram', p('1a.nii.gz'), '--reference', p('1b.nii.gz')],
      /--single-reference/,
    ],
    [2, 'a gzip level that is none', (p) => ['zscore', p('1a.nii.gz'), '--gzip-level', '11'], /from 1 to 9/],
    [2, 'a volume that has no number', (p) => ['zscore', p('1a.nii.gz'), '--volume', 'last'], /--volume NaN/],
    [
      2,
      'one volume of a cohort',
      (p) => [p('b.harmonizer'), p('cohort.tsv'), '--volume', '0'],
      /images of one volume/,
    ],
    [2, 'an unknown option', (p) => ['zscore', p('1a.nii.gz'), '--sauce', 'a'], /sauce/],
  ])('%i: %s', async (status, _, words, message) => {
    const before = await readdir(folder)
    const [harmonizer, input, ...options] = words(at) as [string, string, ...string[]]
    const { code, stdout, stderr } = await attune('apply', harmonizer, input, at('none.nii.gz'), ...options)
    expect({ code, stdout }).toEqual({ code: status, stdout: '' })
    expect(stderr).toMatch(message)
    expect(await readdir(folder)).toEqual(before)
  })

  it('unless --force: then the doubt stands on standard error and in the record', async () => {
    const words = [at('b.harmonizer'), at('out.nii.gz'), at('again.nii.gz'), '--source', 'a', '--force']
    const { code, stderr } = await attune('apply', ...words)
    expect(code).toBe(0)
    expect(stderr).toMatch(/overruled by --force: The image was harmonized before/)
  })
})

it('train refuses wrong settings by name, before any image is read', async () => {
  await writeFile(at('settings.yaml'), 'stepz: 3\n')
  const words = [
    at('cohort.tsv'),
    '--target',
    'b',
    '--out',
    at('n.harmonizer'),
    '--config',
    at('settings.yaml'),
  ]
  const { code, stderr } = await attune('train', ...words)
  expect(code).toBe(2)
  expect(stderr).toMatch(/stepz: 3.*steps \(/s)
  expect(await readdir(folder)).not.toContain('n.harmonizer')
})
