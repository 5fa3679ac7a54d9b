/** Scans of the same digital heads on scanners that differ from the reference in stated ways only, for `npm run bench -- lesion-contrast`. */
import { join } from 'node:path'
import type { AnatomyName } from '../data/generators/anatomy.ts'
import { subjectLabel, toTsv, truthPath } from '../data/generators/bids.ts'
import { drawHead, type SampledHead, sampleHead, save } from '../data/generators/heads.ts'
import { type Settings, settingsOf } from '../data/generators/options.ts'
import { type ScanConditions, scan } from '../data/generators/scan.ts'
import { drawScanner, type Scanner } from '../data/generators/scanner.ts'
import { writeFileAtomic } from '../src/files.ts'
import { gaussianSmooth } from '../src/kernels/gaussian.ts'
import { random } from '../src/kernels/random.ts'
import { toFloat32, type Volume, volumeOf } from '../src/volume/volume.ts'
import { exists } from './workplace.ts'

/** Of heads, scanners and noise; used by no tuning. */
const SEED = 82_301
export const VOXEL_MM = 2
/** Anatomies of the people tested; no one trained on has them. */
export const TEST: readonly AnatomyName[] = ['synthseg-01', 'synthseg-02', 'synthseg-03']
export const LEARNERS: readonly AnatomyName[] = ['synthseg-05', 'mni152']
/** More than most patients have, so that few people show many. */
const LESIONS = 16

export const CAUSES = ['psf', 'snr', 'shading', 'response', 'sequence'] as const
/** In what a source scanner differs from the reference. */
export type Cause = (typeof CAUSES)[number]

/** The ends of what scanners at 3 T are drawn from (SCANNER_RANGES, PROTOCOL_RANGES), on the side that harms; a spoiled gradient echo mid-range. */
export const EXTENT = {
  psf: { referenceMm: 1.2, sourceMm: 2 },
  snr: { reference: 40, source: 20 },
  shading: { reference: 1.15, source: 1.6 },
  response: { reference: 1, source: 0.9 },
  sequence: { kind: 'spgr', trMs: 20, teMs: 4.5, flipDegrees: 25 },
} as const

/** How one image is made. */
export interface ScanPlan {
  /** In what the scanner differs from the reference. */
  readonly causes: readonly Cause[]
  /** White matter over noise SD, where it is not what `causes` says; infinite for the truth. */
  readonly snr?: number
  /** Of the point spread, where it is not what `causes` says. */
  readonly psfMm?: number
  /** Smoothed after it was scanned, noise and all, by a Gaussian of this FWHM. */
  readonly smoothMm?: number
  /** Noise is drawn anew for another value. */
  readonly scan: number
  /** Whether the head has its lesions; default true. */
  readonly lesions?: boolean
}

/** Nothing but what a plan states varies: no repositioning, no gain, no calibration. */
const SAME_CONDITIONS: ScanConditions = { offset: [0, 0, 0], gain: 1, flipCalibration: 1 }

/** The folder's scans, made when they are first asked for; people who are tested come first. */
export interface Studio {
  /** Path from the folder of the scan of the person at `index`. */
  image(index: number, plan: ScanPlan): Promise<string>
  /** Writes a manifest of the people at `indices`, each scanned as `source` and as `target`; the mask is the whole head. */
  manifest(
    name: string,
    indices: readonly number[],
    plans: { readonly source: ScanPlan; readonly target: ScanPlan },
  ): Promise<string>
}

export function studioIn(folder: string): Studio {
  const people = [...TEST, ...LEARNERS]
  const settings = settingsOf({
    subjects: people.length,
    scanners: 2,
    seed: SEED,
    voxelMm: VOXEL_MM,
    lesions: LESIONS,
    anatomies: people,
  })
  const heads = new Map<string, Promise<SampledHead>>()
  const headOf = (index: number, lesions: boolean): Promise<SampledHead> => {
    const key = headName(index, lesions)
    const known = heads.get(key) ?? sampled(join(folder, key), settings, index, lesions)
    heads.set(key, known)
    return known
  }
  const studio: Studio = {
    async image(index, plan) {
      const { lesions = true } = plan
      const path = join(headName(index, lesions), `${planName(plan)}.nii.gz`)
      if (await exists(join(folder, path))) return path
      const { tissues, texture } = await headOf(index, lesions)
      // The same for every scanner, so that scanners are compared by what they do and not by luck.
      const noise = random(SEED, `person ${index}, scan ${plan.scan}`)
      const image = scan(tissues, texture, scannerFor(plan), SAME_CONDITIONS, noise)
      await save(folder, path, plan.smoothMm === undefined ? image : smoothed(image, plan.smoothMm))
      return path
    },
    async manifest(name, indices, plans) {
      const rows: string[][] = [['subject', 'domain', 'image', 'mask', 'tissue', 'lesions', 'family']]
      for (const index of indices)
        for (const domain of ['source', 'target'] as const) {
          const plan = plans[domain]
          const image = await studio.image(index, plan)
          const head = headName(index, plan.lesions ?? true)
          const label = subjectLabel(index, people.length)
          const tissue = join(head, truthPath(label, 'tissue'))
          const lesions = plan.lesions === false ? '' : join(head, truthPath(label, 'lesions'))
          rows.push([`sub-${label}`, domain, image, tissue, tissue, lesions, people[index] as string])
        }
      const path = join(folder, `${name}.tsv`)
      await writeFileAtomic(path, toTsv(rows))
      return path
    },
  }
  return studio
}

/** The reference with the differences of a plan. */
function scannerFor({ causes, snr, psfMm }: ScanPlan): Scanner {
  const row = random(SEED, 'scanners')
  const choice = { voxelMm: VOXEL_MM, contrast: 'T1w' } as const
  const [drawn, other] = [drawScanner(row, 0, choice), drawScanner(row, 1, choice)]
  const has = (cause: Cause): boolean => causes.includes(cause)
  const width = psfMm ?? (has('psf') ? EXTENT.psf.sourceMm : EXTENT.psf.referenceMm)
  return {
    ...drawn,
    psfFwhmMm: [width, width, width],
    snr: snr ?? (has('snr') ? EXTENT.snr.source : EXTENT.snr.reference),
    coil: has('shading')
      ? { ...other.coil, shading: EXTENT.shading.source }
      : { ...drawn.coil, shading: EXTENT.shading.reference },
    responseExponent: has('response') ? EXTENT.response.source : EXTENT.response.reference,
    sequence: has('sequence') ? EXTENT.sequence : drawn.sequence,
  }
}

function smoothed(image: Volume, fwhmMm: number): Volume {
  const sd = fwhmMm / (2 * Math.sqrt(2 * Math.log(2))) / VOXEL_MM
  return volumeOf(image, gaussianSmooth(toFloat32(image), image.shape, [sd, sd, sd]))
}

async function sampled(
  folder: string,
  settings: Settings,
  index: number,
  lesions: boolean,
): Promise<SampledHead> {
  const own = lesions ? settings : { ...settings, lesions: 0 }
  const head = await drawHead(own, index, subjectLabel(index, settings.subjects))
  const scanner = scannerFor({ causes: [], scan: 1 })
  return (await sampleHead(folder, head, [scanner], own)).get(VOXEL_MM) as SampledHead
}

/** Folder of a head. */
function headName(index: number, lesions: boolean): string {
  return `head-${index + 1}${lesions ? '' : '-healthy'}`
}

function planName({ causes, snr, psfMm, smoothMm, scan: number }: ScanPlan): string {
  const smooth = smoothMm === undefined ? [] : [`smooth${smoothMm}`]
  const parts = [...causes, ...(snr === undefined ? [] : [`snr${snr}`])]
  return [...parts, ...(psfMm === undefined ? [] : [`psf${psfMm}`]), ...smooth, `scan${number}`].join('_')
}
