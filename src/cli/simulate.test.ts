/** What the options of `attune simulate` ask of the simulator, and which it refuses; what the simulator does is tested beside it. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { attune } from '../../test/attune.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { readNifti } from '../formats/nifti/read.ts'

const folder = await temporaryFolder()
const SMALL = ['--subjects', '1', '--scanners', '2', '--rescans', '0', '--voxel', '4']

it('hands noise, k-space and field to every scanner but the reference', async () => {
  const { code, stdout } = await attune(
    'simulate',
    join(folder, 'one'),
    ...SMALL,
    ...['--channels', '8', '--g-factor', '3', '--acquired', '5,5,6', '--window', 'hann', '--preset', '7t'],
    '--json',
  )
  expect(code).toBe(0)
  const [reference, other] = JSON.parse(stdout).scanners
  expect(reference).toMatchObject({ fieldTesla: 3 })
  expect(reference).not.toHaveProperty('noise')
  expect(other).toMatchObject({
    fieldTesla: 7,
    noise: { channels: 8, gFactor: 3 },
    kSpace: { acquiredMm: [5, 5, 6], window: 'hann' },
  })
})

it('leaves the noise out if asked: air is nothing', async () => {
  const out = join(folder, 'three')
  const { code, stdout } = await attune('simulate', out, ...SMALL, '--channels', '8', '--noiseless')
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/scanner-B .* T, without noise/),
  })
  for (const letter of ['A', 'B']) {
    const { volume } = await readNifti(
      join(out, `sub-01/ses-${letter}1/anat/sub-01_ses-${letter}1_T1w.nii.gz`),
    )
    const air = volume.data.filter((value: number) => value === 0).length
    expect(air / volume.data.length).toBeGreaterThan(0.2)
  }
})

it.each([
  [['--window', 'hann'], '--window is given without --acquired'],
  [['--acquired', '3,3'], '--acquired is "3,3"'],
  [['--acquired', '3,3,3', '--window', 'box'], 'There is no kSpace.window "box"'],
  [['--motion', '3'], '--motion is "3"'],
  [['--change', 'hippocampus'], '--change is "hippocampus"'],
  [['--change', 'nose:5'], 'There is no region "nose"'],
  [['--confounding', '0.5'], 'Traveling subjects visit every site'],
])('refuses %j with status 2', async (words, message) => {
  const { code, stderr } = await attune('simulate', join(folder, 'two'), ...SMALL, ...words)
  expect(stderr).toContain(message)
  expect(code).toBe(2)
})
