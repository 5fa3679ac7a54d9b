/** One look at every scan of a cohort in HU or SUV: are they all in that unit, with one voxel size, and what do guards accept later? */
import type { Cohort, Scan } from '../src/cohort/cohort.ts'
import { loadScan } from '../src/cohort/images.ts'
import type { Declared } from '../src/domain/declared.ts'
import { ConfigError, InputError, RefusedError } from '../src/errors.ts'
import { sha256File } from '../src/files.ts'
import { type ImageFacts, imageFacts, surveyMask } from '../src/harmonizer/image-facts.ts'
import type { DomainLimits, Range } from '../src/harmonizer/manifest.ts'
import { FIGURE_SLICES } from '../src/harmonizer/record.ts'
import { unitFound, unitText } from '../src/harmonizer/unit-guard.ts'
import type { KeptUnit } from '../src/inference/band-unet-model.ts'
import { toFloat32, type Unit, type Volume } from '../src/volume/volume.ts'
import type { Survey } from './closed-form.ts'

export interface UnitSurvey extends Survey {
  readonly unit: KeptUnit
  /** Along R, A, S. */
  readonly voxelMm: readonly [number, number, number]
  /** The highest value in any body. */
  readonly highest: number
}

const KEPT: readonly Unit[] = ['HU', 'SUVbw'] satisfies readonly KeptUnit[]
/** Voxel sizes of one training within this factor are one (chosen: what rounding in headers makes). */
const ONE_SIZE = 1.02

/**
 * @throws {RefusedError} for images in no unit that is known, or one that is not kept; {ConfigError} where units or voxel sizes differ;
 *         {InputError} for an image that attune wrote
 */
export async function surveyUnits(
  { scans, source }: Cohort,
  onScan: (done: number, total: number) => void,
): Promise<UnitSurvey> {
  const looks = new Map<string, ImageFacts[]>()
  const hashes = new Map<string, string>()
  let first: Seen | undefined
  let highest = Number.NEGATIVE_INFINITY
  for (const [index, scan] of scans.entries()) {
    const { volume, declared, mask } = await loadScan(scan)
    const unit = requireKept(scan, volume, declared)
    const x = toFloat32(volume)
    const facts = imageFacts(volume, x, surveyMask(volume.shape, mask, FIGURE_SLICES))
    first ??= { unit, voxelMm: facts.voxelMm, image: scan.image }
    requireSame({ ...first, source }, { unit, voxelMm: facts.voxelMm, image: scan.image })
    for (const [v, value] of x.entries())
      if (mask[v] !== 0 && value > highest && value < Number.POSITIVE_INFINITY) highest = value
    hashes.set(scan.image, await sha256File(scan.image))
    looks.set(scan.domain, [...(looks.get(scan.domain) ?? []), facts])
    onScan(index + 1, scans.length)
  }
  const { unit, voxelMm } = first as NonNullable<typeof first>
  const domains = [...looks].sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    ...{ unit, voxelMm, highest, hashes },
    guards: Object.fromEntries(domains.map(([domain, facts]) => [domain, limitsInUnit(unit, facts)])),
    scales: new Map(),
    observed: new Map(),
  }
}

function requireKept(scan: Scan, volume: Volume, declared: Declared): KeptUnit {
  const found = unitFound(volume, declared.unit)
  if (declared.harmonized)
    throw new InputError(`${scan.image}: was harmonized by attune before.`, 'Train on images as they were.')
  if (found !== undefined && KEPT.includes(found.unit)) return found.unit as KeptUnit
  throw new RefusedError(
    `${scan.image}: is in ${found === undefined ? 'no unit that is known' : unitText(found)}; \`band-unet\` is for ${KEPT.join(' and ')}.`,
    found?.unit === 'Bq/ml'
      ? 'Convert it to SUV, and say so in the JSON file beside it: "Units": "SUVbw".'
      : 'Say the unit in the JSON file beside it ("Modality": "CT", or "Units": "SUVbw"); for MRI take another method.',
  )
}

interface Seen {
  readonly unit: KeptUnit
  readonly voxelMm: ImageFacts['voxelMm']
  readonly image: string
}

function requireSame(first: Seen & { readonly source: string }, other: Seen): void {
  if (first.unit !== other.unit)
    throw new ConfigError(
      `${first.source}: ${first.image} is in ${first.unit}, ${other.image} in ${other.unit}.`,
      'Train one harmonizer for each.',
    )
  const apart = first.voxelMm.some((edge, axis) => {
    const ratio = edge / (other.voxelMm[axis] as number)
    return Math.max(ratio, 1 / ratio) > ONE_SIZE
  })
  if (!apart) return
  const size = (mm: readonly number[]): string => mm.map((edge) => Number(edge.toPrecision(3))).join(' x ')
  throw new ConfigError(
    `${first.source}: ${first.image} has voxels of ${size(first.voxelMm)} mm, ${other.image} of ${size(other.voxelMm)} mm.`,
    'Reconstruct all scans with one voxel size: sharpness is learned in voxels.',
  )
}

/**
 * What a scan of a domain may be like: not another part of the unit's scale. In HU the median of a body may move by 150 (a chest against an
 * abdomen), the 99th percentile by 500 (bone); in SUV both by a factor 4 (chosen, as for MRI).
 */
function limitsInUnit(unit: KeptUnit, scans: readonly ImageFacts[]): DomainLimits {
  const spread = (values: readonly number[], by: (value: number, direction: 1 | -1) => number): Range => [
    Number(by(Math.min(...values), -1).toPrecision(4)),
    Number(by(Math.max(...values), 1).toPrecision(4)),
  ]
  const times = (factor: number) => (value: number, direction: 1 | -1) => value * factor ** direction
  const plus = (amount: number) => (value: number, direction: 1 | -1) => value + direction * amount
  const values = (pick: (facts: ImageFacts) => number): readonly number[] => scans.map(pick)
  const extent = (axis: 0 | 1 | 2): Range =>
    spread(
      values(({ extentMm }) => extentMm[axis]),
      times(4),
    )
  const ofUnit = (amount: number) => (unit === 'HU' ? plus(amount) : times(4))
  return {
    scans: scans.length,
    median: spread(
      values(({ percentiles }) => percentiles.p50),
      ofUnit(150),
    ),
    p99: spread(
      values(({ percentiles }) => percentiles.p99),
      ofUnit(500),
    ),
    extentMm: [extent(0), extent(1), extent(2)],
    voxelMm: spread(
      scans.flatMap(({ voxelMm }) => voxelMm),
      times(2),
    ),
    maskMl: spread(
      values(({ maskMl }) => maskMl),
      times(8),
    ),
  }
}
