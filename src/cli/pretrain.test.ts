import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { attune, type Ended } from '../../test/attune.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { head } from '../../test/head.ts'
import { readUniversalRun } from '../../training/universal-run.ts'
import { writeNifti } from '../formats/nifti/write.ts'
import { readBundle } from '../harmonizer/bundle.ts'

const folder = await temporaryFolder()
const named = await readUniversalRun('universal-t2w')
const few = { heads: 1, scansPerHead: 1 }
const run = { ...named, ...few, name: 'small', anatomies: ['synthseg-06'], tone: { ...named.tone, ...few } }
const out = join(folder, 'small.harmonizer')

async function written(name: string, change: object): Promise<string> {
  const path = join(folder, `${name}.json`)
  await writeFile(path, JSON.stringify({ ...run, ...change }))
  return path
}

describe('a universal harmonizer of T2-weighted heads', () => {
  let ended: Ended
  beforeAll(async () => {
    ended = await attune('pretrain', await written('small', {}), '--steps', '2', '--out', out, '--json')
  }, 120_000)

  it('is trained, as many steps in each pass as asked, and says what it maps to', async () => {
    expect(ended).toMatchObject({ code: 0 })
    const { manifest, files } = await readBundle(out)
    expect(JSON.parse(ended.stdout)).toMatchObject({ path: out, target: 'canonical-t2w' })
    expect(manifest.training.options).toMatchObject({
      ...{ steps: 2, 'furtherPasses.steps': 2, 'tone.steps': 2, passes: 2 },
    })
    expect(Object.keys(files)).toEqual(expect.arrayContaining(['curves-2.onnx', 'curves-3.onnx']))
    expect(await readFile(join(out, 'card.md'), 'utf8')).toMatch(
      /T2-weighted images of heads.*turbo spin echo/s,
    )
  })

  it('refuses an image that is named as another contrast', async () => {
    const image = join(folder, 'sub-1_T1w.nii.gz')
    await writeNifti(image, head({ noise: 0, voxel: 4 }))
    const { code, stderr } = await attune('apply', out, image, join(folder, 'mapped.nii.gz'))
    expect(code).toBe(3)
    expect(stderr).toMatch(/The image is T1w, the training images .* are T2w/)
    expect(existsSync(join(folder, 'mapped.nii.gz'))).toBe(false)
  })
})

it.each([
  ['a contrast that cannot be simulated so', { contrast: 'CT' }, /contrast/],
  ['an anatomy that is none', { anatomies: ['nobody'] }, /no anatomy "nobody".*synthseg-01/s],
  ['more passes than a bundle holds', { passes: 3 }, /at most 3, together with that of the tone.*passes/s],
])('ends with 2 and writes nothing for %s', async (name, change, says) => {
  const place = join(folder, `${name.replaceAll(' ', '-')}.harmonizer`)
  const { code, stderr } = await attune('pretrain', await written('wrong', change), '--out', place)
  expect(code).toBe(2)
  expect(stderr).toMatch(says)
  expect(existsSync(place)).toBe(false)
})
