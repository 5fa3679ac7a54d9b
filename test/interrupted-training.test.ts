/** `attune train` ended by `kill -9` at random moments, resumed, and stopped by a full or unwritable disk. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { writeNifti } from '../src/formats/nifti/write.ts'
import { random } from '../src/kernels/random.ts'
import { toFloat32, volumeOf } from '../src/volume/volume.ts'
import { nativeFolder } from '../training/engine/native-folder.ts'
import { attune, PROGRAM } from './attune.ts'
import { temporaryFolder } from './fixtures/nifti.ts'
import { head } from './head.ts'

const folder = await temporaryFolder()
const cohort = join(folder, 'cohort.tsv')
const config = join(folder, 'config.yaml')
const installed = existsSync(nativeFolder()) ? ['native', 'wasm'] : ['wasm']
if (installed.length === 1) process.stdout.write('native engine is not installed: its tests are skipped\n')

beforeAll(async () => {
  const source = head({ noise: 4, voxel: 6 })
  const [nx] = source.shape
  const brighter = toFloat32(source).map((v, i) => v * (2 + (0.5 * (i % nx)) / nx))
  await writeNifti(join(folder, 'a.nii'), source)
  await writeNifti(join(folder, 't.nii'), volumeOf(source, brighter))
  await writeFile(cohort, 'subject\tdomain\timage\n1\ta\ta.nii\n1\tt\tt.nii\n')
  // the first checkpoint is written after step 25
  await writeFile(config, 'steps: 32\nbatch: 1\nbins: 3\n')
})

const words = (engine: string, out: string): string[] => [
  ...[
    'train',
    cohort,
    '--target',
    't',
    '--method',
    'local-tone',
    '--engine',
    engine,
    '--config',
    config,
    '--out',
    out,
  ],
]

/** `attune WORDS` on a fixed number of threads, to be killed. */
function start(...args: readonly string[]): { child: ChildProcess; ended: Promise<void> } {
  const child = spawn(process.execPath, [...PROGRAM, ...args], {
    stdio: 'ignore',
  })
  return { child, ended: new Promise((resolve) => child.on('close', () => resolve())) }
}

/** Every file of a bundle. */
async function contents(bundle: string): Promise<Record<string, string>> {
  const names = (await readdir(bundle)).sort()
  const files = await Promise.all(names.map((name) => readFile(join(bundle, name), 'base64')))
  return Object.fromEntries(names.map((name, i) => [name, files[i]!]))
}

describe.each(installed)('kill -9 on %s', (engine) => {
  it('at random moments, then --resume, gives the bundle of a training without interruption', async () => {
    process.env['TF_NUM_INTRAOP_THREADS'] = '2'
    const place = join(folder, engine)
    await mkdir(place)
    const whole = join(folder, `whole-${engine}`, 'x.harmonizer')
    expect(await attune(...words(engine, whole))).toMatchObject({ code: 0 })
    const out = join(place, 'x.harmonizer')
    const checkpoint = `${out}.checkpoint`
    const rng = random(4, engine)

    // anywhere from the start on: before the images are read, or in the midst of steps
    const first = start(...words(engine, out))
    await wait(rng.between(300, 4000))
    first.child.kill('SIGKILL')
    await first.ended
    expect(existsSync(out)).toBe(false)

    // after the first checkpoint, while steps go on
    const second = start(...words(engine, out), '--resume')
    while (!existsSync(checkpoint) && second.child.exitCode === null) await wait(20)
    await wait(rng.between(0, 400))
    second.child.kill('SIGKILL')
    await second.ended
    const interrupted = existsSync(checkpoint)
    expect(existsSync(out)).toBe(!interrupted)

    if (interrupted) {
      const { code, stderr } = await attune(...words(engine, out), '--resume')
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: expect.stringContaining('resumed after step 25 of 32'),
      })
    }
    expect(await contents(out)).toEqual(await contents(whole))
    expect((await readdir(place)).filter((name) => !name.startsWith('.attune-'))).toEqual(['x.harmonizer'])
  }, 180_000)
})

describe('a place that cannot be written', () => {
  it('ends with 5 before anything is computed, and leaves nothing', async () => {
    const out = join(cohort, 'x.harmonizer') // below a file: root may write anywhere else
    const before = await readdir(folder)
    const { code, stdout, stderr } = await attune(...words('wasm', out))
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' })
    expect(stderr).toMatch(/x\.harmonizer cannot be written: .*\n.*permissions/)
    expect(stderr).not.toMatch(/engine:/)
    expect(await readdir(folder)).toEqual(before)
  })

  it('ends an apply with 5, and leaves nothing', async () => {
    const { code, stderr } = await attune('apply', 'zscore', join(folder, 'a.nii'), join(cohort, 'out.nii'))
    expect(code).toBe(5)
    expect(stderr).toMatch(/out\.nii cannot be written: .*\n.*permissions/)
  })
})

const fullDisk = (size: string, ...args: readonly string[]) => {
  const disk = join(folder, 'disk')
  const run = `mount -t tmpfs -o size=${size} none "$0" && { "$@"; code=$?; ls -A "$0" >&2; exit $code; }`
  const command = [process.execPath, ...PROGRAM, ...args]
  const namespace = ['--mount', '--map-root-user', 'sh', '-c', run, disk, ...command]
  return spawnSync('unshare', namespace, { encoding: 'utf8' })
}
const mayMount =
  spawnSync('unshare', ['--mount', '--map-root-user', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0
if (!mayMount) process.stdout.write('no file system can be mounted here: tests of a full disk are skipped\n')

describe.skipIf(!mayMount)('a full disk', () => {
  beforeAll(() => mkdir(join(folder, 'disk'), { recursive: true }))

  it('ends an apply with 5, and leaves no part of the image', () => {
    const out = join(folder, 'disk', 'out.nii')
    const { status, stderr } = fullDisk('16k', 'apply', 'zscore', join(folder, 'a.nii'), out)
    expect(status).toBe(5)
    expect(stderr).toMatch(/out\.nii cannot be written: .*ENOSPC.*\n.*free space.*\n$/)
  })

  it('ends a training with 5 at its first checkpoint, and leaves no part of it', () => {
    const { status, stderr } = fullDisk('16k', ...words(installed[0]!, join(folder, 'disk', 'x.harmonizer')))
    expect(status).toBe(5)
    expect(stderr).toMatch(/x\.harmonizer\.checkpoint cannot be written: .*ENOSPC.*\n.*free space.*\n$/)
  })

  it('ends a training with 5 when the bundle does not fit, and leaves no part of it', () => {
    const out = join(folder, 'disk', 'x.harmonizer')
    const { status, stderr } = fullDisk(
      '8k',
      'train',
      cohort,
      '--target',
      't',
      '--method',
      'tone',
      '--out',
      out,
    )
    expect(status).toBe(5)
    expect(stderr).toMatch(/cannot be written: .*ENOSPC.*\n.*free space.*\n$/)
  })
})
