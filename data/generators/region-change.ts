/** Growth and shrinkage of a region by a stated share of its volume, by a deformation that its surroundings make up for. */
import { ConfigError } from '../../src/errors.ts'
import type { Vector3 } from '../../src/kernels/matrix.ts'
import type { Individual } from './anatomy.ts'
import { type Displacement, displacementAt, exponential, remapped, smallestJacobian } from './deformation.ts'
import { distanceTo } from './distance.ts'
import { oneOf } from './labels.ts'
import { potential } from './poisson.ts'
import { type Box, boxOf, cellShares, type Membership, volumeMl } from './region-measure.ts'

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

/** Largest difference between the change asked for and the measured one, in percentage points: the greater of both. */
export const CHANGE_TOLERANCE: { readonly absolute: number; readonly relative: number } = {
  absolute: 0.2,
  relative: 0.02,
}
/** How far from the region its surroundings give way, mm (1/e; chosen). */
const REACH_MM = 20
const ATTEMPTS = 10
const SMALLEST_JACOBIAN = 0.1

export function isRegionName(name: string): name is RegionName {
  return name in REGIONS
}

/**
 * Changes regions by deforming the head. Cerebrospinal fluid makes room or fills up where tissue changes, white and grey matter where fluid
 * does. Each step changes every region that still misses by what it misses, until all measured volumes are right together.
 * @throws {ConfigError} when the anatomy has no such region, or the changes would fold space
 */
export function changeRegions(
  individual: Individual,
  changes: readonly RegionChange[],
): { readonly individual: Individual; readonly measured: readonly MeasuredChange[] } {
  if (changes.length === 0) return { individual, measured: [] }
  const taken = changes.flatMap(({ region }) => (typeof region === 'string' ? REGIONS[region] : []))
  const parts = changes.map((change) => partOf(individual, change, taken))
  let now = individual
  let gain = parts.map(() => 1)
  for (let attempt = 0; ; attempt++) {
    const measured = parts.map(({ change, is, box, beforeMl }): MeasuredChange => {
      const afterMl = volumeMl(now, is, box)
      return { ...change, beforeMl, afterMl, measuredPercent: 100 * (afterMl / beforeMl - 1) }
    })
    if (measured.every(isReached)) return { individual: now, measured }
    const next = step(now, parts, measured, gain)
    if (attempt === ATTEMPTS || next.smallestJacobian < SMALLEST_JACOBIAN) {
      const missed = measured.find((one) => !isReached(one)) as MeasuredChange
      throw new ConfigError(
        `${nameOf(missed.region)} of ${individual.anatomy.name} cannot change by ${missed.percent} %.`,
        'Choose a smaller change.',
      )
    }
    // the grid of 4 mm does not see thin structures: what a step achieved of what it aimed at scales the next
    gain = parts.map(({ is, box }, i) => {
      const { percent, beforeMl, afterMl } = measured[i]!
      const aimed = Math.log((beforeMl * (1 + percent / 100)) / afterMl)
      const reached = Math.log(volumeMl(next, is, box) / afterMl)
      return Math.abs(aimed) < 0.01 ? gain[i]! : Math.min(4, Math.max(0.5, (gain[i]! * aimed) / reached))
    })
    now = next
  }
}

interface Part {
  readonly change: RegionChange
  readonly is: Membership
  readonly box: Box
  readonly beforeMl: number
  readonly velocity: Displacement
}

function partOf(individual: Individual, change: RegionChange, taken: readonly number[]): Part {
  const { region } = change
  const is = membership(individual, region)
  const box = boxOf(individual, is)
  const beforeMl = volumeMl(individual, is, box)
  if (beforeMl === 0)
    throw new ConfigError(
      `Anatomy ${individual.anatomy.name} has no ${nameOf(region)}.`,
      'Leave the anatomy out, or choose another region.',
    )
  return { change, is, box, beforeMl, velocity: changeVelocity(individual, is, region, taken) }
}

function isReached({ percent, measuredPercent }: MeasuredChange): boolean {
  const { absolute, relative } = CHANGE_TOLERANCE
  return Math.abs(measuredPercent - percent) <= Math.max(absolute, relative * Math.abs(percent))
}

function step(
  now: Individual,
  parts: readonly Part[],
  measured: readonly MeasuredChange[],
  gain: readonly number[],
): Individual {
  return parts.reduce((head, { velocity }, i) => {
    const { percent, beforeMl, afterMl } = measured[i]!
    return deformed(head, velocity, gain[i]! * Math.log((beforeMl * (1 + percent / 100)) / afterMl))
  }, now)
}

function nameOf(region: Region): string {
  return typeof region === 'string' ? region : `tissue at ${region.centreMm.join(', ')} mm`
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

/** A ball is a set of tissue of the head at rest, so it moves with the deformation. */
function membership({ flow }: Individual, region: Region): Membership {
  if (typeof region === 'string') return oneOf(REGIONS[region])
  const { centreMm, radiusMm } = region
  const u = displacementAt(flow, centreMm)
  const [cx, cy, cz] = [centreMm[0] + u[0], centreMm[1] + u[1], centreMm[2] + u[2]]
  return (_, qx, qy, qz) => (qx - cx) ** 2 + (qy - cy) ** 2 + (qz - cz) ** 2 < radiusMm ** 2
}

/**
 * Velocity per unit of logarithmic growth, mm: the gradient of a potential whose Laplacian is even in the region and of the other sign around
 * it. Points of the changed head go back to where they came from, so a growing region converges.
 */
function changeVelocity(
  individual: Individual,
  is: Membership,
  region: Region,
  taken: readonly number[],
): Displacement {
  const { shape, spacingMm } = individual.flow
  const inside = cellShares(individual, is, 2)
  const isFluid = oneOf(CSF)
  const isTaken = oneOf(taken)
  const fluidGives = typeof region === 'string' && region !== 'ventricles'
  const around = cellShares(
    individual,
    (label) => label !== 0 && !isTaken(label) && isFluid(label) === fluidGives,
    2,
  )
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
