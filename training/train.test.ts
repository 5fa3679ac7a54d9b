import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readNifti } from '../src/formats/nifti/read.ts'
import { writeNifti } from '../src/formats/nifti/write.ts'
import { readBundle } from '../src/harmonizer/bundle.ts'
import { loadHarmonizer } from '../src/harmonizer/harmonizer.ts'
import { trainingEvidence } from '../src/harmonizer/training-evidence.ts'
import { toFloat32 } from '../src/volume/volume.ts'
import { head } from '../test/head.ts'
import { type TrainOptions, train } from './train.ts'

let folder: string
let cohort: string
const SCANNERS = {
  a: { tissues: [150, 260, 330], noise: 12 },
  b: { tissues: [900, 2600, 4200], noise: 60 },
} as const

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attune-train-'))
  cohort = join(folder, 'cohort.tsv')
  const rows = ['subject\tdomain\timage']
  for (const person of [1, 2, 3])
    for (const [domain, scanner] of Object.entries(SCANNERS)) {
      const name = `${person}${domain}.nii`
      await writeNifti(
        join(folder, name),
        head({ seed: person * 7 + domain.charCodeAt(0), person, ...scanner }),
      )
      rows.push(`s${person}\t${domain}\t${name}`)
    }
  await writeNifti(join(folder, '9c.nii'), head({ seed: 99, person: 9 }))
  rows.push('s9\tc\t9c.nii')
  await writeFile(cohort, `${rows.join('\n')}\n`)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const BASELINES = ['zscore', 'whitestripe', 'kde', 'fcm', 'lsq', 'nyul', 'histogram', 'tone']

const options = (name: string, change: Partial<TrainOptions> = {}): TrainOptions => ({
  cohort,
  target: 'b',
  method: 'tone',
  out: join(folder, `${name}.harmonizer`),
  ...change,
})

/** The third person's scan brought to the target, and their scan there. */
async function harmonized3(bundle: string): Promise<{ out: Float32Array; wanted: Float32Array }> {
  const [source, target] = await Promise.all(
    ['3a.nii', '3b.nii'].map((name) => readNifti(join(folder, name))),
  )
  const harmonizer = await loadHarmonizer(bundle)
  const { volume } = await harmonizer.apply(source!.volume, { domain: 'a', force: true })
  return { out: toFloat32(volume), wanted: toFloat32(target!.volume) }
}

/** Mean of the third person's harmonized white matter over that on the target. */
async function whiteMatterOn3(bundle: string): Promise<number> {
  const { out, wanted } = await harmonized3(bundle)
  const white = [...wanted.keys()].filter((i) => wanted[i]! > 3900)
  const total = (x: Float32Array): number => white.reduce((sum, i) => sum + x[i]!, 0)
  return total(out) / total(wanted)
}

/** Mean absolute difference of the third person's harmonized scan from their scan on the target, in tissue, over its median. */
async function errorOn3(bundle: string): Promise<number> {
  const { out, wanted } = await harmonized3(bundle)
  const tissue = [...wanted.keys()].filter((i) => wanted[i]! > 600)
  return tissue.reduce((sum, i) => sum + Math.abs(out[i]! - wanted[i]!), 0) / tissue.length / 3000
}

describe('training', () => {
  it('brings an unseen person to the reference: each rung nearer than the one below', async () => {
    const errors: Record<string, number> = {}
    for (const method of ['identity', 'zscore', 'tone'] as const) {
      const { path } = await train(options(method, { method, excludeSubjects: ['s3'] }))
      errors[method] = await errorOn3(path)
    }
    expect(errors['identity']).toBeGreaterThan(0.5)
    expect(errors['zscore']).toBeLessThan(0.2)
    expect(errors['tone']).toBeLessThan(0.08)
  })

  it('writes down from what it was made, and the same bytes every time', async () => {
    const [one, two] = [await train(options('one')), await train(options('two'))]
    const { manifest } = await readBundle(one.path)
    expect(manifest).toMatchObject({
      rung: 2,
      sources: ['a'],
      target: 'b',
      training: {
        subjects: ['s1', 's2', 's3'],
        pairs: 3,
        engine: 'closed form',
        cohort: { name: 'cohort.tsv' },
      },
    })
    expect(Object.keys(manifest.guards)).toEqual(['a', 'b'])
    for (const name of ['evidence.json']) {
      const read = (path: string) => readFile(join(path, name))
      expect(await read(two.path)).toEqual(await read(one.path))
    }
    expect(two.manifest).toEqual(one.manifest)
    expect(await readFile(join(one.path, 'card.md'), 'utf8')).toMatch(
      /Brings images of `a`.*`b`.*3 subjects/s,
    )
  })

  it('keeps the weaker methods beside its own, for validation to compare with', async () => {
    const { path } = await train(options('baselines'))
    const { baselines } = trainingEvidence(await readBundle(path))
    expect(baselines.map(({ kind }) => kind)).toEqual(BASELINES)
  })

  it('fits a tone that maps each tissue to where the reference has it', async () => {
    const { manifest } = await train(options('tissues'))
    const [model] = manifest.steps
    if (model.kind !== 'tone') throw new TypeError('tone expected')
    const harmonizer = await loadHarmonizer(join(folder, 'tissues.harmonizer'))
    const clean = head({ person: 5, noise: 0, tissues: SCANNERS.a.tissues })
    const goal = toFloat32(head({ person: 5, noise: 0, tissues: SCANNERS.b.tissues }))
    const out = toFloat32((await harmonizer.apply(clean, { domain: 'a', force: true })).volume)
    const middle = goal.findIndex((v) => v > 4100)
    expect(Math.abs(out[middle]! / goal[middle]! - 1)).toBeLessThan(0.06)
  })

  // The scanners differ in contrast: with its one gain, lsq makes the best of three tissues, not of white matter.
  it.each([
    ['whitestripe', 0.1],
    ['kde', 0.1],
    ['fcm', 0.1],
    ['lsq', 0.2],
    ['nyul', 0.1],
  ] as const)(
    '%s brings white matter of an unseen person to where the reference has it',
    async (method, within) => {
      const { path, manifest } = await train(options(method, { method, excludeSubjects: ['s3'] }))
      expect(manifest.steps[0].kind).toBe(method)
      expect(Math.abs((await whiteMatterOn3(path)) - 1)).toBeLessThan(within)
      const { baselines } = trainingEvidence(await readBundle(path))
      expect(baselines.map(({ kind }) => kind)).toEqual(BASELINES)
    },
  )

  it('takes another tissue by a setting, and writes it down', async () => {
    const { manifest } = await train(options('middle', { method: 'fcm', config: { tissue: 'middle' } }))
    expect(manifest.training.options).toEqual({ tissue: 'middle' })
    const [model] = manifest.steps
    if (model.kind !== 'fcm') throw new TypeError('fcm expected')
    expect(Math.abs(model.mean / SCANNERS.b.tissues[1] - 1)).toBeLessThan(0.1)
  })

  it('says which domains no subject links to the target', async () => {
    const remarks: string[] = []
    await train(options('remarks'), (event) => {
      if (event.stage === 'remark') remarks.push(event.line)
    })
    expect(remarks).toEqual(['left out, since no subject links it to b: c'])
  })

  it('uses scans of unlinked domains where pairs are not needed', async () => {
    const { manifest } = await train(options('histogram', { method: 'histogram' }))
    expect(manifest.sources).toEqual(['a', 'c'])
  })

  it.each<[string, Partial<TrainOptions>, RegExp]>([
    ['an unknown target', { target: 'z' }, /target domain z/],
    ['an unknown subject', { subjects: ['s1', 's7'] }, /no subject s7.*s1, s2, s3/s],
    ['subjects never scanned on the target', { subjects: ['s9'] }, /no chosen subject.*target domain b/],
    ['pairs that do not exist', { target: 'c' }, /learns from such pairs/],
    [
      "one person's histogram",
      { method: 'histogram', subjects: ['s1'] },
      /Only s1 .*tissue volumes.*--single-reference/s,
    ],
    [
      "one person's landmarks",
      { method: 'nyul', subjects: ['s1'] },
      /Only s1 .*tissue volumes.*--single-reference/s,
    ],
    [
      'a tissue that does not exist',
      { method: 'fcm', config: { tissue: 'wm' } },
      /tissue: "wm".*dark, middle, bright/s,
    ],
    ['settings of a method that has none', { config: { steps: 3 } }, /`tone` does not take: steps: 3/],
    ['unknown settings', { method: 'local-tone', config: { stepz: 3 } }, /stepz: 3.*steps \(/s],
    ['a place without its suffix', { out: '/tmp/x' }, /\.harmonizer/],
  ])('refuses %s, and writes nothing', async (_, change, message) => {
    const before = await readdir(folder)
    await expect(train(options('refused', change))).rejects.toThrow(message)
    expect(await readdir(folder)).toEqual(before)
  })
})
