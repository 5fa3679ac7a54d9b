import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { attune } from '../../test/attune.ts'
import { requireCohort } from '../cohort/manifest.ts'
import { packageFile } from '../package-root.ts'

const work = mkdtempSync(join(tmpdir(), 'attune-'))
afterAll(() => rmSync(work, { recursive: true }))

describe('attune demo', () => {
  it('leaves alone a folder that holds something else', async () => {
    const folder = join(work, 'thesis')
    mkdirSync(folder)
    writeFileSync(join(folder, 'chapter-1.txt'), 'It was')
    const { code, stderr } = await attune('demo', folder, '--engine', 'wasm')
    expect(code).toBe(2)
    expect(stderr).toContain('holds no demo')
    expect(existsSync(join(folder, 'demo.json'))).toBe(false)
  })

  it('does not continue a demo that was begun with other settings', async () => {
    const folder = join(work, 'begun')
    mkdirSync(folder)
    writeFileSync(join(folder, 'demo.json'), '{ "engine": "abacus" }\n')
    const { code, stderr } = await attune('demo', folder, '--engine', 'wasm')
    expect(code).toBe(2)
    expect(stderr).toContain('--overwrite')
  })

  it.each(['0', 'many'])('refuses --steps %s before anything is made', async (steps) => {
    const folder = join(work, 'none')
    const { code, stdout } = await attune('demo', folder, '--steps', steps, '--json')
    expect(code).toBe(2)
    expect(JSON.parse(stdout).error.code).toBe('E_CONFIG')
    expect(existsSync(folder)).toBe(false)
  })
})

it('ships the real scan that the demo reads, whole and by halves', async () => {
  for (const name of ['pair', 'left', 'right']) {
    const { scans } = await requireCohort(packageFile(`data/samples/${name}.tsv`), { target: 'prisma-norm' })
    expect(scans.map(({ domain }) => domain)).toEqual(['prisma-raw', 'prisma-norm'])
  }
})
