/** The whole `attune apply` command on one head of 192 x 256 x 256 voxels, int16, gzip in and out. Needs dist. */
import { basename, join } from 'node:path'
import { simulateCohort } from '../data/generators/simulate.ts'
import { readNifti } from '../src/formats/nifti/read.ts'
import { writeNifti } from '../src/formats/nifti/write.ts'
import type { Method } from '../src/harmonizer/method.ts'
import { packageFile } from '../src/package-root.ts'
import { type Shape, toFloat32, type Volume, volumeOf } from '../src/volume/volume.ts'
import { train } from '../training/train.ts'
import { leastCost } from './process-cost.ts'
import { fixed, publish, say } from './result.ts'
import { exists, workplace } from './workplace.ts'

const SHAPE = [192, 256, 256] as const
const SEED = 7
const RUNS = 5
/** Each with what follows it on the command line, one row for each. */
const METHODS: Readonly<Partial<Record<Method, readonly (readonly string[])[]>>> = {
  ...{ identity: [[]], zscore: [[]], histogram: [[]], tone: [[]] },
  'local-tone': [[], ['--uncertainty', join(workplace, 'half-width.nii.gz')]],
  'residual-unet': [
    ['--profile', 'fast'],
    ['--profile', 'quality'],
  ],
}
/** What a network has learned makes no difference to its speed. */
const SHORT: Readonly<Partial<Record<Method, Readonly<Record<string, unknown>>>>> = {
  'local-tone': { steps: 20 },
  'residual-unet': { steps: 2, localTone: { steps: 20 } },
}

export async function apply(words: readonly string[]): Promise<void> {
  const input = await largeHead()
  const cohort = await smallCohort()
  const rows: string[][] = []
  for (const [method, variants] of Object.entries(METHODS) as [Method, readonly (readonly string[])[]][]) {
    say(method)
    const bundle = join(workplace, `apply-${method}.harmonizer`)
    const options = { cohort, target: 'scanner-A', method, out: bundle, overwrite: true }
    await train({ ...options, config: SHORT[method] ?? {}, uncertainty: method === 'local-tone' })
    const output = join(workplace, 'apply-out.nii.gz')
    const command = [
      'apply',
      bundle,
      input,
      output,
      '--source',
      'scanner-B',
      '--dtype',
      'same',
      '--overwrite',
      // trained on heads of 2 mm, which are smoother
      '--force',
    ]
    for (const flags of variants) {
      const run = [packageFile('dist/src/cli/main.js'), ...command, ...flags, '--quiet']
      const { wall, cpu, peak } = leastCost(run, RUNS)
      rows.push([
        [method, ...flags.map((flag) => basename(flag))].join(' '),
        fixed(wall, 2),
        fixed(cpu, 2),
        fixed(peak, 0),
      ])
    }
  }
  await publish('apply', 'attune apply, 192 x 256 x 256', words, [
    {
      columns: ['method', 'wall, s', 'CPU, s', 'peak memory, MiB'],
      rows,
      notes: [
        `The whole command, from its start to its end, least of ${RUNS} runs: int16 .nii.gz in and out (gzip level 1), head found in the image, record written.`,
        'The uncertainty map is that of two folds; a bundle of five or more people has five.',
        'Goals on 2 quiet cores: local-tone 1.5 s, 600 MB; residual-unet 6 s (fast) and 15 s (quality), 1.5 GB.',
      ],
    },
  ])
}

/** A simulated head of 1 mm on a grid of 192 x 256 x 256, as int16. */
export async function largeHead(): Promise<string> {
  const path = join(workplace, 'large-head.nii.gz')
  if (await exists(path)) return path
  say('simulating a head at 1 mm')
  const folder = join(workplace, 'large-head')
  const options = { subjects: 1, scanners: 2, seed: SEED, voxelMm: 1, rescans: 0, overwrite: true }
  await simulateCohort(folder, options)
  const { volume } = await readNifti(join(folder, 'sub-01/ses-B1/anat/sub-01_ses-B1_T1w.nii.gz'))
  await writeNifti(path, onShape(volume, SHAPE), { dtype: 'same' })
  return path
}

/** As int16, cropped or padded with 0 evenly on both sides. */
export function onShape(volume: Volume, shape: Shape): Volume {
  const x = toFloat32(volume)
  const data = new Int16Array(shape[0] * shape[1] * shape[2])
  const start = shape.map((n, axis) => Math.floor(((volume.shape[axis] ?? 0) - n) / 2)) as [
    number,
    number,
    number,
  ]
  const [nx, ny, nz] = volume.shape
  for (let z = 0, i = 0; z < shape[2]; z++)
    for (let y = 0; y < shape[1]; y++)
      for (let x0 = 0; x0 < shape[0]; x0++, i++) {
        const [a, b, c] = [x0 + start[0], y + start[1], z + start[2]]
        if (a < 0 || b < 0 || c < 0 || a >= nx || b >= ny || c >= nz) continue
        data[i] = Math.round(x[(c * ny + b) * nx + a] ?? 0)
      }
  return volumeOf({ shape, affine: volume.affine }, data)
}

/** Two people on the same two scanners at 2 mm: enough to fit every method. */
export async function smallCohort(): Promise<string> {
  const folder = join(workplace, 'apply-cohort')
  const options = { subjects: 2, scanners: 2, seed: SEED, rescans: 0, overwrite: true }
  return (await simulateCohort(folder, options)).manifest
}
