import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { temporaryFolder } from '../../../test/fixtures/nifti.ts'
import { ignoreRule } from './ignore.ts'

const PATHS = [
  'cohort.tsv',
  'a.html',
  'sub-01/figures/a.png',
  'sub-01/figures/deep/a.html',
  'figures/a.png',
  'logs/run.txt',
  'logs',
  'sub-01/logs/run.txt',
  'sub-01/ses-A/anat/sub-01_ses-A_T1w.nii.gz',
  'sub-01/ses-A/anat/sub-01_ses-A_T2w.nii.gz',
  'sub-02/anat/sub-02_T1w.nii.gz',
  'extra/keep.txt',
  'extra/drop.txt',
  'a+b(c).txt',
  'aXb.txt',
  '#hash',
  '!mark',
  'x [1].txt',
] as const

const RULES = [
  'cohort.tsv\n',
  '*.html\nlogs/\n',
  '/logs/\n',
  'figures\n',
  'figures/\n',
  '**/figures/**\n',
  'sub-01/**/*_T1w.nii.gz\n',
  '**/anat/*_T?w.nii.gz\n',
  '*_T[1]w.nii.gz\n!sub-02_T1w.nii.gz\n',
  '*_T[!1]w.nii.gz\n',
  'extra/*\n!extra/keep.txt\n',
  'extra/\n!extra/keep.txt\n',
  'a+b(c).txt\n',
  '# comment\r\n\r\ncohort.tsv\r\n',
  '\\#hash\n\\!mark\n',
  'sub-0[12]\n',
  '*\n!*/\n!*.gz\n',
  'sub-01/*.png\n',
  'x \\[1\\].txt\n',
  '/**\n',
  'a?b.txt  \n',
]

const git = (folder: string, words: readonly string[], input?: string) =>
  spawnSync('git', words, { cwd: folder, encoding: 'utf8', input: input ?? '' })
const folder = await temporaryFolder()

beforeAll(() => {
  expect(git(folder, ['init', '-q']).status).toBe(0)
})

it.each(RULES)('%j ignores what git ignores', async (rules) => {
  await writeFile(join(folder, '.gitignore'), rules)
  const words = ['-c', 'core.quotePath=false', 'check-ignore', '--no-index', '--stdin']
  const { stdout } = git(folder, words, PATHS.join('\n'))
  expect(PATHS.filter(ignoreRule(rules))).toEqual(stdout.split('\n').filter((line) => line !== ''))
})
