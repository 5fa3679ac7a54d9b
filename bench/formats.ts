/** A NIfTI image of 192 x 256 x 256, int16: read and written in one process, beside nibabel; and each step alone. Needs dist. */
import { spawnSync } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MissingError } from '../src/errors.ts'
import { readNifti } from '../src/formats/nifti/read.ts'
import { writeNifti } from '../src/formats/nifti/write.ts'
import { packageFile } from '../src/package-root.ts'
import { largeHead } from './apply.ts'
import { type Cost, costOf, costOfPython, leastOf } from './process-cost.ts'
import { fixed, publish, type Section, say } from './result.ts'
import { workplace } from './workplace.ts'

const RUNS = 5
const LEVELS = [1, 6] as const
const VOLUME_MIB = (192 * 256 * 256 * 2) / 2 ** 20

export async function formats(words: readonly string[]): Promise<void> {
  const input = await largeHead()
  const sections = [await besideNibabel(input), await alone(input)]
  await publish('formats', 'NIfTI, 192 x 256 x 256, int16', words, sections)
}

/** As programs that do nothing else: both load only what they need, keep int16 as it is stored, and write .nii.gz. */
const module = (name: string): string =>
  JSON.stringify(pathToFileURL(packageFile(`dist/src/formats/nifti/${name}.js`)).href)
const ATTUNE = `
const { readNifti } = await import(${module('read')})
const { writeNifti } = await import(${module('write')})
const [input, output, level] = process.argv.slice(1)
if (input !== undefined) {
  const { volume, header } = await readNifti(input)
  await writeNifti(output, volume, { like: header, dtype: 'same', gzipLevel: Number(level) })
}`
const NIBABEL = `
import nibabel
import numpy
if len(sys.argv) > 1:
    source, output, level = sys.argv[1:]
    nibabel.openers.Opener.default_compresslevel = int(level)
    image = nibabel.load(source)
    nibabel.save(nibabel.Nifti1Image(numpy.asanyarray(image.dataobj), image.affine, image.header), output)
`

async function besideNibabel(input: string): Promise<Section> {
  const python = process.env['ATTUNE_PYTHON']
  if (python === undefined)
    throw new MissingError('ATTUNE_PYTHON is not set.', 'Name an interpreter that has nibabel and numpy.')
  const programs: readonly (readonly [string, (words: readonly string[]) => Cost])[] = [
    ['nibabel', (words) => costOfPython(python, NIBABEL, words)],
    ['attune', (words) => costOf(['--input-type=module', '-e', ATTUNE, ...words])],
  ]
  const output = (name: string): string => join(workplace, `formats-${name}.nii.gz`)
  /** By turns, so that what slows the machine for a while slows both. */
  const measured = (wordsFor: (name: string) => readonly string[]): Cost[] => {
    const rounds = Array.from({ length: RUNS }, () => programs.map(([name, run]) => run(wordsFor(name))))
    return programs.map((_, k) => leastOf(rounds.map((costs) => costs[k] as Cost)))
  }
  const starts = measured(() => [])
  const rows: string[][] = []
  for (const level of LEVELS) {
    say(`level ${level}`)
    const wholes = measured((name) => [input, output(name), String(level)])
    for (const [k, [name]] of programs.entries()) {
      const [start, whole] = [starts[k] as Cost, wholes[k] as Cost]
      rows.push([
        name,
        String(level),
        ...[start.cpu, whole.cpu, whole.cpu - start.cpu, whole.wall].map((value) => fixed(value, 2)),
        fixed((await stat(output(name))).size / 1e6, 2),
        fixed(start.peak, 0),
        `${fixed(whole.peak, 0)} (${fixed(whole.peak / VOLUME_MIB, 1)} x)`,
      ])
    }
  }
  return {
    title: 'Read and written, beside nibabel',
    columns: [
      'program',
      'gzip level',
      'start-up CPU, s',
      'whole CPU, s',
      'difference, s',
      'whole wall, s',
      'written, MB',
      'start-up peak, MiB',
      'whole peak, MiB',
    ],
    rows,
    notes: [
      `Each a process of its own, by turns, least of ${RUNS} runs: the program loaded (start-up), then one .nii.gz read and written with its stored samples. ` +
        `CPU is user and system time of all threads, peaks are resident memory of the process; "x" is in volumes of ${fixed(VOLUME_MIB, 0)} MiB (goal: below 6). ` +
        `${versions(python)}; 1 is the level that both take by default. attune also checks the gzip checksum, hashes input and output (SHA-256) and waits until the file is on the disk.`,
    ],
  }
}

function versions(python: string): string {
  const program =
    'import nibabel, numpy, platform\nprint(f"nibabel {nibabel.__version__}, numpy {numpy.__version__}, Python {platform.python_version()}")'
  return spawnSync(python, ['-c', program], { encoding: 'utf8' }).stdout.trim()
}

async function alone(input: string): Promise<Section> {
  const { volume, header } = await readNifti(input)
  const rows: string[][] = []
  const plain = join(workplace, 'formats.nii')
  const cases = [
    ['.nii', plain, undefined],
    ...LEVELS.map((level) => [`.nii.gz, level ${level}`, `${plain}.gz`, level] as const),
  ] as const
  for (const [name, path, gzipLevel] of cases) {
    const options = { like: header, dtype: 'same', ...(gzipLevel !== undefined && { gzipLevel }) } as const
    const write = await leastWall(() => writeNifti(path, volume, options))
    const read = await leastWall(() => readNifti(path))
    rows.push([name, fixed(read, 2), fixed(write, 2), fixed((await stat(path)).size / 1e6, 1)])
  }
  const notes = [`Wall time, least of ${RUNS} runs, in a program that has run for a while.`]
  return { title: 'Each step alone', columns: ['file', 'read, s', 'write, s', 'MB'], rows, notes }
}

async function leastWall(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const started = performance.now()
    await work()
    times.push((performance.now() - started) / 1000)
  }
  return Math.min(...times)
}
