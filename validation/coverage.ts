/** How often, where and by how much the intervals of an uncertainty map hold what the target scanner shows of people not trained on. */
import type { Cohort, Pair } from '../src/cohort/cohort.ts'
import { familiesOf } from '../src/cohort/families.ts'
import { loadPair } from '../src/cohort/images.ts'
import type { UncertaintyResult, WidthRow } from '../src/evidence/uncertainty.ts'
import { readNifti } from '../src/formats/nifti/read.ts'
import type { Harmonizer } from '../src/harmonizer/harmonizer.ts'
import { labelsOn } from '../src/harmonizer/lesions.ts'
import { tissuesOf } from '../src/harmonizer/separation.ts'
import { squaredGradient } from '../src/kernels/gradient.ts'
import { maskedQuantiles } from '../src/kernels/quantile.ts'
import { spearman } from '../src/kernels/spearman.ts'
import { type Grid, toFloat32, voxelSize } from '../src/volume/volume.ts'
import type { SubjectValue } from './figures.ts'
import { confidenceOf } from './intervals.ts'

/** Where coverage is asked about; tissues by their label, from the darkest where they are estimated. */
export type Place = 'overall' | 'edges' | 'lesions' | `tissue ${number}`

/** Edges are the steepest fifth of the *target* scan: the map, which sees only the output, has no say in what counts as one. */
const EDGE_FROM = 0.8
/** A place of one scan that holds fewer voxels is left out (chosen: a share of 90 % of so many is known to 5 %). */
const LEAST_VOXELS = 40
/** Voxels that a rank correlation rests on: it is then known to 0.01. */
const RANKED = 20_000

interface ScanCoverage {
  readonly subject: string
  readonly place: Place
  /** Share of the voxels whose target value lies within the interval. */
  readonly covered: number
  /** Of the voxels of the mask that have an interval, how many lie there. */
  readonly share: number
  /** Mean half width and mean absolute error, in units of the range. */
  readonly width: number
  readonly error: number
}

interface ScanRanks {
  readonly subject: string
  readonly spearman: number
}

export interface CoverageSetting {
  readonly cohort: Cohort
  readonly harmonizer: Harmonizer
  /** Width of the reference's robust range. */
  readonly range: number
  /** Mean absolute differences of scan and rescan on the target scanner, in units of the range. */
  readonly rescans: readonly SubjectValue[]
  readonly onPair: (done: number, total: number) => void
}

/** @returns `undefined` where the harmonizer makes no maps, or none for the scanners of these pairs */
export async function coverageOf(
  pairs: readonly Pair[],
  { cohort, harmonizer, range, rescans, onPair }: CoverageSetting,
): Promise<UncertaintyResult | undefined> {
  const { calibration } = harmonizer
  const able = pairs.filter(({ source }) => calibration?.domains.includes(source.domain))
  if (calibration === undefined || able.length === 0) return undefined
  const rows: ScanCoverage[] = []
  const ranks: ScanRanks[] = []
  for (const [index, pair] of able.entries()) {
    const found = await measure(pair, harmonizer, range)
    rows.push(...found.rows)
    ranks.push(found.ranks)
    onPair(index + 1, able.length)
  }
  const familyOf = familiesOf(cohort)
  const places = [...new Set(rows.map(({ place }) => place))].toSorted(
    (a, b) => orderOf(a) - orderOf(b) || a.localeCompare(b, 'en', { numeric: true }),
  )
  const people = new Set(able.map(({ subject }) => subject)).size
  return {
    level: calibration.level,
    calibratedOn: calibration.people,
    calibrated: calibration.calibrated,
    people,
    families: new Set(able.map(({ subject }) => familyOf(subject))).size,
    rows: places.map((place): WidthRow => {
      const own = rows.filter((row) => row.place === place)
      const confidence = confidenceOf(own, familyOf, (some) => overPeople(some, ({ covered }) => covered))
      return {
        place,
        covered: overPeople(own, ({ covered }) => covered),
        ...(confidence && { confidence }),
        share: overPeople(own, ({ share }) => share),
        people: new Set(own.map(({ subject }) => subject)).size,
        halfWidth: overPeople(own, ({ width }) => width),
        error: overPeople(own, ({ error }) => error),
      }
    }),
    ...(ranks.length > 0 && { spearman: overPeople(ranks, (row) => row.spearman) }),
    ...(rescans.length > 0 && { rescan: overPeople(rescans, ({ value }) => value ?? Number.NaN) }),
  }
}

function orderOf(place: Place): number {
  return place === 'overall' ? 0 : place === 'edges' ? 2 : place === 'lesions' ? 3 : 1
}

/** Mean over people of the mean over their scans. */
function overPeople<T extends { readonly subject: string }>(
  rows: readonly T[],
  of: (row: T) => number,
): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length
  const subjects = [...new Set(rows.map(({ subject }) => subject))]
  return mean(subjects.map((name) => mean(rows.filter(({ subject }) => subject === name).map(of))))
}

async function measure(
  pair: Pair,
  harmonizer: Harmonizer,
  range: number,
): Promise<{ readonly rows: readonly ScanCoverage[]; readonly ranks: ScanRanks }> {
  const {
    target,
    mask,
    scans: [own],
  } = await loadPair(pair)
  const { volume, uncertainty } = await harmonizer.apply(own.volume, {
    ...{ ...own.origin, mask: own.mask, force: true, uncertainty: true },
  })
  const output = toFloat32(volume)
  const width = toFloat32((uncertainty as NonNullable<typeof uncertainty>).map)
  const y = toFloat32(target)
  const grid: Grid = { shape: own.volume.shape, affine: own.volume.affine }
  const { subject } = pair
  const rows: ScanCoverage[] = []
  const known = mask.reduce((sum, inside, i) => sum + (inside !== 0 && !Number.isNaN(width[i]) ? 1 : 0), 0)
  for (const [place, inside] of await placesOf(pair, grid, mask, y)) {
    let [n, covered, widths, errors] = [0, 0, 0, 0]
    for (let i = 0; i < y.length; i++) {
      const half = width[i] as number
      if (inside[i] === 0 || Number.isNaN(half)) continue
      const error = Math.abs((y[i] as number) - (output[i] as number))
      n++
      widths += half
      errors += error
      if (error <= half) covered++
    }
    if (n >= LEAST_VOXELS)
      rows.push({
        ...{ subject, place, covered: covered / n, share: n / known },
        ...{ width: widths / n / range, error: errors / n / range },
      })
  }
  return { rows, ranks: { subject, spearman: rankedWidths(output, y, width, mask) } }
}

async function placesOf(
  pair: Pair,
  grid: Grid,
  mask: Uint8Array,
  target: Float32Array,
): Promise<ReadonlyMap<Place, Uint8Array>> {
  const { labels } = await tissuesOf(pair, grid, mask, target)
  const gradient = squaredGradient(target, grid.shape, voxelSize(grid))
  const [steep] = maskedQuantiles(gradient, mask, [EDGE_FROM]) as unknown as [number]
  const path = pair.source.truth.lesions ?? pair.target.truth.lesions
  const lesions = path === undefined ? undefined : labelsOn(grid, (await readNifti(path)).volume)
  const where = (inside: (i: number) => boolean): Uint8Array =>
    mask.map((value, i) => (value !== 0 && inside(i) ? 1 : 0))
  return new Map<Place, Uint8Array>([
    ['overall', mask],
    ...[...new Set(labels)]
      .filter((label) => label > 0)
      .map((label) => [`tissue ${label}` as const, where((i) => labels[i] === label)] as const),
    ['edges', where((i) => (gradient[i] as number) >= steep)],
    ...(lesions === undefined
      ? []
      : [['lesions' as const, where((i) => (lesions[i] as number) > 0)] as const]),
  ])
}

/** Whether the map is wide where the error is large. */
function rankedWidths(
  output: Float32Array,
  target: Float32Array,
  width: Float32Array,
  mask: Uint8Array,
): number {
  const places: number[] = []
  for (let i = 0; i < mask.length; i++) if (mask[i] !== 0 && !Number.isNaN(width[i])) places.push(i)
  const every = Math.max(1, Math.floor(places.length / RANKED))
  const chosen = places.filter((_, k) => k % every === 0)
  return spearman(
    Float32Array.from(chosen, (i) => width[i] as number),
    Float32Array.from(chosen, (i) => Math.abs((target[i] as number) - (output[i] as number))),
  )
}
