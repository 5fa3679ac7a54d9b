/** Preparation from training to record: images in, refusals and records out. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { head } from '../../test/head.ts'
import { train } from '../../training/train.ts'
import { parsePrepared } from '../domain/preparation.ts'
import { readNifti } from '../formats/nifti/read.ts'
import { writeNifti } from '../formats/nifti/write.ts'
import { toFloat32, type Volume, volumeOf } from '../volume/volume.ts'
import { applyFile, type FileRequest } from './apply-file.ts'
import { readBundle } from './bundle.ts'
import { type Harmonizer, loadHarmonizer } from './harmonizer.ts'

let folder: string
let harmonizer: Harmonizer
const at = (name: string): string => join(folder, name)
const person = (p: number, domain: 'a' | 'b'): Volume => {
  const gain = domain === 'a' ? 1 : 4
  return head({
    seed: p + 100 * gain,
    person: p,
    tissues: [120 * gain, 300 * gain, 450 * gain],
    noise: 8 * gain,
  })
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attune-preparation-'))
  const rows = ['subject\tdomain\timage\tprepared']
  for (const p of [1, 2, 3])
    for (const domain of ['a', 'b'] as const) {
      await writeNifti(at(`${p}${domain}_T1w.nii`), person(p, domain))
      rows.push(`s${p}\t${domain}\t${p}${domain}_T1w.nii\t${domain === 'a' ? 'prescan-normalized' : 'n/a'}`)
    }
  await writeFile(at('cohort.tsv'), `${rows.join('\n')}\n`)
  await train({
    cohort: at('cohort.tsv'),
    target: 'b',
    method: 'tone',
    out: at('b.harmonizer'),
    prepared: parsePrepared('bias-corrected'),
  })
  harmonizer = await loadHarmonizer(at('b.harmonizer'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let count = 0
async function applied(name: string, change: Partial<FileRequest> = {}, sidecar?: object) {
  await writeNifti(at(`${name}.nii`), person(7, 'a'))
  if (sidecar) await writeFile(at(`${name}.json`), JSON.stringify(sidecar))
  return applyFile(harmonizer, {
    input: at(`${name}.nii`),
    output: at(`out-${count++}.nii`),
    domain: 'a',
    dtype: 'float32',
    gzipLevel: 1,
    force: false,
    dryRun: false,
    overwrite: false,
    version: '0.1.0',
    ...change,
  })
}

describe('a bundle', () => {
  it('records what was done to the images of each domain', async () => {
    const { manifest } = await readBundle(at('b.harmonizer'))
    expect(manifest.guards['a']?.preparation).toMatchObject({
      contrast: 'T1w',
      skullStripped: 'no',
      biasCorrected: 'yes',
      prescanNormalized: 'yes',
    })
    expect(manifest.guards['b']?.preparation?.prescanNormalized).toBeUndefined()
    expect(manifest.guards['a']?.descriptors?.people).toBe(3)
  })

  it('takes an image prepared alike, and records what is known of it', async () => {
    const record = await applied('like_T1w', { prepared: parsePrepared('bias-corrected,prescan-normalized') })
    expect(record.preparation).toMatchObject({ contrast: 'T1w', biasCorrected: 'yes', skullStripped: 'no' })
    expect(record.settings.prepared).toEqual({ biasCorrected: 'yes', prescanNormalized: 'yes' })
    const findings = record.guards.filter(({ guard }) => guard === 'preparation')
    expect(findings.map(({ status }) => status)).toEqual(['passed'])
  })

  it('notes what is not known of an image, and takes it', async () => {
    const { guards } = await applied('unknown_T1w')
    const noted = guards.filter(({ status }) => status === 'noted').map(({ message }) => message)
    expect(noted).toHaveLength(1)
    expect(noted[0]).toMatch(/bias-corrected, prescan-normalized; whether this image is, is not known/)
  })

  it.each([
    ['x_FLAIR', {}, undefined, /The image is FLAIR, the training images of a are T1w/],
    [
      'x1_T1w',
      {},
      { SkullStripped: true },
      /The image is skull-stripped, the training images of a are not skull-stripped/,
    ],
    [
      'x2_T1w',
      { prepared: { biasCorrected: 'no' } },
      undefined,
      /not bias-corrected, the training images of a are bias-corrected/,
    ],
    [
      'x3_T1w',
      {},
      { ContrastBolusIngredient: 'GADOLINIUM' },
      /with contrast agent, the training images of a are without/,
    ],
    [
      'x4_T1w',
      {},
      { Manufacturer: 'Siemens', ImageType: ['ORIGINAL', 'PRIMARY', 'M', 'ND'] },
      /not prescan-normalized/,
    ],
    ['x5_T1w', {}, { ImageType: ['ORIGINAL', 'PRIMARY', 'P'] }, /said to be a phase/],
    ['x6_T1map', {}, undefined, /said to be a parametric map/],
    ['x7_T1w', {}, { schema: 'attune-record/1' }, /harmonized before/],
  ] as const)('refuses %s %j %j', async (name, change, sidecar, message) => {
    await expect(applied(name, change, sidecar)).rejects.toThrow(message)
    const { forced } = await applied(name, { ...change, force: true }, sidecar)
    expect(forced).toBe(true)
  })

  it('refuses another contrast that nothing names', async () => {
    await writeNifti(at('dark.nii'), head({ person: 7, tissues: [450, 300, 100], noise: 8 }))
    await expect(applied('plain', { input: at('dark.nii') })).rejects.toThrow(
      /contrast from the middle to the rim/,
    )
  })

  it('refuses training on what apply would refuse', async () => {
    await writeNifti(at('p_part-phase_T1w.nii'), person(1, 'a'))
    await writeFile(
      at('phase.tsv'),
      'subject\tdomain\timage\ns1\ta\tp_part-phase_T1w.nii\ns1\tb\t1b_T1w.nii\n',
    )
    const training = train({ cohort: at('phase.tsv'), target: 'b', method: 'tone', out: at('p.harmonizer') })
    await expect(training).rejects.toThrow(/p_part-phase_T1w.nii: is said to be a phase/)
  })

  it('of an older version, without these guards, still loads and applies', async () => {
    const { manifest } = await readBundle(at('b.harmonizer'))
    const { parseManifest } = await import('./manifest.ts')
    const guards = Object.fromEntries(
      Object.entries(manifest.guards).map(([domain, { descriptors: _, preparation: __, ...old }]) => [
        domain,
        old,
      ]),
    )
    expect(parseManifest(JSON.stringify({ ...manifest, guards }), 'old').guards).toEqual(guards)
  })
})

describe('a change map', () => {
  it('is the output less the line that the record names', async () => {
    const record = await applied('mapped_T1w', { output: at('m.nii.gz'), changeMap: at('m-change.nii.gz') })
    const [input, output, map] = (await Promise.all(
      ['mapped_T1w.nii', 'm.nii.gz', 'm-change.nii.gz'].map(async (name) =>
        toFloat32((await readNifti(at(name))).volume),
      ),
    )) as [Float32Array, Float32Array, Float32Array]
    const { gain, offset, name, sha256 } = record.changeMap as NonNullable<typeof record.changeMap>
    for (let i = 0; i < map.length; i += 97)
      expect(map[i]).toBeCloseTo(output[i]! - (gain * input[i]! + offset), 2)
    expect(name).toBe('m-change.nii.gz')
    expect((await readNifti(at('m-change.nii.gz'))).sha256).toBe(sha256)
    expect(JSON.parse(await readFile(at('m.json'), 'utf8')).changeMap).toEqual(record.changeMap)
  })

  it.each(['m2.txt', 'm2.nii.gz'])('is not written to %s, nor anything else', async (name) => {
    const refused = applied('mapped_T1w', { output: at('m2.nii.gz'), changeMap: at(name) })
    await expect(refused).rejects.toThrow(/is not a NIfTI name|is the output itself/)
    await expect(readFile(at('m2.nii.gz'))).rejects.toThrow('ENOENT')
  })

  it('is not written in a dry run', async () => {
    const { changeMap } = await applied('mapped_T1w', { dryRun: true, changeMap: at('dry.nii') })
    expect(changeMap?.gain).toBeGreaterThan(1)
    await expect(readFile(at('dry.nii'))).rejects.toThrow('ENOENT')
  })
})

it('voxels alone show that all but the brain was blanked', async () => {
  const { volume } = await readNifti(at('1a_T1w.nii'))
  const [nx, ny] = volume.shape
  const data = toFloat32(volume).map((value, v) => {
    const [x, y, z] = [
      (v % nx) - 17.5,
      (Math.floor(v / nx) % ny) - 20.5,
      Math.floor(v / nx / ny) - 17.5,
    ] as const
    return Math.hypot(x / 14, y / 16, z / 14) < 1 ? value : 0
  })
  await expect(harmonizer.apply(volumeOf(volume, data), { domain: 'a' })).rejects.toThrow(
    /The image is skull-stripped, the training images of a are not skull-stripped/,
  )
})
