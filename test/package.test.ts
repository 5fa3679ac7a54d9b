/** What a user gets: the tarball of `npm pack`, installed into an empty folder. Needs dist, which `npm test` builds. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { packageFile } from '../src/package-root.ts'

const execute = promisify(execFile)
const work = mkdtempSync(join(tmpdir(), 'attune-'))
const user = join(work, 'user')
let unreachable = ''

beforeAll(async () => {
  if (!existsSync(packageFile('dist'))) throw new TypeError('npm run build comes first')
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', work]
  const { stdout } = await execute('npm', pack, { cwd: packageFile('.') })
  mkdirSync(user)
  writeFileSync(join(user, 'package.json'), '{ "private": true }')
  const patience = ['--prefer-offline', '--fetch-retries=0', '--fetch-timeout=20000']
  const install = [
    'install',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    ...patience,
    join(work, stdout.trim()),
  ]
  await execute('npm', install, { cwd: user }).catch(({ stderr }: { stderr: string }) => {
    const [code] = /E(NOTFOUND|CONNREFUSED|CONNRESET|TIMEDOUT|AI_AGAIN|NETUNREACH)/.exec(stderr) ?? []
    if (code === undefined) throw new TypeError(`npm install failed:\n${stderr}`)
    unreachable = `the package registry cannot be reached (${code})`
    process.stdout.write(`${unreachable}: the tests of the installed package are skipped\n`)
  })
}, 180_000)
afterAll(() => rmSync(work, { recursive: true }))

function attune(...words: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return execute(join(user, 'node_modules', '.bin', 'attune'), words, { cwd: user })
}

it('shows its help', async ({ skip }) => {
  skip(unreachable !== '', unreachable)
  expect((await attune('--help')).stdout).toMatch(/^attune <command>/)
})

it('exports the library, the trainer and the validator, with types', async ({ skip }) => {
  skip(unreachable !== '', unreachable)
  const { exports } = JSON.parse(readFileSync(join(user, 'node_modules', 'attune', 'package.json'), 'utf8'))
  for (const entry of Object.keys(exports).filter((name) => name !== './package.json')) {
    const name = entry.replace(/^\./, 'attune')
    const script = `process.stdout.write(String(Object.keys(await import('${name}')).length > 0))`
    const words = ['--input-type=module', '-e', script]
    expect((await execute(process.execPath, words, { cwd: user })).stdout, name).toBe('true')
    expect(existsSync(join(user, 'node_modules', 'attune', exports[entry].types)), name).toBe(true)
  }
})

it('normalizes an image', async ({ skip }) => {
  skip(unreachable !== '', unreachable)
  const [input, output] = [join(user, 'in.nii'), join(user, 'out.nii.gz')]
  writeFileSync(input, ramp())
  await attune('apply', 'zscore', input, output)
  const written = gunzipSync(readFileSync(output))
  expect(written.length).toBe(352 + 4 * 16 ** 3)
  const values = Array.from({ length: 16 ** 3 }, (_, i) => written.readFloatLE(352 + 4 * i))
  const [low = Number.NaN, high = Number.NaN] = [Math.min(...values), Math.max(...values)]
  expect(low).toBeLessThan(0)
  expect(high).toBeGreaterThan(1)
  expect(readdirSync(user).filter((name) => name.endsWith('.tmp'))).toEqual([])
})

/** A NIfTI-1 file, byte by byte after its specification: 16^3 voxels of 1 mm, float32, a bright cube in the dark. */
function ramp(): Buffer {
  const size = 16
  const file = Buffer.alloc(352 + 4 * size ** 3)
  file.writeInt32LE(348, 0) // sizeof_hdr
  for (const [i, length] of [3, size, size, size, 1, 1, 1, 1].entries()) file.writeInt16LE(length, 40 + 2 * i) // dim
  file.writeInt16LE(16, 70) // datatype: float32
  file.writeInt16LE(32, 72) // bitpix
  for (const [i, length] of [1, 1, 1, 1].entries()) file.writeFloatLE(length, 76 + 4 * i) // pixdim
  file.writeFloatLE(352, 108) // vox_offset
  file.writeFloatLE(1, 112) // scl_slope
  file.writeInt16LE(1, 254) // sform_code
  for (const row of [0, 1, 2]) file.writeFloatLE(1, 280 + 16 * row + 4 * row) // srow_x, srow_y, srow_z
  file.write('n+1\0', 344, 'latin1') // magic
  for (let i = 0; i < size ** 3; i++) {
    const [x, y, z] = [i % size, Math.floor(i / size) % size, Math.floor(i / size ** 2)]
    const inside = [x, y, z].every((k) => k >= 4 && k < 12)
    file.writeFloatLE(inside ? 500 + 10 * x + 5 * y + z : 0, 352 + 4 * i)
  }
  return file
}
