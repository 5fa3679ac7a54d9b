/** `attune combat fit` and `apply` on voxel maps: time and peak memory of the whole commands. Needs dist, and Linux. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ConfigError } from '../src/errors.ts'
import { gibibytes } from '../src/files.ts'
import { appendedNifti } from '../src/formats/nifti/appended.ts'
import { readNifti } from '../src/formats/nifti/read.ts'
import { writeNifti } from '../src/formats/nifti/write.ts'
import { random } from '../src/kernels/random.ts'
import { packageFile } from '../src/package-root.ts'
import { volumeOf } from '../src/volume/volume.ts'
import { costOf } from './process-cost.ts'
import { fixed, publish, say } from './result.ts'
import { workplace } from './workplace.ts'

const SITES = 5
/** Voxels along x and y; z follows from the number asked for. */
const [NX, NY] = [100, 100]

interface Size {
  readonly images: number
  readonly voxels: number
  readonly gzip: boolean
}

export async function combatMaps(words: readonly string[]): Promise<void> {
  const size = sizeOf(words)
  const folder = join(workplace, 'combat-maps')
  await rm(folder, { recursive: true, force: true })
  await mkdir(join(folder, 'maps'), { recursive: true })
  try {
    say('drawing images')
    await draw(folder, size)
    const main = packageFile('dist/src/cli/main.js')
    const at = (name: string): string => join(folder, name)
    const images = ['--images', 'map', '--quiet']
    const rows: string[][] = []
    const fit = [
      'combat',
      'fit',
      at('scans.tsv'),
      '--batch',
      'site',
      '--covariate',
      'age',
      '--covariate',
      'sex',
    ]
    const measure = (name: string, command: readonly string[]): void => {
      say(name)
      const { wall, cpu, peak } = costOf([main, ...command, ...images])
      rows.push([name, fixed(wall, 0), fixed(cpu, 0), fixed(peak, 0)])
    }
    measure('fit, images written', [
      ...fit,
      '--mask',
      at('mask.nii.gz'),
      '--out',
      at('model'),
      '--output-dir',
      at('out'),
    ])
    await rm(at('out'), { recursive: true })
    measure('apply', ['combat', 'apply', at('model'), at('scans.tsv'), '--output-dir', at('out')])
    const file = `combat-maps${words.length === 0 ? '' : `-${size.images}x${size.voxels}${size.gzip ? '-gzip' : ''}`}`
    const bytes = 4 * size.images * size.voxels
    await publish(
      'combat-maps',
      'ComBat on voxel maps',
      words,
      [
        {
          title: `${size.images} images of ${size.voxels} voxels inside the mask, float32${size.gzip ? ', gzipped' : ''} (${gibibytes(bytes)}), ${SITES} sites, 2 covariates`,
          columns: ['command', 'wall, s', 'CPU, s', 'peak of the process, MiB'],
          rows,
          notes: [
            'One run each of the whole command; other work shares the cores, so that CPU seconds say more than the wall clock.',
          ],
        },
      ],
      file,
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function sizeOf(words: readonly string[]): Size {
  const options = {
    images: { type: 'string', default: '500' },
    voxels: { type: 'string', default: '200000' },
    gzip: { type: 'boolean', default: false },
  } as const
  try {
    const { values } = parseArgs({ args: [...words], options })
    const size = { images: Number(values.images), voxels: Number(values.voxels), gzip: values.gzip }
    if (size.images >= 4 * SITES && size.voxels > 0 && size.voxels % (NX * NY) === 0) return size
  } catch (cause) {
    throw new ConfigError(cause instanceof Error ? cause.message : String(cause), 'See: npm run bench', {
      cause,
    })
  }
  throw new ConfigError(
    `--images and --voxels are ${words.join(' ')}.`,
    `Give at least ${4 * SITES} images, and a multiple of ${NX * NY} voxels.`,
  )
}

/** Effects of site on location and scale of each voxel; noise is a pool that every image enters at another place. */
async function draw(folder: string, { images, voxels, gzip }: Size): Promise<void> {
  const { normal, uniform } = random(1, 'combat maps bench')
  const grid = {
    shape: [NX, NY, voxels / NX / NY],
    affine: [2, 0, 0, -90, 0, 2, 0, -126, 0, 0, 2, -72, 0, 0, 0, 1],
  } as const
  const mask = join(folder, 'mask.nii.gz')
  await writeNifti(mask, volumeOf(grid, new Uint8Array(voxels).fill(1)), { dtype: 'same' })
  const { header } = await readNifti(mask)
  const shifts = Array.from({ length: SITES }, () =>
    Float32Array.from({ length: voxels }, () => 0.3 * normal()),
  )
  const pool = Float32Array.from({ length: 2 ** 20 }, normal)
  const lines = ['site\tage\tsex\tmap']
  for (let k = 0; k < images; k++) {
    const [site, age, sex] = [k % SITES, 20 + ((k * 37) % 61), Math.floor(k / SITES) % 2]
    const shift = shifts[site] ?? new Float32Array(0)
    const start = Math.floor(uniform() * pool.length)
    const values = new Float64Array(voxels)
    // Loops, not callbacks: a thousand million values are drawn.
    for (let v = 0, from = start; v < voxels; v++, from = (from + 1) % pool.length)
      values[v] = 10 + 0.01 * age + (shift[v] as number) + (0.8 + 0.1 * site) * (pool[from] as number)
    const name = `maps/${k}.nii${gzip ? '.gz' : ''}`
    const file = await appendedNifti(join(folder, name), header, 'float32', gzip)
    await file.append(values)
    await file.end()
    lines.push([site, age, sex, name].join('\t'))
  }
  await writeFile(join(folder, 'scans.tsv'), `${lines.join('\n')}\n`)
}
