/** What a training step of `band-unet` sees: patches of axial slices of people scanned on two scanners, on the images' own grid. */
import { BAND_KERNELS } from '../../models/band-unet/network.ts'
import { SLICES } from '../../models/residual-unet/network.ts'
import type { Cohort, Scan } from '../../src/cohort/cohort.ts'
import { loadScan } from '../../src/cohort/images.ts'
import { InputError } from '../../src/errors.ts'
import { unitCode } from '../../src/harmonizer/unit-code.ts'
import type { KeptUnit } from '../../src/inference/band-unet-model.ts'
import { gaussianSmooth } from '../../src/kernels/gaussian.ts'
import type { Random } from '../../src/kernels/random.ts'
import { type Planes, toPlanes } from '../../src/volume/planes.ts'
import { type Grid, sameGrid, toFloat32 } from '../../src/volume/volume.ts'

export interface UnitScan {
  readonly domain: string
  readonly planes: Planes
  readonly code: Float32Array
}

/** One person; every scan is on one grid. */
export interface UnitSubject {
  readonly subject: string
  readonly targets: readonly UnitScan[]
  readonly sources: readonly UnitScan[]
  /** 1 in the body of the first target, as planes. */
  readonly body: Uint8Array
  /** Planes that show it. */
  readonly slices: readonly number[]
}

/** Least share of a plane that the body must fill. */
const LEAST_BODY = 0.05

/**
 * Everyone with a scan on the target and another.
 * @throws {InputError} when scans of one person lie on different grids: resampling would change the sharpness that is to be learned
 */
export async function loadUnitSubjects(
  cohort: Cohort,
  target: string,
  unit: KeptUnit,
  onScan: (done: number, total: number) => void,
): Promise<readonly UnitSubject[]> {
  const found: UnitSubject[] = []
  let done = 0
  for (const subject of new Set(cohort.scans.map((scan) => scan.subject))) {
    const own = cohort.scans.filter((scan) => scan.subject === subject)
    const isTarget = ({ domain }: Scan): boolean => domain === target
    if (!own.some(isTarget) || own.every(isTarget)) continue
    let first: { readonly grid: Grid; readonly body: Uint8Array; readonly image: string } | undefined
    const scans: UnitScan[] = []
    for (const scan of [...own.filter(isTarget), ...own.filter((one) => !isTarget(one))]) {
      const { volume, mask } = await loadScan(scan)
      first ??= { grid: volume, body: Uint8Array.from(toPlanes(mask, volume).data), image: scan.image }
      if (!sameGrid(first.grid, volume))
        throw new InputError(
          `${scan.image}: lies on another grid than ${first.image}.`,
          'Reconstruct (or resample, from both sides alike) the scans of one person on one grid: resampling one of them would be learned as its sharpness.',
        )
      const x = toFloat32(volume)
      const code = unitCode(unit, volume, x, mask)
      scans.push({ domain: scan.domain, planes: toPlanes(x, volume), code })
      onScan(++done, cohort.scans.length)
    }
    const { body } = first as NonNullable<typeof first>
    const [planes, rows, columns] = (scans[0] as UnitScan).planes.shape
    const area = rows * columns
    const share = (k: number): number =>
      body.subarray(k * area, (k + 1) * area).reduce((sum, inside) => sum + inside, 0) / area
    const slices = Array.from({ length: planes }, (_, k) => k).filter((k) => share(k) >= LEAST_BODY)
    found.push({
      ...{ subject, body, slices },
      targets: scans.filter(({ domain }) => domain === target),
      sources: scans.filter(({ domain }) => domain !== target),
    })
  }
  if (found.every(({ slices }) => slices.length === 0))
    throw new InputError(
      `${cohort.source}: no slice of a target scan shows enough of a body to learn from.`,
      'Check the masks of the target scans.',
    )
  return found.filter(({ slices }) => slices.length > 0)
}

/** Edge of a patch in pixels; a multiple of 8, three widths of the widest band and more. */
const PATCH = 112
/** Pixels along the border of a patch that do not count: so far the widest band looks beyond it. */
const BORDER = ((BAND_KERNELS.at(-1)?.length ?? 1) - 1) / 2

/** B patches of PATCH x PATCH. */
export interface UnitBatch {
  readonly count: number
  readonly edge: number
  /** [B, H, W, 3], then [B, H, W] each. */
  readonly slices: Float32Array
  readonly goal: Float32Array
  /** 0 or 1. */
  readonly weight: Float32Array
  /** What an error of 1 is, in the unit: the same everywhere in HU; in SUV it goes with the uptake. */
  readonly size: Float32Array
  readonly codes: readonly Float32Array[]
}

/**
 * @param identity share of patches whose source is a target scan, which must stay as it is
 * @param sizeOf   what an error of 1 is, of the smoothed goal
 */
export function drawUnitBatch(
  subjects: readonly UnitSubject[],
  { batch, identity }: { readonly batch: number; readonly identity: number },
  sizeOf: (local: number) => number,
  rng: Random,
): UnitBatch {
  const area = PATCH * PATCH
  const out: UnitBatch = {
    ...{ count: batch, edge: PATCH, codes: [] },
    slices: new Float32Array(batch * area * SLICES),
    goal: new Float32Array(batch * area),
    weight: new Float32Array(batch * area),
    size: new Float32Array(batch * area),
  }
  const codes: Float32Array[] = []
  for (let b = 0; b < batch; b++) {
    const one = subjects[rng.integer(subjects.length)] as UnitSubject
    const target = one.targets[rng.integer(one.targets.length)] as UnitScan
    const source =
      rng.uniform() < identity ? target : (one.sources[rng.integer(one.sources.length)] as UnitScan)
    const plane = one.slices[rng.integer(one.slices.length)] as number
    const [planes, rows, columns] = target.planes.shape
    const start = (n: number): number =>
      n + 2 * BORDER <= PATCH ? Math.floor((n - PATCH) / 2) : rng.integer(n + 2 * BORDER - PATCH + 1) - BORDER
    const [top, left] = [start(rows), start(columns)]
    const inside = (index: number, n: number): number => Math.min(n - 1, Math.max(0, index))
    const own = out.goal.subarray(b * area, (b + 1) * area)
    for (let j = 0, at = b * area; j < PATCH; j++)
      for (let i = 0; i < PATCH; i++, at++) {
        const [row, column] = [top + j, left + i]
        const pixel = inside(row, rows) * columns + inside(column, columns)
        const voxel = plane * rows * columns + pixel
        for (let k = 0; k < SLICES; k++) {
          const neighbour = inside(plane + k - 1, planes) * rows * columns + pixel
          out.slices[at * SLICES + k] = finite(source.planes.data[neighbour]!)
        }
        out.goal[at] = finite(target.planes.data[voxel]!)
        const within = row >= 0 && row < rows && column >= 0 && column < columns
        const border = Math.min(i, j, PATCH - 1 - i, PATCH - 1 - j)
        out.weight[at] = within && border >= BORDER ? one.body[voxel]! : 0
      }
    const local = gaussianSmooth(own, [PATCH, PATCH, 1], [2, 2, 0])
    out.size.set(local.map(sizeOf), b * area)
    codes.push(source.code)
  }
  return { ...out, codes }
}

/** What is no number counts as 0; apply leaves it as it is. */
function finite(value: number): number {
  return Number.isFinite(value) ? value : 0
}
