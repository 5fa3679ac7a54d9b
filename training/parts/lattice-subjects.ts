/**
 * People on one lattice each: every scan of a person brought near the reference by the first stage, and read at the same points in space,
 * so that two sources can be compared with each other as well as with the target.
 */
import type { Cohort, Scan } from '../../src/cohort/cohort.ts'
import { loadScan, readMask } from '../../src/cohort/images.ts'
import { imageCode } from '../../src/harmonizer/image-code.ts'
import type { Mapping } from '../../src/harmonizer/unguarded.ts'
import { readLattice } from '../../src/inference/reading.ts'
import { LATTICE, type LatticePlacement } from '../../src/kernels/lattice.ts'
import { transformPoint } from '../../src/kernels/matrix.ts'
import { resample } from '../../src/spatial/resample.ts'
import { frameOf, placeBox } from '../../src/volume/frame.ts'
import { type Grid, toFloat32, volumeOf } from '../../src/volume/volume.ts'

/** One scan at the lattice points of its person, [96, 120, 96] along R, A, S. */
export interface LatticeScan {
  readonly domain: string
  /** After the first stage, in units of the reference scale; of a target scan as it came. */
  readonly image: Float32Array
  /** 1 where the scan counts: in its mask and, of a source, its region. */
  readonly mask: Uint8Array
  readonly code: Float32Array
  /** The same for whoever knows the image alone, and not how it was acquired. */
  readonly bareCode: Float32Array
}

export interface LatticeSubject {
  readonly subject: string
  /** The goals: scans on the target, the first of which places the lattice. */
  readonly targets: readonly [LatticeScan, ...LatticeScan[]]
  readonly sources: readonly LatticeScan[]
}

/** Everyone with a target scan; `referenceScale` is the unit of what is returned. */
export async function loadLatticeSubjects(
  cohort: Cohort,
  target: string,
  stage: Mapping,
  referenceScale: number,
  onScan: (done: number, total: number) => void,
): Promise<readonly LatticeSubject[]> {
  const subjects = [
    ...new Set(cohort.scans.filter(({ domain }) => domain === target).map(({ subject }) => subject)),
  ]
  const scans = cohort.scans.filter(({ subject }) => subjects.includes(subject))
  const found: LatticeSubject[] = []
  let done = 0
  for (const subject of subjects) {
    const own = scans.filter((scan) => scan.subject === subject)
    const goals = own.filter(({ domain }) => domain === target)
    const first = await loadScan(goals[0] as Scan)
    const grid = latticeGrid(first.volume, first.mask)
    const read = async (scan: Scan): Promise<LatticeScan> => {
      const one = await readScan(scan, grid, target, stage, referenceScale)
      onScan(++done, scans.length)
      return one
    }
    const targets: LatticeScan[] = []
    for (const scan of goals) targets.push(await read(scan))
    const sources: LatticeScan[] = []
    for (const scan of own) if (scan.domain !== target) sources.push(await read(scan))
    found.push({ subject, targets: targets as [LatticeScan, ...LatticeScan[]], sources })
  }
  return found
}

async function readScan(
  scan: Scan,
  grid: Grid,
  target: string,
  stage: Mapping,
  referenceScale: number,
): Promise<LatticeScan> {
  const { volume, mask, origin } = await loadScan(scan)
  const values = scan.domain === target ? toFloat32(volume) : await stage(volume, mask, origin)
  const image = resample(volumeOf(volume, values), grid, 'linear').data as Float32Array
  const region = scan.region === undefined ? mask : await readMask(scan.region, volume)
  const counted = mask.map((value, i) => value & (region[i] as number))
  const inside = resample(volumeOf(volume, counted), grid, 'nearest').data
  const known = Uint8Array.from(inside, (value, i) => (value > 0 && Number.isFinite(image[i]) ? 1 : 0))
  const reading = readLattice(volume, mask)
  return {
    domain: scan.domain,
    image: image.map((value) => (Number.isFinite(value) ? value / referenceScale : 0)),
    mask: known,
    code: imageCode(reading, origin.acquisition),
    bareCode: imageCode(reading, {}),
  }
}

/** The lattice of an image as a grid of its own, S fastest, so that its samples lie in the lattice's order. */
export function latticeGrid(volume: Grid, mask: Uint8Array): Grid {
  const frame = frameOf(volume)
  const placement: LatticePlacement = { ...frame, corner: placeBox(frame, mask) }
  const stored = (point: readonly [number, number, number]): readonly [number, number, number] => {
    const at: [number, number, number] = [0, 0, 0]
    for (const axis of [0, 1, 2] as const) {
      const index = (placement.corner[axis] + (point[axis] + 0.5) * LATTICE.spacing) / placement.voxel[axis]
      at[placement.axes[axis]] = placement.flips[axis] ? placement.shape[axis] - 1 - index : index
    }
    return at
  }
  const world = (point: readonly [number, number, number]): readonly [number, number, number] =>
    transformPoint(volume.affine, stored(point))
  const origin = world([0, 0, 0])
  const [r, a, s] = [world([1, 0, 0]), world([0, 1, 0]), world([0, 0, 1])]
  const affine = ([0, 1, 2] as const).flatMap((row) => [
    s[row] - origin[row],
    a[row] - origin[row],
    r[row] - origin[row],
    origin[row],
  ])
  const [nr, na, ns] = LATTICE.shape
  return { shape: [ns, na, nr], affine: [...affine, 0, 0, 0, 1] as unknown as Grid['affine'] }
}
