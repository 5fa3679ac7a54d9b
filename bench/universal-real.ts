/** The universal harmonizer on real images, none of which it has seen; what guards say of them and of images that are no T1-weighted heads. */
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { AttuneError, MissingError } from '../src/errors.ts'
import { readNifti } from '../src/formats/nifti/read.ts'
import type { Harmonizer } from '../src/harmonizer/harmonizer.ts'
import { applyZScore, STANDARD } from '../src/intensity/zscore.ts'
import { moments } from '../src/kernels/moments.ts'
import { maskedQuantiles } from '../src/kernels/quantile.ts'
import { lesionContrast, lesionPlaces } from '../src/metrics/lesion-contrast.ts'
import { mae } from '../src/metrics/mae.ts'
import { robustRange } from '../src/metrics/robust-range.ts'
import { foregroundMask } from '../src/volume/mask.ts'
import { toFloat32, type Volume, voxelSize } from '../src/volume/volume.ts'
import { fixed, mean, percent, type Section, say } from './result.ts'

interface Real {
  readonly volume: Volume
  readonly mask: Uint8Array
  readonly zscore: Float32Array
  readonly harmonized: Float32Array
}

export async function realImages(harmonizer: Harmonizer): Promise<readonly Section[]> {
  const data = process.env['ATTUNE_DATA']
  if (data === undefined || !existsSync(data))
    throw new MissingError('ATTUNE_DATA names no folder of real images.', 'Set it (docs/datasets.md).')
  const seen = async (path: string): Promise<Real> => {
    say(basename(path))
    const { volume } = await readNifti(join(data, path))
    const mask = foregroundMask(volume)
    const applied = await harmonizer.apply(volume, { force: true })
    return {
      volume,
      mask,
      zscore: applyZScore(STANDARD, toFloat32(volume), mask),
      harmonized: toFloat32(applied.volume),
    }
  }
  return [
    await pair(seen),
    await tissues(seen, data),
    await patient(seen, data),
    await refusals(harmonizer, data),
  ]
}

type See = (path: string) => Promise<Real>
const VENDOR = 'brain-t1-multivendor/nifti'

/** One acquisition without and with prescan normalisation; and quantiles of one person lying on the back and on the face. */
async function pair(seen: See): Promise<Section> {
  const raw = await seen(`${VENDOR}/sub-xa30_rec-raw_T1w.nii.gz`)
  const norm = await seen(`${VENDOR}/sub-xa30_rec-norm_T1w.nii.gz`)
  const mask = raw.mask.map((inside, v) => inside & (norm.mask[v] as number))
  const apart = (key: 'zscore' | 'harmonized'): number =>
    mae(raw[key], norm[key], mask) / ((robustRange(raw[key], mask) + robustRange(norm[key], mask)) / 2)
  const removed = 1 - apart('harmonized') / apart('zscore')
  const supine = await seen(`${VENDOR}/sub-prisma_pos-HFS_T1w.nii.gz`)
  const prone = await seen(`${VENDOR}/sub-prisma_pos-HFP_T1w.nii.gz`)
  const quantilesApart = (key: 'zscore' | 'harmonized'): number => {
    const [a, b] = [supine, prone].map((one) => maskedQuantiles(one[key], one.mask, DECILES)) as [
      Float64Array,
      Float64Array,
    ]
    const apart = mean([...a].map((value, k) => Math.abs(value - (b[k] as number))))
    return apart / ((robustRange(supine[key], supine.mask) + robustRange(prone[key], prone.mask)) / 2)
  }
  return {
    title: 'Real pairs',
    columns: ['pair', 'apart after z-score', 'after universal', 'removed', 'wanted', 'met'],
    rows: [
      [
        'one acquisition raw and prescan-normalised (Prisma, 3 T), voxel by voxel',
        percent(apart('zscore')),
        percent(apart('harmonized')),
        percent(removed, 0),
        '55 %',
        removed >= 0.55 ? 'yes' : 'no',
      ],
      [
        'one person supine and prone (Prisma, 3 T, 2D FLASH), deciles in the head',
        percent(quantilesApart('zscore')),
        percent(quantilesApart('harmonized')),
        percent(1 - quantilesApart('harmonized') / quantilesApart('zscore'), 0),
        'closer',
        quantilesApart('harmonized') < quantilesApart('zscore') ? 'yes' : 'no',
      ],
    ],
    notes: [
      'In units of the mean robust range (1st to 99th percentile) of both images, in the foreground of both.',
    ],
  }
}

const DECILES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]

/** DLMUSE labels: lateral ventricles, thalami, cerebral cortex (labels from 100 on), lobar white matter. */
const REGIONS: Readonly<Record<string, (label: number) => boolean>> = {
  ventricles: (label) => label === 51 || label === 52,
  cortex: (label) => label >= 100,
  thalami: (label) => label === 59 || label === 60,
  'white matter': (label) => label >= 81 && label <= 88,
}

async function tissues(seen: See, data: string): Promise<Section> {
  const folder = join('ixi-hh-2mm', 'nifti')
  const names = (await readdir(join(data, folder))).filter((name) => name.endsWith('.nii.gz')).sort()
  const medians = { zscore: new Map<string, number[]>(), harmonized: new Map<string, number[]>() }
  let ordered = 0
  for (const name of names) {
    const image = await seen(join(folder, name))
    const labels = (
      await readNifti(join(data, 'ixi-hh-2mm', 'dlmuse', name.replace('.nii.gz', '_DLMUSE.nii.gz')))
    ).volume.data
    const own: number[] = []
    for (const [region, is] of Object.entries(REGIONS)) {
      const place = Uint8Array.from(labels, (label) => (is(label) ? 1 : 0))
      for (const key of ['zscore', 'harmonized'] as const) {
        const [middle = Number.NaN] = maskedQuantiles(image[key], place, [0.5])
        medians[key].set(region, [...(medians[key].get(region) ?? []), middle])
        if (key === 'harmonized') own.push(middle)
      }
    }
    if (own.every((value, k) => k === 0 || value > (own[k - 1] as number))) ordered++
  }
  const spread = (key: 'zscore' | 'harmonized', region: string): number => {
    const contrast =
      mean(medians[key].get('white matter') as number[]) - mean(medians[key].get('ventricles') as number[])
    return moments(Float32Array.from(medians[key].get(region) as number[]), null).sd / contrast
  }
  return {
    title: 'Tissue medians of six people (IXI, Philips 3 T), by their label maps',
    columns: [
      'region',
      'mean after universal (canonical white matter is 1000)',
      'SD between people after z-score',
      'after universal',
    ],
    rows: Object.keys(REGIONS).map((region) => [
      region,
      fixed(mean(medians.harmonized.get(region) as number[]), 0),
      percent(spread('zscore', region)),
      percent(spread('harmonized', region)),
    ]),
    notes: [
      `SD in units of the contrast of white matter and ventricles. Order ventricles, cortex, thalami, white matter kept in ${ordered} of ${names.length} people.`,
    ],
  }
}

/** Lesions of the patient with MS, whose image is skull-stripped and bias-corrected. */
async function patient(seen: See, data: string): Promise<Section> {
  const { volume, mask, harmonized } = await seen('ms-lesions/mni-patient07/T1.nii.gz')
  const labels = (await readNifti(join(data, 'ms-lesions/mni-patient07/GOLD_STANDARD.nii.gz'))).volume.data
  const lesions = componentsOf(labels, volume.shape)
  const { places } = lesionPlaces({ shape: volume.shape, voxelMm: voxelSize(volume), lesions, mask })
  const x = toFloat32(volume)
  const [low = 0, white = 1] = maskedQuantiles(x, mask, [0.02, 0.8])
  const [lowAfter = 0, whiteAfter = 1] = maskedQuantiles(harmonized, mask, [0.02, 0.8])
  const kept = places.flatMap((place) => {
    const before = lesionContrast(x, place) / (white - low)
    return Math.abs(before) > 0.05
      ? [lesionContrast(harmonized, place) / (whiteAfter - lowAfter) / before]
      : []
  })
  const size = places
    .map((place) => halfVolume(harmonized, place) / halfVolume(x, place))
    .filter(Number.isFinite)
  return {
    title: 'Lesions of a patient with MS (Siemens 3 T)',
    columns: [
      'lesions',
      'contrast after over before, median',
      '10th to 90th percentile',
      'size after over before, median',
    ],
    rows: [
      [
        String(kept.length),
        fixed(quantile(kept, 0.5), 2),
        `${fixed(quantile(kept, 0.1), 2)} to ${fixed(quantile(kept, 0.9), 2)}`,
        fixed(quantile(size, 0.5), 2),
      ],
    ],
    notes: [
      'Contrast in units of the image from its 2nd to its 80th percentile, before and after: its own truth in the canonical domain is not known. Size: inner voxels darker than half way between lesion and surroundings.',
    ],
  }
}

function halfVolume(
  x: Float32Array,
  { inside, shell }: { readonly inside: Uint32Array; readonly shell: Uint32Array },
): number {
  const at = (places: Uint32Array): number[] => [...places].map((v) => x[v] as number)
  const half = (quantile(at(inside), 0.1) + quantile(at(shell), 0.5)) / 2
  return at(inside).filter((value) => value < half).length
}

/** Connected parts (6 neighbours) of a mask, numbered from 1. */
function componentsOf(labels: ArrayLike<number>, [nx, ny]: Volume['shape']): Uint16Array {
  const out = new Uint16Array(labels.length)
  let count = 0
  for (let seed = 0; seed < labels.length; seed++) {
    if (!((labels[seed] as number) > 0) || out[seed] !== 0) continue
    count++
    const stack = [seed]
    out[seed] = count
    for (let v = stack.pop(); v !== undefined; v = stack.pop())
      for (const step of [1, -1, nx, -nx, nx * ny, -nx * ny])
        if ((labels[v + step] as number) > 0 && out[v + step] === 0) {
          out[v + step] = count
          stack.push(v + step)
        }
  }
  return out
}

/** Patients with sarcoma that are tried: what refuses them is their geometry, which is alike. */
const STRANGERS = 6

/** What guards say by the voxels alone: heads that they must take, and images that they must not. */
async function refusals(harmonizer: Harmonizer, data: string): Promise<Section> {
  const sts = (await readdir(join(data, 'ibsi-sts-multimodal/nifti'))).sort().slice(0, STRANGERS)
  const folder = async (name: string): Promise<readonly string[]> =>
    (await readdir(join(data, name)))
      .filter((file) => file.endsWith('.nii.gz'))
      .map((file) => join(name, file))
  const ms = 'ms-lesions'
  const groups: readonly (readonly [string, 'taken' | 'refused', readonly string[]])[] = [
    ['IXI, Philips 3 T', 'taken', await folder('ixi-hh-2mm/nifti')],
    ['Siemens, UIH, Philips heads', 'taken', await folder(VENDOR)],
    [
      'MS patients, T1w',
      'taken',
      [
        `${ms}/mni-patient07/T1.nii.gz`,
        `${ms}/longitudinal-patient01/study1_T1W.nii.gz`,
        `${ms}/longitudinal-patient01/study2_T1W.nii.gz`,
      ],
    ],
    [
      'FLAIR, whole heads',
      'refused',
      [1, 2].map((visit) => `${ms}/longitudinal-patient01/study${visit}_FLAIR.nii.gz`),
    ],
    [
      'T2w and FLAIR, brains alone',
      'refused',
      ['T2', 'FLAIR'].map((name) => `${ms}/mni-patient07/${name}.nii.gz`),
    ],
    [
      'label maps',
      'refused',
      [
        ...(await folder('ixi-hh-2mm/dlmuse')).slice(0, 3),
        ...(await folder('brain-label-maps/synthseg')).slice(0, 1),
      ],
    ],
    ['sarcoma, MR T1', 'refused', sts.map((one) => `ibsi-sts-multimodal/nifti/${one}/MR_T1_image.nii.gz`)],
    ['sarcoma, CT', 'refused', sts.map((one) => `ibsi-sts-multimodal/nifti/${one}/CT_image.nii.gz`)],
    ['sarcoma, PET', 'refused', sts.map((one) => `ibsi-sts-multimodal/nifti/${one}/PET_image.nii.gz`)],
  ]
  const rows: string[][] = []
  for (const [name, wanted, paths] of groups) {
    const there = paths.filter((path) => existsSync(join(data, path)))
    let refused = 0
    for (const path of there) {
      say(path)
      const { volume } = await readNifti(join(data, path))
      refused += await harmonizer.apply(volume).then(
        () => 0,
        (error: unknown) => {
          if (error instanceof AttuneError) return 1
          throw error
        },
      )
    }
    const right = wanted === 'taken' ? refused === 0 : refused === there.length
    rows.push([name, String(there.length), wanted, String(refused), right ? 'yes' : 'no'])
  }
  return {
    title: 'Guards, by the voxels alone',
    columns: ['images', 'number', 'must be', 'refused', 'met'],
    rows,
    notes: [
      'The limits were widened until the real heads above were taken, which is therefore no test of them.',
    ],
  }
}

function quantile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.round(p * (sorted.length - 1))] ?? Number.NaN
}
