import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readNifti } from '../../src/formats/nifti/read.ts'
import type { SimulationOptions } from './options.ts'
import { simulateCohort } from './simulate.ts'

/** A multi-site study of T2w images with motion, coil noise and atrophy in patients. */
const options: SimulationOptions = {
  subjects: 2,
  scanners: 2,
  seed: 5,
  voxelMm: 4,
  rescans: 0,
  anatomies: ['synthseg-02'],
  contrast: 'T2w',
  preset: '7t',
  variant: 'skull-stripped',
  motion: { degrees: 3, mm: 2 },
  noise: { channels: 4, gFactor: 2 },
  kSpace: { acquiredMm: [5, 5, 6], window: 'hann' },
  design: 'sites',
  population: { prevalence: 0.5, confounding: 1, groupEffects: [{ region: 'ventricles', percent: 20 }] },
}
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attune-study-'))
  await simulateCohort(folder, options)
}, 60_000)
afterAll(() => rm(folder, { recursive: true, force: true }))
const text = (path: string): Promise<string> => readFile(join(folder, path), 'utf8')

it('each subject is scanned on one site; participants hold age, sex, group and site', async () => {
  const [header, first, second] = (await text('participants.tsv')).trim().split('\n')
  expect(header).toBe('participant_id\tfamily\tage\tsex\tgroup\tsite')
  expect(first).toMatch(/^sub-01\tsynthseg-02\t20\t[FM]\tcontrol\tscanner-A$/)
  expect(second).toMatch(/^sub-02\tsynthseg-02\t80\t[FM]\tpatient\tscanner-B$/)
  const images = (await text('cohort.tsv')).match(/\S+_T2w.nii.gz/g)
  expect(images).toEqual([
    'sub-01/ses-A1/anat/sub-01_ses-A1_T2w.nii.gz',
    'sub-02/ses-B1/anat/sub-02_ses-B1_T2w.nii.gz',
  ])
})
it('truth holds the pose of each scan and the measured change of each region', async () => {
  const truth = JSON.parse(await text('derivatives/truth/code/parameters.json'))
  expect(truth.scans[1].pose.toRest).toHaveLength(16)
  expect(truth.subjects[0].regions).toBeUndefined()
  const [change] = truth.subjects[1].regions
  expect(Math.abs(change.measuredPercent - 20)).toBeLessThan(0.4)
  expect(truth.scanners[1]).toMatchObject({ fieldTesla: 7, protocol: 't2w-tse', noise: { channels: 4 } })
  expect(truth.scanners[0].noise).toBeUndefined()
})
it('skull-stripped images hold 0 over most of the field of view', async () => {
  const { volume } = await readNifti(join(folder, 'sub-02/ses-B1/anat/sub-02_ses-B1_T2w.nii.gz'))
  const zero = Array.from(volume.data).filter((v) => v === 0).length / volume.data.length
  expect(zero).toBeGreaterThan(0.5)
  expect(zero).toBeLessThan(0.95)
})
it('refuses what contradicts itself, by name', async () => {
  const plain = { subjects: 2, scanners: 2, seed: 1 }
  const at = join(folder, 'x')
  await expect(simulateCohort(at, { ...plain, population: { confounding: 0.5 } })).rejects.toThrow(
    /confounded/,
  )
  await expect(simulateCohort(at, { ...plain, noise: { channels: 0, gFactor: 1 } })).rejects.toThrow(
    /noise.channels is 0/,
  )
  await expect(simulateCohort(at, { ...plain, subjects: 1, design: 'sites' })).rejects.toThrow(/cannot fill/)
})
