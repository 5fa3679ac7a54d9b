import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Tree, writeDataset } from '../../../test/fixtures/bids.ts'
import { temporaryFolder } from '../../../test/fixtures/nifti.ts'
import { InputError } from '../../errors.ts'
import { readBidsDataset } from './dataset.ts'
import type { JsonObject } from './json.ts'
import { sidecarReader } from './sidecar.ts'

const folder = await temporaryFolder()
let count = 0

/** The sidecar of the one image whose name holds `which`. */
async function sidecarOf(tree: Tree, which: string): Promise<JsonObject> {
  const root = join(folder, String(count++))
  await writeDataset(root, tree)
  const dataset = await readBidsDataset(root)
  const image = dataset.files.find(({ path }) => path.includes(which) && path.endsWith('.nii.gz'))
  return sidecarReader(dataset)(image!)
}

const IMAGE = 'sub-01/ses-A/anat/sub-01_ses-A_acq-fast_T1w.nii.gz'

describe('sidecars', () => {
  it('are inherited from four levels: what stands nearer replaces, what stands above remains', async () => {
    const tree = {
      [IMAGE]: '',
      'T1w.json': { from: 'root', root: 1 },
      'acq-slow_T1w.json': { from: 'another acquisition' },
      'T2w.json': { from: 'another suffix' },
      'sub-01/sub-01_acq-fast_T1w.json': { from: 'subject', subject: 1 },
      'sub-01/ses-A/sub-01_ses-A_T1w.json': { from: 'session', session: 1 },
      'sub-01/ses-A/sub-01_ses-B_T1w.json': { from: 'another session' },
      'sub-01/ses-A/anat/sub-01_ses-A_acq-fast_T1w.json': { from: 'image', image: [1, 2] },
      'sub-02/sub-01_T1w.json': { from: 'another folder' },
    }
    expect(await sidecarOf(tree, 'acq-fast')).toEqual({
      from: 'image',
      root: 1,
      subject: 1,
      session: 1,
      image: [1, 2],
    })
  })
  it('are empty where there is none', async () => {
    expect(await sidecarOf({ [IMAGE]: '', 'bold.json': { a: 1 } }, 'acq-fast')).toEqual({})
  })
  it('named as the image win over a more general one in the same folder', async () => {
    const tree = {
      'sub-01/anat/sub-01_T1w.nii.gz': '',
      'sub-01/anat/sub-01_T1w.json': { from: 'plain' },
      'sub-01/anat/sub-01_acq-fast_T1w.nii.gz': '',
      'sub-01/anat/sub-01_acq-fast_T1w.json': { from: 'fast' },
    }
    expect(await sidecarOf(tree, 'acq-fast')).toEqual({ from: 'fast' })
    expect(await sidecarOf(tree, 'sub-01_T1w')).toEqual({ from: 'plain' })
  })
  it('two that apply at one level are an error that names both', async () => {
    const tree = { [IMAGE]: '', 'T1w.json': {}, 'acq-fast_T1w.json': {} }
    const error = await sidecarOf(tree, 'acq-fast').catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(InputError)
    expect((error as Error).message).toMatch(
      /\/T1w\.json and .*\/acq-fast_T1w\.json both describe .*acq-fast_T1w\.nii\.gz/,
    )
  })
  it.each([
    ['{"EchoTime": 0.003,}', /T1w\.json: is not JSON/],
    ['[1, 2]', /T1w\.json: holds no JSON object/],
    ['null', /holds no JSON object/],
    ['', /is not JSON/],
  ])('%j is an error that names the file', async (content, message) => {
    await expect(sidecarOf({ [IMAGE]: '', 'T1w.json': content }, 'acq-fast')).rejects.toThrow(message)
  })
  it('may begin with a byte order mark', async () => {
    expect(await sidecarOf({ [IMAGE]: '', 'T1w.json': '\uFEFF{"a": 1}' }, 'acq-fast')).toEqual({ a: 1 })
  })
})
