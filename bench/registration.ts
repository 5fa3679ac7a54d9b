/** How well heads that moved between scans are registered, against the simulator's truth; and what it costs at 1 mm. */
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { PARAMETERS_PATH } from '../data/generators/bids.ts'
import type { SimulationOptions } from '../data/generators/options.ts'
import { simulateCohort } from '../data/generators/simulate.ts'
import { loadScan } from '../src/cohort/images.ts'
import { requireCohort } from '../src/cohort/manifest.ts'
import { registerCohort } from '../src/cohort/register.ts'
import { type Affine, invert, multiply } from '../src/kernels/matrix.ts'
import { packageFile, packageVersion } from '../src/package-root.ts'
import { disagreementMm } from '../src/spatial/registration/disagreement.ts'
import { workingImage } from '../src/spatial/registration/working.ts'
import { costOf } from './process-cost.ts'
import { fixed, publish, type Section, say } from './result.ts'
import { workplace } from './workplace.ts'

const MOTION = { degrees: 6, mm: 8 }
/** Kinds of pairs: what two scanners may differ in beside where the head lies. */
const KINDS: readonly (readonly [what: string, options: SimulationOptions])[] = [
  ['T1w, 2 mm, 0.064 to 7 T', { subjects: 1, scanners: 6, seed: 51, preset: 'mixed' }],
  ['T1w, 1.5 to 2.5 mm, lesions', { subjects: 3, scanners: 2, seed: 52, voxelMm: [1.5, 2.5], lesions: 8 }],
  ['T2w, 2 mm, defaced', { subjects: 2, scanners: 2, seed: 53, contrast: 'T2w', variant: 'defaced' }],
  [
    'FLAIR, 2 to 3 mm, skull-stripped',
    { subjects: 2, scanners: 2, seed: 54, contrast: 'FLAIR', variant: 'skull-stripped', voxelMm: [2, 3] },
  ],
]

interface Found {
  readonly movedMm: number
  readonly errorMm: number
  readonly estimateMm: number
  readonly kept: boolean
}

export async function registration(words: readonly string[]): Promise<void> {
  const rows: string[][] = []
  const all: Found[] = []
  for (const [what, options] of KINDS) {
    say(what)
    const found = await pairsOf(options)
    all.push(...found)
    const list = (value: (one: Found) => number): string =>
      found.map((one) => fixed(value(one), 2)).join(', ')
    rows.push([
      what,
      list(({ movedMm }) => movedMm),
      list(({ errorMm }) => errorMm),
      list(({ estimateMm }) => estimateMm),
      String(found.filter(({ kept }) => kept).length),
    ])
  }
  const off = Math.max(...all.map(({ errorMm, estimateMm }) => Math.abs(errorMm - estimateMm)))
  await publish('registration', 'Registration of moved heads', words, [
    {
      title: 'Against the truth',
      columns: ['pairs', 'moved, mm', 'error, mm', 'estimate, mm', 'kept'],
      rows,
      notes: [
        `95th percentiles over the mask of the anchor scan: of how far the head moved between two scans, of the error of the registration against the simulator's poses, and of the error as attune estimates it. ${all.length} pairs; the estimate is off by ${fixed(off, 2)} mm at most (goal: 0.2). Motion drawn with SD ${MOTION.degrees} degrees about and ${MOTION.mm} mm along each axis, in each scan.`,
      ],
    },
    await cost(),
  ])
}

/** Every scan but the anchor, compared with the anchor. */
async function pairsOf(options: SimulationOptions): Promise<Found[]> {
  const folder = join(workplace, `registration-${options.seed}`)
  const out = `${folder}-registered`
  const { manifest } = await simulateCohort(folder, {
    ...options,
    rescans: 0,
    motion: MOTION,
    overwrite: true,
  })
  await rm(out, { recursive: true, force: true })
  const { subjects } = await registerCohort(manifest, out, { seed: 1 }, packageVersion())
  const { scans: drawn } = JSON.parse(await readFile(join(folder, PARAMETERS_PATH), 'utf8')) as {
    scans: readonly { image: string; pose: { toRest: number[] } }[]
  }
  const { scans } = await requireCohort(manifest, { apart: true })
  const found: Found[] = []
  for (const { subject, scans: registered } of subjects) {
    const own = scans.filter((scan) => scan.subject === subject)
    const toRest = own.map(
      ({ image }) => drawn.find((one) => join(folder, one.image) === image)?.pose.toRest as Affine,
    )
    const anchor = registered.findIndex((scan) => scan.anchor)
    const anchorScan = own[anchor]
    if (anchorScan === undefined) continue
    const { volume, mask } = await loadScan(anchorScan)
    const { points } = workingImage(volume, mask)
    const between = (maps: readonly Affine[], k: number): Affine =>
      multiply(invert(maps[k] as Affine) as Affine, maps[anchor] as Affine)
    const toMidway = registered.map((scan) => scan.toMidway as Affine)
    const still: Affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    for (const [k, { errorMm, excluded }] of registered.entries()) {
      if (k === anchor || toMidway[k] === undefined || errorMm === undefined) continue
      const truth = between(toRest, k)
      found.push({
        movedMm: disagreementMm(truth, still, points),
        errorMm: disagreementMm(truth, between(toMidway, k), points),
        estimateMm: errorMm,
        kept: excluded === undefined,
      })
    }
  }
  return found
}

/** The whole command on two scans at 1 mm. */
async function cost(): Promise<Section> {
  say('1 mm')
  const folder = join(workplace, 'registration-1mm')
  const { manifest } = await simulateCohort(folder, {
    ...{ subjects: 1, scanners: 2, seed: 55, rescans: 0, voxelMm: 1, motion: MOTION, overwrite: true },
  })
  const out = `${folder}-registered`
  await rm(out, { recursive: true, force: true })
  const { wall, cpu, peak } = costOf([
    packageFile('dist/src/cli/main.js'),
    'register',
    manifest,
    out,
    '--quiet',
  ])
  return {
    title: 'attune register, two scans of one head at 1 mm',
    columns: ['wall, s', 'CPU, s', 'peak memory, MiB'],
    rows: [[fixed(wall, 1), fixed(cpu, 1), fixed(peak, 0)]],
    notes: [
      'The whole command: four registrations, the truth map resampled with the images, everything written.',
    ],
  }
}
