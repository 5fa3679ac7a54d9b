import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { packageFile } from '../src/package-root.ts'

/** Runs vitest with our reporter on test files given as text; the last lines it prints, and how it ends. */
function closingLines(files: Record<string, string>): Promise<{ code: number; lines: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'attune-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  symlinkSync(packageFile('node_modules'), join(folder, 'node_modules'))
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(folder, name), `import { expect, it } from 'vitest'\n${text}\n`)
  const vitest = packageFile('node_modules/vitest/vitest.mjs')
  const words = [
    vitest,
    'run',
    '--root',
    folder,
    '--reporter=default',
    `--reporter=${packageFile('test/reporter.ts')}`,
  ]
  return new Promise((resolve) => {
    execFile(process.execPath, words, { cwd: folder }, (error, stdout) => {
      resolve({
        code: error === null ? 0 : Number(error.code),
        lines: stdout.trimEnd().split('\n').slice(-2),
      })
    })
  })
}

it('counts what passed, alone on the last line', async () => {
  const { code, lines } = await closingLines({
    'a.test.js': `it('a', () => {}); it.each([1, 2])('b %s', () => {})`,
  })
  expect({ code, last: lines.at(-1) }).toEqual({ code: 0, last: '3 passed, 0 failed' })
})

it('counts failures, files that do not load among them, and names skips on the line before', async () => {
  const { code, lines } = await closingLines({
    'a.test.js': `it('a', () => {}); it('b', () => expect(1).toBe(2)); it.skip('c', () => {})`,
    'b.test.js': `throw new Error('does not load')`,
  })
  expect({ code, lines }).toEqual({ code: 1, lines: ['1 skipped', '1 passed, 2 failed'] })
})
