import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { image, link, type Tree, tsv, writeDataset } from '../../test/fixtures/bids.ts'
import { dataFolder } from '../../test/fixtures/data.ts'
import { rawNifti, temporaryFolder } from '../../test/fixtures/nifti.ts'
import { ConfigError, InputError } from '../errors.ts'
import { readTable } from '../formats/tables/table.ts'
import { type BidsCohort, readBidsCohort } from './bids.ts'
import { type CohortOptions, readCohort, requireCohort } from './manifest.ts'

const folder = await temporaryFolder()
let count = 0
async function made(tree: Tree): Promise<string> {
  const root = join(folder, String(count++))
  await writeDataset(root, tree)
  return root
}
const read = async (tree: Tree, options: CohortOptions = {}): Promise<BidsCohort> =>
  readBidsCohort(await made(tree), options)
const keys = ({ cohort }: BidsCohort): readonly string[] =>
  cohort.scans.map(({ subject, domain, session }) => `${subject} ${domain} ${session}`)

const SIEMENS = {
  Manufacturer: 'Siemens',
  ManufacturersModelName: 'Prisma_fit',
  MagneticFieldStrength: 2.89362,
  DeviceSerialNumber: '167006',
}
const t1 = (subject: string, session: string, entities = ''): string =>
  `sub-${subject}/ses-${session}/anat/sub-${subject}_ses-${session}${entities}_T1w.nii.gz`

describe('a dataset is a cohort', () => {
  it('of subjects, sessions, domains of the scanner, and covariates', async () => {
    const root = await made({
      [t1('01', 'A')]: image(),
      [t1('01', 'B')]: image(),
      'sub-01/ses-A/anat/sub-01_ses-A_T2w.nii.gz': image(),
      'sub-01/ses-A/ses-A_T1w.json': SIEMENS,
      'T1w.json': { Manufacturer: 'GE', MagneticFieldStrength: '1.5' },
      'participants.tsv': tsv('participant_id age', 'sub-01 34'),
    })
    const notes: string[] = []
    const { bids: _, ...whole } = await readCohort(root, { onNote: (line) => notes.push(line) })
    expect(whole).toEqual({
      problems: [],
      cohort: {
        source: root,
        root,
        scans: [
          {
            subject: 'sub-01',
            domain: 'Siemens_Prisma-fit_3T_167006',
            session: 'A',
            image: join(root, t1('01', 'A')),
            sidecar: SIEMENS,
            truth: {},
            covariates: { age: '34' },
          },
          {
            subject: 'sub-01',
            domain: 'GE_1.5T',
            session: 'B',
            image: join(root, t1('01', 'B')),
            sidecar: { Manufacturer: 'GE', MagneticFieldStrength: '1.5' },
            truth: {},
            covariates: { age: '34' },
          },
        ],
      },
    })
    expect(notes).toEqual([
      '2 images of 1 subject; domains by the sidecar fields Manufacturer, ManufacturersModelName (1 of 2), ' +
        'MagneticFieldStrength, DeviceSerialNumber (1 of 2): GE_1.5T (1), Siemens_Prisma-fit_3T_167006 (1).',
    ])
  })
  it('whose session key tells all images of a subject apart', async () => {
    const names = [
      'ses-A_T1w',
      'ses-A_acq-fast_run-2_T1w',
      'ses-A_run-1_T1w',
      'run-2_T1w',
      'T1w',
      'rec-norm_T1w',
    ]
    const tree = Object.fromEntries(names.map((name) => [`sub-01/anat/sub-01_${name}.nii.gz`, image()]))
    const { cohort } = await read({ ...tree, 'T1w.json': SIEMENS })
    expect(cohort.scans.map(({ session }) => session).sort()).toEqual(
      ['A', 'A_acq-fast_run-2', 'A_run-1', 'run-2', '1', 'rec-norm'].sort(),
    )
  })
  it('of another suffix, with entities where they are asked for', async () => {
    const tree = {
      'sub-01/anat/sub-01_acq-a_T2w.nii': image(),
      'sub-01/anat/sub-01_acq-b_T2w.nii': image(),
      'T2w.json': SIEMENS,
    }
    const sessions = async (suffix: string) =>
      (await read(tree, { suffix })).cohort.scans.map(({ session }) => session)
    expect(await sessions('T2w')).toEqual(['acq-a', 'acq-b'])
    expect(await sessions('acq-a_T2w')).toEqual(['acq-a'])
    const { problems } = await read(tree)
    expect(problems.map(({ code, message, remedy }) => [code, message, remedy])).toEqual([
      [
        'no-image',
        expect.stringMatching(/holds no T1w image/),
        'Its suffixes are T2w: choose with --suffix.',
      ],
    ])
    await expect(read(tree, { suffix: 'T2-w' })).rejects.toBeInstanceOf(ConfigError)
  })
})

describe('images that are no further scan of the same kind', () => {
  const named = (...names: readonly string[]): Tree => ({
    ...Object.fromEntries(names.map((name) => [`sub-01/anat/sub-01_${name}.nii`, image()])),
    'T1w.json': SIEMENS,
  })
  it('contrast agent, another space and phase are left out, and said, unless they are asked for', async () => {
    const tree = named('T1w', 'ce-gad_T1w', 'space-MNI_T1w', 'part-phase_T1w', 'part-mag_T1w')
    const plain = await read(tree)
    expect(plain.cohort.scans.map(({ session }) => session)).toEqual(['1', 'part-mag'])
    expect(plain.notes.join()).toMatch(
      /3 images are left out for ce, space, part in the name, such as .*--suffix/,
    )
    const agent = await read(tree, { suffix: 'ce-gad_T1w' })
    expect(agent.cohort.scans.map(({ session }) => session)).toEqual(['ce-gad'])
  })
  it('two kinds in one session are said, runs of one kind are not', async () => {
    const kinds = await read(named('rec-norm_T1w', 'rec-raw_T1w'))
    expect(kinds.notes[1]).toMatch(/rec-norm_T1w\.nii and .*rec-raw_T1w\.nii are of one session.*--suffix/)
    expect((await read(named('run-1_T1w', 'run-2_T1w'))).notes).toHaveLength(1)
  })
})

describe('the domain', () => {
  const tree = {
    [t1('01', 'A')]: image(),
    [t1('02', 'B')]: image(),
    'T1w.json': SIEMENS,
    'participants.tsv': tsv('participant_id site', 'sub-01 north', 'sub-02 south'),
    'sub-02/sub-02_sessions.tsv': tsv('session_id site', 'ses-B west'),
  }
  it('is the session when asked for, or where no sidecar says anything', async () => {
    expect(keys(await read(tree, { domainFrom: 'session' }))).toEqual(['sub-01 A A', 'sub-02 B B'])
    const { 'T1w.json': _, ...silent } = tree
    const dataset = await read(silent)
    expect(keys(dataset)).toEqual(['sub-01 A A', 'sub-02 B B'])
    expect(dataset.notes[0]).toMatch(/domains by the session of each name: A \(1\), B \(1\)/)
  })
  it('is a column of the tables when asked for', async () => {
    const dataset = await read(tree, { domainFrom: { column: 'site' } })
    expect(keys(dataset)).toEqual(['sub-01 north A', 'sub-02 west B'])
    expect(dataset.problems).toEqual([])
  })
  it('is a problem of the dataset where no table has the column, and of each image without a value', async () => {
    const none = await read(tree, { domainFrom: { column: 'scanner' } })
    expect(none.problems.map(({ code }) => code)).toEqual(['missing-column'])
    expect(none.problems[0]?.remedy).toMatch(/The columns are site/)
    const { 'sub-02/sub-02_sessions.tsv': _, ...rest } = tree
    const some = await read(
      { ...rest, 'participants.tsv': tsv('participant_id site', 'sub-01 north', 'sub-02 n/a') },
      { domainFrom: { column: 'site' } },
    )
    expect(some.problems.map(({ code, image: at }) => [code, at])).toEqual([
      ['missing-domain', t1('02', 'B')],
    ])
  })
  it('is a problem of each image whose sidecars have no field of the scanner, where others have', async () => {
    const { 'T1w.json': _, ...rest } = tree
    const { problems } = await read({ ...rest, 'sub-01/sub-01_T1w.json': SIEMENS })
    expect(problems.map(({ code, image: at }) => [code, at])).toEqual([['missing-domain', t1('02', 'B')]])
    expect(problems[0]?.message).toMatch(/Manufacturer, .*DeviceSerialNumber/)
  })
  it.each([
    [{ MagneticFieldStrength: 1.494 }, '1.5T'],
    [{ MagneticFieldStrength: 2.89362 }, '3T'],
    [{ MagneticFieldStrength: 0.0549 }, '0.0549T'],
    [{ Manufacturer: 'GE MEDICAL SYSTEMS', DeviceSerialNumber: 42 }, 'GE_42'],
    [{ Manufacturer: 'SIEMENS', ManufacturersModelName: 'Skyra' }, 'Siemens_Skyra'],
    [{ Manufacturer: 'Gentle Scanners' }, 'Gentle-Scanners'],
    [{ Manufacturer: 'Siemens', ManufacturersModelName: '', DeviceSerialNumber: 'n/a' }, 'Siemens'],
    [{ Manufacturer: '東芝', ManufacturersModelName: ' Titan (3T) ' }, '東芝_Titan-3T'],
  ])('%j is %s', async (sidecar, label) => {
    const { cohort } = await read({ [t1('01', 'A')]: image(), 'T1w.json': sidecar })
    expect(cohort.scans[0]?.domain).toBe(label)
  })
})

describe('masks and truth', () => {
  const mask = rawNifti({ code: 2, rows: [1, 0, 0, 0, 0, 2, 0, -6, 0, 0, 3, -7] })
  const tree = {
    [t1('01', 'A')]: image(),
    [t1('01', 'B')]: image(),
    'derivatives/brains/dataset_description.json': { Name: 'Brains' },
    [`derivatives/brains/${t1('01', 'A').replace('_T1w', '_desc-brain_mask')}`]: mask,
  }
  const second = `derivatives/brains/${t1('01', 'B').replace('_T1w', '_desc-brain_mask')}`
  it('a brain mask of every image is used, one of another space is not', async () => {
    const dataset = await read({
      ...tree,
      [second]: mask,
      [second.replace('_desc', '_space-MNI_desc')]: mask,
    })
    expect(dataset.problems).toEqual([])
    expect(dataset.cohort.scans.map((scan) => scan.mask?.replace(/^.*derivatives/, 'derivatives'))).toEqual([
      `derivatives/brains/${t1('01', 'A').replace('_T1w', '_desc-brain_mask')}`,
      second,
    ])
    expect(dataset.notes.join()).toMatch(/Brain masks of derivatives are used/)
  })
  it.each([
    ['a part of the images has one', {}, /not used: only 1 of 2 images/],
    ['one is on another grid', { [second]: image(3) }, /not used: .*ses-B.* is not on the grid/],
  ])('none is used where %s, and it is said', async (_, more, note) => {
    const dataset = await read({ ...tree, ...more })
    expect(dataset.problems).toEqual([])
    expect(dataset.cohort.scans.map((scan) => scan.mask)).toEqual([undefined, undefined])
    expect(dataset.notes.join()).toMatch(note)
  })
  it('two for one image are a problem that names both', async () => {
    const { problems } = await read({
      ...tree,
      'derivatives/others/dataset_description.json': {},
      [`derivatives/others/${t1('01', 'A').replace('_T1w', '_desc-brain_mask')}`]: mask,
    })
    expect(problems.map(({ code }) => code)).toEqual(['ambiguous-mask'])
    expect(problems[0]?.message).toMatch(/brains.* and .*others.* are both/)
  })
  it('truth is what the simulator wrote: of the scan before that of the subject, on the grid of the image', async () => {
    const truth = (path: string): string => `derivatives/truth/sub-01/${path}_dseg.nii.gz`
    const own = truth('ses-B/anat/sub-01_ses-B_desc-tissue')
    const dataset = await read({
      ...tree,
      'derivatives/truth/dataset_description.json': { GeneratedBy: [{ Name: 'attune simulate' }] },
      [truth('anat/sub-01_desc-tissue')]: mask,
      [own]: mask,
      [truth('anat/sub-01_res-1000um_desc-lesions')]: image(3),
      [truth('anat/sub-01_res-2000um_desc-lesions')]: mask,
      'derivatives/else/dataset_description.json': { GeneratedBy: [{ Name: 'else' }] },
      'derivatives/else/sub-01/ses-A/anat/sub-01_ses-A_desc-tissue_dseg.nii.gz': mask,
    })
    const short = (path: string | undefined) => path?.replace(/^.*derivatives/, 'derivatives')
    const lesions = truth('anat/sub-01_res-2000um_desc-lesions')
    expect(
      dataset.cohort.scans.map(({ truth: { tissue, lesions: found } }) => [short(tissue), short(found)]),
    ).toEqual([
      [truth('anat/sub-01_desc-tissue'), lesions],
      [own, lesions],
    ])
    expect(dataset.problems).toEqual([])
  })
})

describe('problems', () => {
  it('are reported all at once, each with its image', async () => {
    const root = await made({
      [t1('01', 'A')]: image(),
      [t1('01', 'B')]: image(500),
      [t1('02', 'A')]: link('../../../.git/annex/objects/not-fetched'),
      [t1('03', 'A')]: '<!DOCTYPE html>',
      'sub-04/anat/sub-04_T1w.nii.gz': image(),
      'sub-04/anat/sub-04_T1w.nii': image(),
      'sub-05/anat/sub-06_T1w.nii': image(),
      'sub-07/anat/sub-07_T1w.nii': image(),
      'sub-07/anat/sub-07_T1w.json': '{',
      'sub-08/sub-08_T1w.json': {},
      'sub-08/anat/sub-08_run-1_T1w.nii': image(),
      'sub-08/run-1_T1w.json': {},
      'T1w.json': SIEMENS,
      'participants.tsv': 'age\n30\n',
    })
    const { problems, cohort } = await readBidsCohort(root, { target: 'Skyra' })
    expect(problems.map(({ code, image: at }) => `${code} ${at ?? ''}`)).toEqual([
      'unknown-target ',
      'unreadable-table ',
      `different-grids ${t1('01', 'B')}`,
      `unfetched-image ${t1('02', 'A')}`,
      `unreadable-image ${t1('03', 'A')}`,
      'duplicate-row sub-04/anat/sub-04_T1w.nii.gz',
      'misplaced-image sub-05/anat/sub-06_T1w.nii',
      'unreadable-sidecar sub-07/anat/sub-07_T1w.nii',
      'unreadable-sidecar sub-08/anat/sub-08_run-1_T1w.nii',
    ])
    expect(cohort.scans).toHaveLength(9)
    const error = (await requireCohort(root).catch((cause: unknown) => cause)) as Error
    expect(error).toBeInstanceOf(InputError)
    expect(error.message).toMatch(/8 problems:\n(- .*\n){8}Correct the dataset/)
    expect(error.message).toMatch(/- sub-02\/.*nii\.gz: It is a link to nothing.*datalad get sub-02/)
    expect(error.message).toMatch(/\/sub-08\/run-1_T1w\.json and .*\/sub-08\/sub-08_T1w\.json both describe/)
  })
  it('linked images are read where their content is here', async () => {
    const { problems } = await read({
      '.git/annex/objects/key.nii.gz': image(),
      [t1('01', 'A')]: link('../../../.git/annex/objects/key.nii.gz'),
    })
    expect(problems).toEqual([])
  })
  it('participants who are not listed, and images without a name, are said but do not stop', async () => {
    const dataset = await read({
      [t1('01', 'A')]: image(),
      [t1('02', 'A')]: image(),
      'sub-01/ses-A/anat/IXI012.nii.gz': image(),
      'participants.tsv': tsv('participant_id age', 'sub-02 40', 'sub-99 50'),
    })
    expect(dataset.problems).toEqual([])
    expect(dataset.notes.slice(1)).toEqual([
      '1 image is left out for names that are not of BIDS, such as sub-01/ses-A/anat/IXI012.nii.gz.',
      'participants.tsv has no row for sub-01: their covariates are n/a.',
    ])
  })
  it('a folder without description is no dataset, and options of datasets mean nothing for a manifest', async () => {
    await expect(requireCohort(folder)).rejects.toThrow(/without dataset_description\.json/)
    const manifest = join(folder, 'cohort.tsv')
    await writeFile(manifest, tsv('subject domain image'))
    await expect(requireCohort(manifest, { suffix: 'T2w' })).rejects.toThrow(/--suffix and --domain-from/)
  })
})

describe.skipIf(dataFolder === undefined)('one man on 19 scanners (spine-generic)', () => {
  it('every site is a domain of its own, with what participants.tsv says', async () => {
    const source = join(dataFolder as string, 'spine-generic-metadata')
    const root = join(folder, 'spine')
    await cp(source, root, { recursive: true })
    const { rows } = await readTable(join(source, 'participants.tsv'))
    for (const { participant_id: id } of rows)
      await writeFile(join(root, `${id}/anat/${id}_T1w.nii`), image())
    const dataset = await readBidsCohort(root)
    expect(dataset.problems).toEqual([])
    const of = new Map(dataset.cohort.scans.map((scan) => [scan.subject, scan]))
    expect(new Set([...of.values()].map(({ domain }) => domain)).size).toBe(19)
    expect(of.get('sub-ucl')?.domain).toBe('Philips_Achieva_3T_38023')
    expect(of.get('sub-perform')?.domain).toBe('GE_DISCOVERY-MR750_3T') // its serial number was removed
    expect(of.get('sub-unf')?.domain).toBe('Siemens_Prisma-fit_3T_167006')
    expect(dataset.notes[0]).toMatch(/DeviceSerialNumber \(18 of 19\)/)
    for (const { participant_id: id, ...cells } of rows)
      expect(of.get(id as string)?.covariates).toEqual(cells)
  })
})
