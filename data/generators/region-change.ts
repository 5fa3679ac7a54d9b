/** Growth and shrinkage of a region by a stated share of its volume, by a deformation that its surroundings make up for. */
import { ConfigError } from '../../src/errors.ts'
import type { Vector3 } from '../../src/kernels/matrix.ts'
import type { Individual } from './anatomy.ts'
import { type Displacement, displacementAt, exponential, remapped, smallestJacobian } from './deformation.ts'
import { distanceTo } from './distance.ts'
import { potential } from './poisson.ts'

const VENTRICLES = [4, 43, 5, 44, 14]
const CSF = [...VENTRICLES, 15, 24]

export type RegionName =
  | 'ventricles'
  | 'hippocampus'
  | 'amygdala'
  | 'thalamus'
  | 'striatum'
  | 'cortex'
  | 'white-matter'

/** Labels of the regions that may change. */
export const REGIONS: Readonly<Record<RegionName, readonly number[]>> = {
  ventricles: VENTRICLES,
  hippocampus: [17, 53],
  amygdala: [18, 54],
  thalamus: [10, 49],
  striatum: [11, 50, 12, 51, 26, 58],
  cortex: [3, 42],
  'white-matter': [2, 41],
}

/** A region by name, or a ball around a point of the head at rest (R, A, S in mm from its centre). */
export type Region = RegionName | { readonly centreMm: Vector3; readonly radiusMm: number }

/** Signed: -10 is a loss of a tenth. */
export interface RegionChange {
  readonly region: Region
  readonly percent: number
}

export interface MeasuredChange extends RegionChange {
  readonly beforeMl: number
  readonly afterMl: number
  readonly measuredPercent: number
}

/** What is left between the change asked for and the measured one, in percentage points. */
export const CHANGE_TOLERANCE = { absolute: 0.15, relative: 0.02 } as const
/** How far from the region its surroundings give way, mm (1/e; chosen). */
const REACH_MM = 20
const ATTEMPTS = 10
const SMALLEST_JACOBIAN = 0.1

export function isRegionName(name: string): name is RegionName {
  return name in REGIONS
}

/**
 * Changes regions one after the other, and measures all of them when the last is done. Cerebrospinal fluid makes room or fills up where tissue
 * changes; white and grey matter where fluid does.
 * @throws {ConfigError} when the anatomy has no such region, or the change would fold space
 */
export function changeRegions(
  individual: Individual,
  changes: readonly RegionChange[],
): { readonly individual: Individual; readonly measured: readonly MeasuredChange[] } {
  const boxes = changes.map(({ region }) => boxOf(individual, region))
  const before = changes.map(({ region }, i) => volumeMl(individual, individual, region, boxes[i]!))
  const taken = changes.flatMap(({ region }) => (typeof region === 'string' ? [...REGIONS[region]] : []))
  let now = individual
  for (const [i, change] of changes.entries()) {
    if (before[i] === 0)
      throw new ConfigError(
        `Anatomy ${individual.anatomy.name} has no ${nameOf(change.region)}.`,
        'Leave the anatomy out, or choose another region.',
      )
    if (change.percent !== 0) now = changeRegion(individual, now, change, taken, boxes[i]!)
  }
  const measured = changes.map((change, i) => {
    const afterMl = volumeMl(individual, now, change.region, boxes[i]!)
    const beforeMl = before[i]!
    return { ...change, beforeMl, afterMl, measuredPercent: 100 * (afterMl / beforeMl - 1) }
  })
  return { individual: now, measured }
}

function nameOf(region: Region): string {
  return typeof region === 'string' ? region : `tissue at ${region.centreMm.join(', ')} mm`
}

/**
 * exp(v) with v the gradient of a potential whose Laplacian is even in the region and of the other sign around it. The amplitude follows from the
 * measured volume, since the grid of 4 mm does not see thin structures.
 */
function changeRegion(
  rest: Individual,
  now: Individual,
  { region, percent }: RegionChange,
  taken: readonly number[],
  box: Box,
): Individual {
  const wanted = Math.log(1 + percent / 100)
  const velocity = changeVelocity(rest, now, region, taken)
  const start = volumeMl(rest, now, region, box)
  const { absolute, relative } = CHANGE_TOLERANCE
  let amplitude = wanted
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const next = deformed(now, velocity, amplitude)
    if (next.smallestJacobian < SMALLEST_JACOBIAN) break
    const ratio = volumeMl(rest, next, region, box) / start
    if (Math.abs(100 * (ratio - 1) - percent) <= 0.5 * Math.max(absolute, relative * Math.abs(percent)))
      return next
    // close to the target the ratio of logarithms is noise of the count
    amplitude *= Math.min(3, Math.max(0.3, wanted / Math.log(ratio)))
    if (!Number.isFinite(amplitude)) break
  }
  throw new ConfigError(
    `${nameOf(region)} of ${rest.anatomy.name} cannot change by ${percent} %.`,
    'Choose a smaller change.',
  )
}

function deformed(now: Individual, velocity: Displacement, amplitude: number): Individual {
  const along = velocity.along.map((u) => u.map((x) => x * amplitude)) as unknown as Displacement['along']
  const change = exponential({ ...velocity, along })
  const flow = remapped(now.flow, (point) => {
    const [dx, dy, dz] = displacementAt(change, point)
    const here: Vector3 = [point[0] + dx, point[1] + dy, point[2] + dz]
    const [ux, uy, uz] = displacementAt(now.flow, here)
    return [here[0] + ux, here[1] + uy, here[2] + uz]
  })
  return { ...now, flow, smallestJacobian: smallestJacobian(flow) }
}

/** Labels at points of the individual (mm from its centre), and where its displacement takes them. */
function lookup(individual: Individual): (point: Vector3) => number {
  const { anatomy, linear, flow } = individual
  const [bx, by, bz] = anatomy.shape
  return (point) => {
    const u = displacementAt(flow, point)
    const q = [point[0] + u[0], point[1] + u[1], point[2] + u[2]] as const
    const at = (row: 0 | 1 | 2, n: number): number =>
      Math.floor(linear[row][0] * q[0] + linear[row][1] * q[1] + linear[row][2] * q[2] + n / 2)
    const [x, y, z] = [at(0, bx), at(1, by), at(2, bz)]
    if (x < 0 || y < 0 || z < 0 || x >= bx || y >= by || z >= bz) return 0
    return anatomy.labels[(z * by + y) * bx + x]!
  }
}

/** Whether a point of `now` belongs to the region. A ball is a set of tissue of the head at `rest`, so it moves with the deformation. */
function membership(rest: Individual, now: Individual, region: Region): (point: Vector3) => boolean {
  if (typeof region === 'string') {
    const label = lookup(now)
    const labels: readonly number[] = REGIONS[region]
    return (point) => labels.includes(label(point))
  }
  const [cx, cy, cz] = region.centreMm
  const [ox, oy, oz] = displacementAt(rest.flow, region.centreMm)
  return (point) => {
    const [ux, uy, uz] = displacementAt(now.flow, point)
    const from = [point[0] + ux - cx - ox, point[1] + uy - cy - oy, point[2] + uz - cz - oz] as const
    return Math.hypot(...from) < region.radiusMm
  }
}

/** Grid nodes from `from` up to, not including, `to`. */
interface Box {
  readonly from: Vector3
  readonly to: Vector3
}

/** Share of each grid cell in `box`, centred on a node, that satisfies `is`, from `per`^3 points; 0 elsewhere. */
function shares(
  { flow: { shape, spacingMm } }: Individual,
  is: (point: Vector3) => boolean,
  per: number,
  { from, to }: Box = { from: [0, 0, 0], to: shape },
): Float32Array {
  const [nx, ny, nz] = shape
  const out = new Float32Array(nx * ny * nz)
  const mm = (i: number, n: number, s: number): number => (i - n / 2 + (s + 0.5) / per) * spacingMm
  for (let z = from[2]; z < to[2]; z++)
    for (let y = from[1]; y < to[1]; y++)
      for (let x = from[0]; x < to[0]; x++) {
        let n = 0
        for (let c = 0; c < per; c++)
          for (let b = 0; b < per; b++)
            for (let a = 0; a < per; a++) if (is([mm(x, nx, a), mm(y, ny, b), mm(z, nz, c)])) n++
        out[(z * ny + y) * nx + x] = n / per ** 3
      }
  return out
}

const COARSE = 2
const MARGIN_CELLS = 3
/** Cells above which points lie 1 mm apart instead of 2/3 mm. */
const LARGE_BOX = 10_000

/** The cells that hold the region at rest, and as many around it as a change may reach. */
function boxOf(rest: Individual, region: Region): Box {
  const { shape } = rest.flow
  const cells = shares(rest, membership(rest, rest, region), COARSE)
  const from = [...shape]
  const to = [0, 0, 0]
  for (let z = 0, i = 0; z < shape[2]; z++)
    for (let y = 0; y < shape[1]; y++)
      for (let x = 0; x < shape[0]; x++, i++) {
        if (cells[i] === 0) continue
        for (const [axis, at] of [x, y, z].entries()) {
          from[axis] = Math.max(0, Math.min(from[axis]!, at - MARGIN_CELLS))
          to[axis] = Math.min(shape[axis]!, Math.max(to[axis]!, at + MARGIN_CELLS + 1))
        }
      }
  return { from: from as unknown as Vector3, to: to as unknown as Vector3 }
}

/** Volume in ml of the region in `now`, counted within `box`. */
function volumeMl(rest: Individual, now: Individual, region: Region, box: Box): number {
  const cells = box.to.reduce((product, end, axis) => product * Math.max(0, end - box.from[axis]!), 1)
  const found = shares(now, membership(rest, now, region), cells > LARGE_BOX ? 4 : 6, box)
  let sum = 0
  for (let i = 0; i < found.length; i++) sum += found[i]!
  return (sum * now.flow.spacingMm ** 3) / 1000
}

/** Velocity per unit of amplitude, mm: points of the changed head go back to where they came from, so a growing region converges. */
function changeVelocity(
  rest: Individual,
  now: Individual,
  region: Region,
  taken: readonly number[],
): Displacement {
  const { shape, spacingMm } = now.flow
  const inside = shares(now, membership(rest, now, region), COARSE)
  const label = lookup(now)
  const fluid = typeof region === 'string' && region !== 'ventricles'
  const gives = fluid
    ? (value: number): boolean => CSF.includes(value) && !taken.includes(value)
    : (value: number): boolean => value !== 0 && !CSF.includes(value) && !taken.includes(value)
  const around = shares(now, (point) => gives(label(point)), COARSE)
  const distance = distanceTo((i) => inside[i]! > 0, shape)
  let [regionSum, aroundSum] = [0, 0]
  for (let i = 0; i < around.length; i++) {
    around[i]! *= (1 - inside[i]!) * Math.exp((-distance[i]! * spacingMm) / REACH_MM)
    regionSum += inside[i]!
    aroundSum += around[i]!
  }
  const source = inside.map((share, i) => -share + (around[i]! * regionSum) / aroundSum)
  return { shape, spacingMm, along: gradient(potential(source, shape, spacingMm), shape, spacingMm) }
}

/** Central differences; 0 on the border. */
function gradient(
  x: Float64Array,
  [nx, ny, nz]: readonly [number, number, number],
  spacingMm: number,
): Displacement['along'] {
  const along = [0, 1, 2].map(() => new Float32Array(x.length)) as unknown as Displacement['along']
  const strides = [1, nx, nx * ny] as const
  for (let z = 1; z < nz - 1; z++)
    for (let y = 1; y < ny - 1; y++)
      for (let i = (z * ny + y) * nx + 1, end = i + nx - 2; i < end; i++)
        for (const axis of [0, 1, 2] as const)
          along[axis][i] = (x[i + strides[axis]]! - x[i - strides[axis]]!) / (2 * spacingMm)
  return along
}
