import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { rawNifti, temporaryFolder } from '../../test/fixtures/nifti.ts'
import { InputError } from '../errors.ts'
import { readManifest, requireCohort } from './manifest.ts'

const folder = await temporaryFolder()
const path = join(folder, 'participants.tsv')
const inFolder = (name: string): string => join(folder, name)

beforeAll(async () => {
  await mkdir(inFolder('images'))
  const at = (x: number): readonly number[] => [1, 0, 0, x, 0, 2, 0, -6, 0, 0, 3, -7]
  await Promise.all([
    writeFile(inFolder('images/a.nii'), rawNifti({ rows: at(0) })),
    writeFile(inFolder('images/b.nii.gz'), gzipSync(rawNifti({ rows: at(0) }))),
    writeFile(inFolder('images/shifted.nii'), rawNifti({ rows: at(1.5) })),
    writeFile(inFolder('images/elsewhere.nii'), rawNifti({ rows: at(500) })),
    writeFile(inFolder('images/page.nii.gz'), '<!DOCTYPE html>'),
    writeFile(inFolder('mask.nii'), rawNifti({ code: 2, rows: at(0.001) })),
  ])
})

const read = async (lines: readonly string[], target?: string) => {
  await writeFile(path, `${lines.map((line) => line.replaceAll(' ', '\t')).join('\n')}\n`)
  return readManifest(path, target === undefined ? {} : { target })
}

it('reads scans with paths relative to the manifest, optional columns and covariates', async () => {
  const { cohort, problems } = await read([
    'subject domain session image mask region lesions tissue age',
    '01 prisma 1 images/a.nii mask.nii mask.nii n/a n/a 34',
    '01 uih n/a images/b.nii.gz n/a n/a mask.nii mask.nii n/a',
  ])
  expect(problems).toEqual([])
  expect(cohort).toEqual({
    source: path,
    scans: [
      {
        subject: '01',
        domain: 'prisma',
        session: '1',
        image: inFolder('images/a.nii'),
        mask: inFolder('mask.nii'),
        region: inFolder('mask.nii'),
        truth: {},
        covariates: { age: '34' },
      },
      {
        subject: '01',
        domain: 'uih',
        session: '1',
        image: inFolder('images/b.nii.gz'),
        truth: { lesions: inFolder('mask.nii'), tissue: inFolder('mask.nii') },
        covariates: { age: 'n/a' },
      },
    ],
  })
})
it('takes images of one subject on different grids that overlap, and of two subjects anywhere', async () => {
  const { problems } = await read([
    'subject domain image',
    '01 a images/a.nii',
    '01 b images/shifted.nii',
    '02 a images/elsewhere.nii',
  ])
  expect(problems).toEqual([])
})
it('reports everything at once, as data', async () => {
  const { cohort, problems } = await read(
    [
      'subject domain session image mask',
      '01 a 1 images/a.nii images/shifted.nii',
      '01 b 1 images/elsewhere.nii n/a',
      '01 a 1 images/b.nii.gz n/a',
      '02 a 1 images/missing.nii n/a',
      '03 n/a 1 images/page.nii.gz n/a',
      '03 a 1 images/page.nii.gz absent.nii',
      '04 a 1 images/a.nii mask.nii',
    ],
    'skyra',
  )
  expect(problems.map(({ code, row }) => [row, code])).toEqual([
    [undefined, 'unknown-target'],
    [1, 'different-grids'],
    [2, 'different-grids'],
    [3, 'duplicate-row'],
    [4, 'missing-file'],
    [5, 'missing-value'],
    [6, 'unreadable-image'],
    [6, 'missing-file'],
    [7, 'duplicate-row'],
  ])
  expect(problems[0]).toMatchObject({
    message: 'No scan is of the target domain skyra.',
    remedy: 'The domains are a, b: name one of them.',
  })
  expect(problems[8]!.message).toContain('is in row 1 already')
  expect(cohort.scans.length).toBe(6)
})
it('holds a region to the grid of its image, as it does a mask', async () => {
  const { problems } = await read([
    'subject domain image region',
    '01 a images/a.nii images/elsewhere.nii',
    '01 b images/b.nii.gz absent.nii',
  ])
  expect(problems.map(({ code, row }) => [row, code])).toEqual([
    [1, 'different-grids'],
    [2, 'missing-file'],
  ])
})
it('names every required column that is missing', async () => {
  const { problems } = await read(['subject scanner', '01 a'])
  expect(problems.map(({ code, message }) => `${code}: ${message}`)).toEqual([
    'missing-column: The column domain is missing; the header has subject, scanner.',
    'missing-column: The column image is missing; the header has subject, scanner.',
  ])
})

describe('requireCohort', () => {
  it('gives the cohort when nothing is wrong', async () => {
    await read(['subject domain image', '01 a images/a.nii'])
    expect((await requireCohort(path, { target: 'a' })).scans.length).toBe(1)
  })
  it('refuses with all problems in one message', async () => {
    await read(['subject domain image', '01 a images/gone.nii', '01 b images/page.nii.gz'])
    const error = await requireCohort(path, { target: 'c' }).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(InputError)
    expect((error as InputError).message).toMatch(
      /3 problems:\n- No scan .* c\..*a, b.*\n- row 1: .*gone\.nii does not exist.*\n- row 2: .*web page/,
    )
  })
  it('refuses an empty manifest and a missing one', async () => {
    await read(['subject domain image'])
    await expect(requireCohort(path)).rejects.toThrow(/lists no scan/)
    await expect(requireCohort(inFolder('none.tsv'))).rejects.toThrow(/does not exist/)
  })
})
