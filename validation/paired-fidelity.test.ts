import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Evidence, Figure } from '../src/evidence/evidence.ts'
import { parseEvidence } from '../src/evidence/schema.ts'
import { writeNifti } from '../src/formats/nifti/write.ts'
import { NOISE_AT_LEAST } from '../src/harmonizer/gates.ts'
import type { Mapping } from '../src/harmonizer/unguarded.ts'
import { gaussianSmooth } from '../src/kernels/gaussian.ts'
import { random } from '../src/kernels/random.ts'
import { type Shape, volumeOf } from '../src/volume/volume.ts'
import { train } from '../training/train.ts'
import type { Correction } from './corrections.ts'
import { type MeasuredPair, measurePair } from './measure-pair.ts'
import { pairedFidelity } from './paired-fidelity.ts'

const shape: Shape = [40, 40, 40]
const size = 40 ** 3
const grid = { shape, affine: [2, 0, 0, -40, 0, 2, 0, -40, 0, 0, 2, -40, 0, 0, 0, 1] }
let folder = ''

/** Three tissues in wide blobs that differ from subject to subject, with a lesion, in a ball of 32 voxels across. */
function anatomy(subject: number): { tissue: Float32Array; lesion: Float32Array; mask: Float32Array } {
  const rng = random(subject, 'study test')
  const smooth = gaussianSmooth(
    Float32Array.from({ length: size }, () => rng.normal()),
    shape,
    [3, 3, 3],
  )
  const radius = (i: number, c: number): number =>
    Math.hypot((i % 40) - c, (Math.floor(i / 40) % 40) - c, Math.floor(i / 1600) - c)
  const mask = Float32Array.from({ length: size }, (_, i) => (radius(i, 19.5) < 16 ? 1 : 0))
  const lesion = Float32Array.from({ length: size }, (_, i) => (radius(i, 23) < 3.2 ? 1 : 0))
  const tissue = smooth.map((v, i) =>
    mask[i] === 0 ? 0 : radius(i, 23) < 9 ? 300 : v > 0.03 ? 300 : v > -0.03 ? 200 : 100,
  )
  return { tissue, lesion, mask }
}

/** The target scanner shows the anatomy; the source bends its intensities: 2 sqrt(300 v); C, unknown to training, has gain and offset. */
const scanners = {
  B: (v: number): number => v,
  A: (v: number): number => 2 * Math.sqrt(300 * Math.max(0, v)),
  C: (v: number): number => 3 * v + 50,
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attune-study-'))
  const rows = ['subject\tdomain\tsession\timage\tmask\tlesions\ttissue']
  for (const subject of [1, 2, 3, 4]) {
    const { tissue, lesion, mask } = anatomy(subject)
    await writeNifti(join(folder, `s${subject}-mask.nii`), volumeOf(grid, mask))
    await writeNifti(join(folder, `s${subject}-lesions.nii`), volumeOf(grid, lesion))
    await writeNifti(
      join(folder, `s${subject}-tissue.nii`),
      volumeOf(
        grid,
        tissue.map((v) => v / 100),
      ),
    )
    for (const domain of subject < 3 ? (['A', 'B'] as const) : (['A', 'B', 'C'] as const))
      for (const session of [1, 2]) {
        const rng = random(subject, `${domain} ${session}`)
        const data = tissue.map((v, i) =>
          mask[i] === 0 ? 0 : scanners[domain](v - 60 * (lesion[i] ?? 0)) + 4 * rng.normal(),
        )
        const name = `s${subject}-${domain}-${session}.nii`
        await writeNifti(join(folder, name), volumeOf(grid, data))
        rows.push(
          `s${subject}\t${domain}\t${session}\t${name}\ts${subject}-mask.nii\ts${subject}-lesions.nii\ts${subject}-tissue.nii`,
        )
      }
  }
  await writeFile(join(folder, 'cohort.tsv'), `${rows.join('\n')}\n`)
  await train({
    cohort: join(folder, 'cohort.tsv'),
    target: 'B',
    method: 'tone',
    out: join(folder, 'b.harmonizer'),
    subjects: ['s1', 's2'],
  })
}, 60_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

const study = (options: { subjects?: readonly string[]; withinSubject?: boolean } = {}): Promise<Evidence> =>
  pairedFidelity({
    bundle: join(folder, 'b.harmonizer'),
    cohort: join(folder, 'cohort.tsv'),
    command: 'test',
    date: '2026-01-01',
    attune: '0',
    ...options,
  })
const pick = ({ figures }: Evidence, method: string, metric: string): Figure | undefined =>
  figures.find((f) => f.method === method && f.metric === metric)

describe('a scanner that one tone curve undoes', () => {
  let evidence: Evidence
  beforeAll(async () => {
    evidence = await study()
  }, 60_000)

  it('is removed to the scan-rescan floor, on people that training has not seen', () => {
    expect(evidence.design.kind).toBe('held-out')
    expect(evidence.design.subjects).toEqual(['s3', 's4'])
    expect(pick(evidence, 'tone', 'removable-share')?.value).toBeGreaterThan(0.8)
    expect(pick(evidence, 'tone', 'mae')?.n).toBe(4)
    const errors = ['identity', 'zscore', 'tone', 'rescan'].map((m) => pick(evidence, m, 'mae')?.value ?? 0)
    expect(errors).toEqual(errors.toSorted((a, b) => b - a))
  })

  it('has a floor of 2 sd / sqrt(pi), the mean difference of two noises of SD 4', () => {
    const { low, high } = evidence.design.range
    const floor = (pick(evidence, 'rescan-target', 'mae')?.value ?? 0) * (high - low)
    expect(floor).toBeGreaterThan(0.97 * ((2 * 4) / Math.sqrt(Math.PI)))
    expect(floor).toBeLessThan(1.03 * ((2 * 4) / Math.sqrt(Math.PI)))
  })

  it('keeps lesions, and passes its gates', () => {
    expect(evidence.lesions).toHaveLength(4)
    expect(pick(evidence, 'tone', 'lesion-contrast')?.value).toBeCloseTo(1, 1)
    expect(evidence.gates.find(({ id }) => id === 'lesions')?.status).toBe('pass')
    expect(evidence.gates.find(({ id }) => id === 'error')?.status).toBe('pass')
  })

  it('leaves alone what it must: reference images, a loss of volume, flat tissue, and the way back', () => {
    for (const id of ['identity', 'atrophy', 'edges'])
      expect(evidence.gates.find((gate) => gate.id === id)).toMatchObject({ id, status: 'pass' })
    expect(evidence.referenceChanges?.map(({ value }) => value)).toEqual([0, 0, 0, 0])
    expect(evidence.atrophy?.map(({ percent }) => percent)).toEqual([1, 5, 1, 5, 1, 5, 1, 5])
    expect(pick(evidence, 'tone', 'round-trip')?.value).toBeLessThan(1e-5)
  })

  it('leaves rescans as far apart as they were: one curve for both adds nothing of its own', () => {
    expect(evidence.consistency?.map(({ subject }) => subject)).toEqual(['s3', 's4'])
    for (const { before, after } of evidence.consistency ?? [])
      expect(Math.abs(after / before - 1)).toBeLessThan(0.02)
    expect(evidence.gates.find(({ id }) => id === 'consistency')?.status).toBe('pass')
  })

  it('is compared with every method in closed form, on its rung, with intervals over both people', () => {
    expect(evidence.ladder?.map(({ rung }) => rung)).toEqual([0, 1, 1, 1, 1, 1, 2, 2, 2])
    for (const { method } of evidence.ladder ?? []) {
      const { value = 0, confidence } = pick(evidence, method, 'mae') ?? {}
      expect(confidence?.families).toBe(2)
      expect(confidence?.low).toBeLessThanOrEqual(value)
      expect(confidence?.high).toBeGreaterThanOrEqual(value)
    }
    expect(evidence.design.confidence).toMatch(/2 families.*more than 50 % probability/)
  })

  it('finds each person again, and does not probe the scanner with two', () => {
    expect(evidence.identification?.results.map(({ method }) => method)).toEqual(['identity', 'tone'])
    for (const { rankOne, self, others } of evidence.identification?.results ?? []) {
      expect(rankOne).toBe(1)
      expect(self).toBeGreaterThan(others + 0.2)
    }
    expect(evidence.probe?.results).toEqual([])
    expect(evidence.probe?.note).toMatch(/2 families/)
  })

  it('refuses a scanner unseen by name, whose gain and offset zscore undoes', () => {
    const [unseen] = evidence.unseen ?? []
    expect(unseen?.domain).toBe('C')
    expect(unseen?.refusal).toMatch(/not been trained on domain "C"/)
    const error = (method: string): number =>
      unseen?.figures.find((figure) => figure.method === method)?.value ?? Number.NaN
    expect(error('identity')).toBeGreaterThan(1)
    expect(error('zscore')).toBeLessThan(0.2)
    expect(error('tone')).toBeNaN()
    expect(evidence.figures.some(({ domain }) => domain === 'C')).toBe(false)
  })

  it('is evidence that survives its file and names every input by hash, without absolute paths', () => {
    expect(parseEvidence(JSON.parse(JSON.stringify(evidence)), 'here')).toEqual(evidence)
    expect(evidence.provenance.inputs.every(({ name }) => !name.startsWith('/'))).toBe(true)
    expect(JSON.stringify(evidence)).not.toContain(folder)
  })
})

it('subjects of the training are refused, unless the check is labelled within-subject', async () => {
  await expect(study({ subjects: ['s1'] })).rejects.toMatchObject({ exitCode: 3 })
  const evidence = await study({ subjects: ['s1'], withinSubject: true })
  expect(evidence.design.kind).toBe('within-subject')
  expect(evidence.limits[0]).toMatch(/people that training has seen/)
}, 60_000)

it('a perfect output has no error, infinite PSNR (left out) and SSIM 1; a smoothed one loses its noise, and the inverse of a curve takes the noise along', async () => {
  const scan = (domain: string) => ({
    subject: 's3',
    domain,
    session: '1',
    image: join(folder, `s3-${domain}-1.nii`),
    mask: join(folder, 's3-mask.nii'),
    truth: { tissue: join(folder, 's3-tissue.nii') },
    covariates: {},
  })
  const { readNifti } = await import('../src/formats/nifti/read.ts')
  const target = Float32Array.from((await readNifti(join(folder, 's3-B-1.nii'))).volume.data)
  const correction = (name: string, apply: Mapping): Correction => ({ name, apply, unguarded: apply })
  const corrections = [
    correction('perfect', async () => target),
    correction('smoothed', async () => gaussianSmooth(target, shape, [1, 1, 1])),
    // The source shows 2 sqrt(300 v).
    correction('inverse', async ({ data }) => Float32Array.from(data, (v) => v ** 2 / 1200)),
  ]
  const pair = { subject: 's3', source: scan('A'), target: scan('B') }
  const { results, separations } = (await measurePair(pair, corrections, 200)) as MeasuredPair
  const [perfect, smoothed] = results
  expect(perfect).toMatchObject({ mae: 0, noiseSd: perfect?.targetNoiseSd })
  expect(perfect?.ssim).toBeCloseTo(1, 9)
  expect(perfect && 'psnr' in perfect).toBe(false)
  expect((smoothed?.noiseSd ?? 1) / (smoothed?.targetNoiseSd ?? 1)).toBeLessThan(NOISE_AT_LEAST)
  const separation = (method: string): number => {
    const row = separations.find((r) => r.method === method && r.tissues.join() === '1,2')
    return (row?.fisher ?? Number.NaN) / (row?.targetFisher ?? Number.NaN)
  }
  expect(separation('perfect')).toBe(1)
  // Noise 4 over the slope sqrt(300 / v): variances 16 / 3 at v = 100 and 32 / 3 at 200, 16 each in the target: 32 / 16 = 2;
  // tissue 1 has 1054 voxels, whose variance is known within 9 % (two standard errors).
  expect(Math.abs(separation('inverse') / 2 - 1)).toBeLessThan(0.1)
}, 60_000)
