/**
 * How often guards refuse an image of their own domain, and whether they refuse what is none. Digital heads: every scanner is a domain,
 * guards are fitted on few heads and tried on the others. Real images (ATTUNE_DATA): each head is left out in turn. Refusals by the
 * voxels alone are counted apart from those that name, header or sidecar give rise to.
 */
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Contrast } from '../data/generators/protocols.ts'
import { movedDuringScan } from '../data/generators/scan-motion.ts'
import { simulateCohort } from '../data/generators/simulate.ts'
import type { VariantName } from '../data/generators/variants.ts'
import { readDeclarations } from '../src/cohort/declarations.ts'
import { requireCohort } from '../src/cohort/manifest.ts'
import { blankedParts } from '../src/domain/blanked.ts'
import { commonPreparation, firstKnown, type Preparation } from '../src/domain/preparation.ts'
import { AttuneError, MissingError } from '../src/errors.ts'
import { readNifti } from '../src/formats/nifti/read.ts'
import { describeImage } from '../src/harmonizer/describe.ts'
import { descriptorLimitsOf } from '../src/harmonizer/descriptor-guard.ts'
import { checkImage, checkLimits, type Finding, limitsOf } from '../src/harmonizer/guards.ts'
import { type ImageFacts, imageFacts, surveyMask } from '../src/harmonizer/image-facts.ts'
import type { DomainLimits } from '../src/harmonizer/manifest.ts'
import { FIGURE_SLICES } from '../src/harmonizer/record.ts'
import { unitCheck } from '../src/harmonizer/unit-guard.ts'
import { STANDARD } from '../src/intensity/zscore.ts'
import { random } from '../src/kernels/random.ts'
import type { Descriptors } from '../src/metrics/descriptors.ts'
import { foregroundMask } from '../src/volume/mask.ts'
import { toFloat32, type Volume, volumeOf } from '../src/volume/volume.ts'
import { percent, publish, say } from './result.ts'
import { workplace } from './workplace.ts'

interface Seen {
  readonly name: string
  readonly facts: ImageFacts
  readonly descriptors: Descriptors | undefined
  /** Of the voxels, and of all that is said. */
  readonly blanked: Preparation
  readonly preparation: Preparation
  readonly always: readonly Finding[]
}

const DRAWS = 20
const SEED = 11
/** Degrees and mm that a head turns and shifts by (SD) in each of eight parts of the scan. */
const MOTION = [1, 2, 4] as const

export async function guards(words: readonly string[]): Promise<void> {
  const data = process.env['ATTUNE_DATA']
  if (data === undefined || !existsSync(data))
    throw new MissingError('ATTUNE_DATA names no folder of real images.', 'Set it (docs/datasets.md).')
  await publish('guards', 'Refusals', words, [await digital(), await real(data), await strangers(data)])
}

/** Heads with lesions on four scanners, against guards of few other heads; and other contrasts of the same scanners. */
async function digital(): Promise<Parameters<typeof publish>[3][number]> {
  const healthy = await simulated('t1w', { subjects: 16, lesions: [0, 8] })
  const others = {
    T2w: await simulated('t2w', { subjects: 3, contrast: 'T2w' }),
    FLAIR: await simulated('flair', { subjects: 3, contrast: 'FLAIR' }),
    'skull-stripped': await simulated('stripped', { subjects: 3, variant: 'skull-stripped' }),
    defaced: await simulated('defaced', { subjects: 3, variant: 'defaced' }),
    ...Object.fromEntries(
      await Promise.all(
        MOTION.map(
          async (by) =>
            [
              motionText(by),
              await simulated('moved', { subjects: 3 }, (volume) => moving(volume, by)),
            ] as const,
        ),
      ),
    ),
    'upper 30 % cut off': await simulated('t1w', { subjects: 16, lesions: [0, 8] }, (v) =>
      cropped(v, 2, 0, 0.7),
    ),
  }
  const rows: string[][] = []
  for (const people of [1, 3, 6]) {
    const rng = random(SEED, `guards-${people}`)
    const count = { tried: 0, refused: 0 }
    const by: Record<string, number> = {}
    const found = new Map(Object.keys(others).map((name) => [name, { tried: 0, voxels: 0, all: 0 }]))
    for (const [domain, heads] of healthy)
      for (let draw = 0; draw < DRAWS; draw++) {
        const order = heads.map((head) => ({ head, key: rng.uniform() })).toSorted((a, b) => a.key - b.key)
        const limits = limitsFor(order.slice(0, people).map(({ head }) => head))
        for (const { head } of order.slice(people)) {
          count.tried++
          const failed = refusals(head, limits)
          if (failed.length > 0) count.refused++
          for (const guard of failed) by[guard] = (by[guard] ?? 0) + 1
        }
        for (const [name, scans] of Object.entries(others))
          for (const scan of scans.get(domain) ?? []) {
            const tally = found.get(name) as { tried: number; voxels: number; all: number }
            tally.tried++
            if (refusals(scan, limits, 'voxels').length > 0) tally.voxels++
            if (refusals(scan, limits).length > 0) tally.all++
          }
      }
    const reasons = Object.entries(by).map(([guard, n]) => `${guard} ${percent(n / count.tried)}`)
    rows.push([
      String(people),
      `${percent(count.refused / count.tried)} (${reasons.join(', ') || '-'})`,
      ...[...found.values()].map(
        ({ tried, voxels, all }) => `${percent(voxels / tried, 0)} / ${percent(all / tried, 0)}`,
      ),
    ])
  }
  return {
    title: 'Digital heads',
    columns: [
      'people that guards rest on',
      'other heads of the domain refused',
      ...[...Object.keys(others)].map((name) => `${name} refused`),
    ],
    rows,
    notes: [
      `16 heads of seven anatomies with 0-8 lesions on 4 scanners, 2.5 mm, seed ${SEED}; ${DRAWS} draws of the training heads for each scanner. Refused: by the voxels alone / with the names of files.`,
    ],
  }
}

/** Real heads left out in turn. */
async function real(data: string): Promise<Parameters<typeof publish>[3][number]> {
  const ixi = await filesOf(join(data, 'ixi-hh-2mm', 'nifti'))
  const vendor = join(data, 'brain-t1-multivendor', 'nifti')
  const patient = join(data, 'ms-lesions', 'longitudinal-patient01')
  const groups: readonly (readonly [string, readonly string[]])[] = [
    ['IXI, 6 people, one Philips 3 T', ixi],
    ['UIH 3 T, 2 people', ['sub-uih1_T1w.nii.gz', 'sub-uih2_T1w.nii.gz'].map((name) => join(vendor, name))],
    [
      'Prisma, one person supine and prone',
      ['HFS', 'HFP'].map((pos) => join(vendor, `sub-prisma_pos-${pos}_T1w.nii.gz`)),
    ],
    [
      'MS patient, two visits with different matrices',
      [1, 2].map((visit) => join(patient, `study${visit}_T1W.nii.gz`)),
    ],
    [
      'one domain of all vendors with the first visit of the MS patient; the second left out',
      [
        ...ixi.slice(0, 3),
        ...['uih1', 'studyforrest', 'prisma_pos-HFS', 'xa30_rec-norm'].map((name) =>
          join(vendor, `sub-${name}_T1w.nii.gz`),
        ),
        ...[1, 2].map((visit) => join(patient, `study${visit}_T1W.nii.gz`)),
      ],
    ],
  ]
  const rows: string[][] = []
  for (const [name, paths] of groups) {
    say(name)
    const seen = await Promise.all(paths.map((path) => look(path)))
    const last = name.includes('left out')
    const results = (last ? [seen.length - 1] : [...seen.keys()]).map((out) =>
      refusals(seen[out] as Seen, limitsFor(seen.filter((_, k) => k !== out))),
    )
    const refused = results.filter((failed) => failed.length > 0)
    rows.push([
      name,
      String(results.length),
      String(refused.length),
      [...new Set(refused.flat())].join(', ') || '-',
    ])
  }
  return { title: 'Real heads, left out in turn', columns: ['domain', 'heads', 'refused', 'by'], rows }
}

/** What must be refused, against guards of the six IXI heads. */
async function strangers(data: string): Promise<Parameters<typeof publish>[3][number]> {
  const ixi = await filesOf(join(data, 'ixi-hh-2mm', 'nifti'))
  const seen = await Promise.all(ixi.map((path) => look(path)))
  const limits = limitsFor(seen)
  const ms = join(data, 'ms-lesions')
  const groups: readonly (readonly [string, readonly string[], ((volume: Volume) => Volume)?])[] = [
    [
      'FLAIR of a patient',
      ['study1_FLAIR.nii.gz', 'study2_FLAIR.nii.gz'].map((name) => join(ms, 'longitudinal-patient01', name)),
    ],
    ['T1w of other scanners and protocols', [join(data, 'brain-t1-multivendor', 'nifti')]],
    [
      'skull-stripped T1, T2, FLAIR, T1 with contrast agent',
      ['T1', 'T2', 'FLAIR', 'T1POST'].map((name) => join(ms, 'mni-patient07', `${name}.nii.gz`)),
    ],
    ['sarcoma, MR T1', [join(data, 'ibsi-sts-multimodal', 'nifti', '*', 'MR_T1_image.nii.gz')]],
    ['sarcoma, CT', [join(data, 'ibsi-sts-multimodal', 'nifti', '*', 'CT_image.nii.gz')]],
    ['sarcoma, PET', [join(data, 'ibsi-sts-multimodal', 'nifti', '*', 'PET_image.nii.gz')]],
    ['labels of the same heads (DLMUSE)', [join(data, 'ixi-hh-2mm', 'dlmuse')]],
    ['labels of other heads (SynthSeg)', [join(data, 'brain-label-maps', 'synthseg')]],
    ['the same heads, upper 30 % of the image cut off', ixi, (volume) => cropped(volume, 2, 0, 0.7)],
    ['the same heads, lower half cut off', ixi, (volume) => cropped(volume, 2, 0.5, 1)],
    ['the same heads, front 40 % cut off', ixi, (volume) => cropped(volume, 1, 0, 0.6)],
    ['the same heads, right half cut off', ixi, (volume) => cropped(volume, 0, 0, 0.5)],
    ...MOTION.map(
      (by) => [`the same heads, ${motionText(by)}`, ixi, (volume: Volume) => moving(volume, by)] as const,
    ),
    ['a digital phantom on their grid: a jar with inserts', ixi.slice(0, 1), phantom],
  ]
  const rows: string[][] = []
  for (const [name, sources, change] of groups) {
    say(name)
    const paths = (await Promise.all(sources.map(expand))).flat()
    let [tried, byVoxels, byAll] = [0, 0, 0]
    const by = new Set<string>()
    for (const path of paths) {
      const image = await look(path, change).catch(unreadable)
      tried++
      const failed = image ? refusals(image, limits, 'voxels') : ['unreadable']
      if (failed.length > 0) byVoxels++
      if (!image || refusals(image, limits).length > 0) byAll++
      for (const guard of failed) by.add(guard)
    }
    rows.push([name, String(tried), String(byVoxels), String(byAll), [...by].join(', ')])
  }
  return {
    title: 'Other images, against guards of six IXI heads',
    columns: ['images', 'tried', 'refused by their voxels', 'refused', 'by'],
    rows,
    notes: ['Intensity limits take part, as they do in apply.'],
  }
}

function unreadable(error: unknown): undefined {
  if (!(error instanceof AttuneError)) throw error
}

async function look(path: string, change: (volume: Volume) => Volume = (volume) => volume): Promise<Seen> {
  const { volume: stored, header } = await readNifti(path, { volume: 0 })
  const volume = change(stored)
  const x = toFloat32(volume)
  const mask = foregroundMask(volume)
  const survey = surveyMask(volume.shape, mask, FIGURE_SLICES)
  const facts = imageFacts(volume, x, survey)
  const declared = await readDeclarations(path, header)
  const blanked = blankedParts(volume)
  return {
    name: basename(path),
    facts,
    descriptors: survey.voxels === 0 ? undefined : describeImage(volume, x, { mask, ...survey }),
    blanked,
    preparation: firstKnown(declared.preparation, blanked),
    always: checkImage(volume, facts, 'tone', {
      alreadyHarmonized: false,
      kind: declared.kind,
      unit: unitCheck(volume, STANDARD, declared.unit),
    }),
  }
}

function limitsFor(seen: readonly Seen[]): { readonly voxels: DomainLimits; readonly all: DomainLimits } {
  const shared = {
    ...limitsOf(seen.map(({ facts }) => facts)),
    descriptors: descriptorLimitsOf(
      seen.flatMap(({ name, descriptors }) => (descriptors ? [{ subject: name, descriptors }] : [])),
    ),
  }
  return {
    voxels: { ...shared, preparation: commonPreparation(seen.map(({ blanked }) => blanked)) },
    all: { ...shared, preparation: commonPreparation(seen.map(({ preparation }) => preparation)) },
  }
}

function refusals(
  seen: Seen,
  limits: ReturnType<typeof limitsFor>,
  by: 'voxels' | 'all' = 'all',
): readonly string[] {
  const preparation = by === 'voxels' ? seen.blanked : seen.preparation
  const findings = checkLimits({ ...seen, preparation }, { domain: limits[by] })
  const failed = [...(by === 'all' ? seen.always : []), ...findings].filter(
    ({ status }) => status === 'failed',
  )
  return [...new Set(failed.map(({ guard }) => guard))]
}

/** Scans by domain. */
async function simulated(
  name: string,
  options: {
    subjects: number
    lesions?: readonly [number, number]
    contrast?: Contrast
    variant?: VariantName
  },
  change?: (volume: Volume) => Volume,
): Promise<ReadonlyMap<string, readonly Seen[]>> {
  const folder = join(workplace, `guards-${name}`)
  if (!existsSync(join(folder, 'cohort.tsv'))) {
    say(`simulating ${name}`)
    await simulateCohort(folder, {
      scanners: 4,
      seed: SEED,
      voxelMm: 2.5,
      rescans: 0,
      overwrite: true,
      ...options,
    })
  }
  const { scans } = await requireCohort(join(folder, 'cohort.tsv'))
  const domains = new Map<string, Seen[]>()
  for (const { domain, image } of scans)
    domains.set(domain, [...(domains.get(domain) ?? []), await look(image, change)])
  return domains
}

function motionText(by: number): string {
  return `motion of ${by} degrees and mm`
}

function moving(volume: Volume, by: number): Volume {
  return movedDuringScan(volume, { degrees: by, mm: by, poses: 8 }, random(SEED, `motion ${by}`))
}

/** The part of an image between two shares of one stored axis. */
function cropped(volume: Volume, axis: 0 | 1 | 2, from: number, to: number): Volume {
  const x = toFloat32(volume)
  const [first, last] = [Math.round(from * volume.shape[axis]), Math.round(to * volume.shape[axis])]
  const shape = volume.shape.with(axis, last - first) as unknown as Volume['shape']
  const data = new Float32Array(shape[0] * shape[1] * shape[2])
  const stride = [1, volume.shape[0], volume.shape[0] * volume.shape[1]] as const
  for (let v = 0; v < data.length; v++) {
    const at = [v % shape[0], Math.floor(v / shape[0]) % shape[1], Math.floor(v / shape[0] / shape[1])]
    at[axis] = (at[axis] as number) + first
    data[v] = x[at.reduce((sum, index, a) => sum + index * (stride[a] as number), 0)] as number
  }
  return volumeOf({ shape, affine: volume.affine }, data)
}

/** A jar of 190 x 148 mm filled with fluid, with a darker block and bright rods, on the image's grid, with its noise and its brightness. */
function phantom(volume: Volume): Volume {
  const rng = random(SEED, 'phantom')
  const [nx, ny, nz] = volume.shape
  const mm = [0, 1, 2].map((column) =>
    Math.hypot(...[0, 4, 8].map((row) => volume.affine[row + column] as number)),
  )
  const data = new Float32Array(nx * ny * nz)
  for (let v = 0; v < data.length; v++) {
    const [x, y, z] = [v % nx, Math.floor(v / nx) % ny, Math.floor(v / nx / ny)].map(
      (at, a) => (at - ([nx, ny, nz][a] as number) / 2) * (mm[a] as number),
    ) as [number, number, number]
    const inside = Math.hypot(x, y) < 95 && Math.abs(z) < 74
    const block = Math.abs(x) < 45 && Math.abs(y) < 10
    const rod = Math.hypot(Math.abs(x) - 40, Math.abs(y) - 40) < 8
    data[v] = Math.hypot((inside ? (block ? 60 : rod ? 400 : 260) : 0) + 6 * rng.normal(), 6 * rng.normal())
  }
  return volumeOf(volume, data)
}

/** A file, the images of a folder, or those of the folders that `*` stands for. */
async function expand(path: string): Promise<readonly string[]> {
  const [folder, rest] = path.split('/*/') as [string, string | undefined]
  if (rest === undefined) return /\.nii(\.gz)?$/.test(path) ? [path] : filesOf(path)
  return (await readdir(folder)).map((name) => join(folder, name, rest)).filter((file) => existsSync(file))
}

async function filesOf(folder: string): Promise<readonly string[]> {
  return (await readdir(folder))
    .filter((name) => name.endsWith('.nii.gz'))
    .toSorted()
    .map((name) => join(folder, name))
}
