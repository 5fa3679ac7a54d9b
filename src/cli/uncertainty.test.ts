/** `attune train --uncertainty`, `attune apply --uncertainty` and what `validate` says of the maps, as their users meet them. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { attune } from '../../test/attune.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { gainCohort } from '../../test/gain-cohort.ts'

const folder = await temporaryFolder()
const at = (name: string): string => join(folder, name)
let cohort = ''
const trained = (out: string, ...words: readonly string[]) =>
  attune('train', cohort, '--target', 't', '--method', 'tone', '--out', at(out), ...words)
beforeAll(async () => {
  cohort = await gainCohort(at('cohort'), [1, 2, 3, 4, 5])
  const { code, stderr } = await trained('t.harmonizer', '--uncertainty')
  expect({ code, stderr }).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/uncertainty: 25 harmonizations of 5 scans of people left out/),
  })
  expect(await trained('plain.harmonizer')).toMatchObject({ code: 0, stderr: '' })
}, 60_000)

const image = (): string => at('cohort/1a.nii')

it('writes the map, and says as data whether it is calibrated and by how many people', async () => {
  const words = ['apply', at('t.harmonizer'), image(), at('out.nii'), '--source', 'a']
  const { code, stdout, stderr } = await attune(...words, '--uncertainty', at('half.nii'), '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(JSON.parse(stdout).uncertainty).toMatchObject({
    ...{ name: 'half.nii', level: 0.9, people: 5, calibrated: true, sha256: expect.any(String) },
  })
  expect(existsSync(at('half.nii'))).toBe(true)
})

it('writes one beside each image of a cohort', async () => {
  const ended = await attune('apply', at('t.harmonizer'), cohort, at('all'), '--force', '--uncertainty')
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/5 harmonized, 5 of the target/) })
  expect(existsSync(at('all/3a_uncertainty.nii'))).toBe(true)
})

it.each([
  [
    'a bundle without folds',
    3,
    'plain.harmonizer',
    ['--uncertainty', 'x.nii'],
    /no models of folds.*Train with --uncertainty/s,
  ],
  ['a map without a name', 2, 't.harmonizer', ['--uncertainty'], /names no file/],
])('refuses %s, and writes nothing', async (_, status, bundle, words, message) => {
  const { code, stderr } = await attune(
    ...['apply', at(bundle), image(), at('none.nii'), '--source', 'a'],
    ...words.map((word) => (word.endsWith('.nii') ? at(word) : word)),
  )
  expect({ code, stderr }).toEqual({ code: status, stderr: expect.stringMatching(message) })
  expect(existsSync(at('none.nii'))).toBe(false)
})

it('refuses a file name for a cohort, and a cohort where the bundle holds no folds, before any scan', async () => {
  const named = await attune('apply', at('t.harmonizer'), cohort, at('no'), '--uncertainty', at('x.nii'))
  expect(named).toMatchObject({ code: 2, stderr: expect.stringMatching(/names one file/) })
  const bare = await attune('apply', at('plain.harmonizer'), cohort, at('no'), '--uncertainty')
  expect(bare).toMatchObject({ code: 3, stderr: expect.stringMatching(/no models of folds/) })
  expect(existsSync(at('no'))).toBe(false)
})
