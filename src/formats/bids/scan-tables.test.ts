import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Tree, tsv, writeDataset } from '../../../test/fixtures/bids.ts'
import { temporaryFolder } from '../../../test/fixtures/nifti.ts'
import { readBidsDataset } from './dataset.ts'
import { readScanTables, type ScanTables } from './scan-tables.ts'

const folder = await temporaryFolder()
let count = 0

const IMAGES = {
  'sub-01/ses-A/anat/sub-01_ses-A_T1w.nii.gz': '',
  'sub-01/ses-B/anat/sub-01_ses-B_T1w.nii.gz': '',
  'sub-02/anat/sub-02_T1w.nii.gz': '',
}

/** The tables, and what they say of each of the images above, in their order. */
async function tablesOf(tree: Tree): Promise<{ tables: ScanTables; cells: readonly object[] }> {
  const root = join(folder, String(count++))
  await writeDataset(root, { ...IMAGES, ...tree })
  const dataset = await readBidsDataset(root)
  const tables = await readScanTables(dataset)
  const images = dataset.files.filter(({ name }) => name.suffix === 'T1w')
  return { tables, cells: images.map((file) => tables.cellsOf(file)) }
}

describe('readScanTables', () => {
  it('joins participants, sessions, scans and phenotype; the more special one wins, n/a never does', async () => {
    const { tables, cells } = await tablesOf({
      'participants.tsv': tsv('participant_id sex age site', 'sub-01 F 30 x', 'sub-02 M n/a y'),
      'sub-01/sub-01_sessions.tsv': tsv('session_id age scanner', 'ses-A 31 prisma', 'ses-B n/a skyra'),
      'sub-01/ses-B/sub-01_ses-B_scans.tsv': tsv(
        'filename acq_time site',
        'anat/sub-01_ses-B_T1w.nii.gz 2020-01-01T00:00:00 z',
        'anat/sub-01_ses-B_T2w.nii.gz 2021-01-01T00:00:00 q',
      ),
      'phenotype/moca.tsv': tsv('participant_id session_id total', 'sub-01 ses-B 27', 'sub-02 ses-A 20'),
      'phenotype/hand.tsv': tsv('participant_id side', 'sub-01 left', 'sub-02 right'),
    })
    expect(tables).toMatchObject({ errors: [], notes: [] })
    expect(tables.columns).toEqual(['sex', 'age', 'site', 'scanner', 'acq_time', 'hand.side', 'moca.total'])
    const none = { scanner: 'n/a', acq_time: 'n/a', 'moca.total': 'n/a' }
    expect(cells).toEqual([
      { ...none, sex: 'F', age: '31', site: 'x', scanner: 'prisma', 'hand.side': 'left' },
      {
        sex: 'F',
        age: '30',
        site: 'z',
        scanner: 'skyra',
        acq_time: '2020-01-01T00:00:00',
        'hand.side': 'left',
        'moca.total': '27',
      },
      { ...none, sex: 'M', age: 'n/a', site: 'y', 'hand.side': 'right' },
    ])
  })
  it('takes CRLF, a byte order mark, identifiers without prefix, and paths of Windows', async () => {
    const { tables, cells } = await tablesOf({
      'participants.tsv': '\uFEFFparticipant_id\tage\r\n01\t30\r\n02\t40\r\n',
      'sub-01/sub-01_sessions.tsv': 'session_id\tscanner\r\nA\tprisma\r\n',
      'sub-02/sub-02_scans.tsv': 'filename\tnotes\r\nanat\\sub-02_T1w.nii.gz\tmoved\r\n',
    })
    expect(tables.errors).toEqual([])
    expect(cells).toEqual([
      { age: '30', scanner: 'prisma', notes: 'n/a' },
      { age: '30', scanner: 'n/a', notes: 'n/a' },
      { age: '40', scanner: 'n/a', notes: 'moved' },
    ])
  })
  it('knows who is not listed', async () => {
    const { tables, cells } = await tablesOf({ 'participants.tsv': tsv('participant_id age', 'sub-02 40') })
    const dataset = await readBidsDataset(join(folder, String(count - 1)))
    const images = dataset.files.filter(({ name }) => name.suffix === 'T1w')
    expect(images.map((file) => tables.isListed(file))).toEqual([false, false, true])
    expect(cells).toEqual([{ age: 'n/a' }, { age: 'n/a' }, { age: '40' }])
  })
  it('without any table says nothing of a scan', async () => {
    const { tables, cells } = await tablesOf({})
    expect(tables).toMatchObject({ columns: [], errors: [] })
    expect(cells).toEqual([{}, {}, {}])
  })
  it('collects tables that cannot be joined, and leaves out such ones of phenotype', async () => {
    const { tables } = await tablesOf({
      'participants.tsv': tsv('participant_id age', 'sub-01 30', '01 31'),
      'sub-01/sub-01_sessions.tsv': tsv('name scanner', 'ses-A prisma'),
      'sub-02/sub-02_scans.tsv': 'filename\tnotes\nanat/x\n',
      'phenotype/moca.tsv': tsv('participant_id total', 'sub-01 20', 'sub-01 21'),
    })
    expect(tables.errors.map(({ what }) => what.slice(what.lastIndexOf('/') + 1))).toEqual([
      'participants.tsv: row 2 is a second one of sub-01.',
      'sub-01_sessions.tsv: has no column session_id, only name, scanner.',
      expect.stringMatching(/^sub-02_scans\.tsv: is not a table/),
    ])
    expect(tables.notes).toEqual([
      expect.stringMatching(/left out: .*moca\.tsv: row 2 is a second one of sub-01/),
    ])
  })
})
