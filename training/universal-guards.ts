/**
 * Which images a universal harmonizer takes: those that look like the digital scans it was trained on. Scans of one kind
 * (whole, defaced, brain alone; even or uneven) are alike, all of them together are not, so that each group has limits of its own
 * and an image must fit those of one.
 */
import { descriptorLimitsOf } from '../src/harmonizer/descriptor-guard.ts'
import type { DomainLimits, Range } from '../src/harmonizer/manifest.ts'
import type { Descriptors } from '../src/metrics/descriptors.ts'
import type { ScanFacts } from './universal.ts'

/** Any positive gain: the network sees intensities relative to the image's own scale. */
const ANY_INTENSITY: Range = [1e-6, 1e9]
/** Head protocols from cropped to generous, mm along R, A, S (chosen; digital scans are cut to the head). */
const EXTENT_MM: DomainLimits['extentMm'] = [
  [110, 360],
  [130, 400],
  [90, 400],
]
/** From submillimetre 7 T protocols to thick slices, mm; simulated as point spreads (see data/generators/any-scanner.ts). */
const VOXEL_MM: Range = [0.5, 6]
/** A small brain alone to a large head with its neck, ml. */
const MASK_ML: Range = [700, 7500]
/** Groups of alike scans within each preparation (chosen: more would hold too few scans each). */
const GROUPS = 4
const ROUNDS = 25

/** @throws never; preparations with fewer scans than groups get fewer groups */
export function universalGuards(scans: readonly ScanFacts[]): Readonly<Record<string, DomainLimits>> {
  const kinds = [...new Set(scans.map(({ preparation }) => preparation))].sort()
  return Object.fromEntries(
    kinds.flatMap((kind) => {
      const described = scans.flatMap(({ preparation, descriptors }) =>
        preparation === kind && descriptors ? [descriptors] : [],
      )
      return grouped(described).map((group, k) => [`${kind}-${k + 1}`, limitsOf(group)])
    }),
  )
}

function limitsOf(group: readonly Descriptors[]): DomainLimits {
  const { histogram, radial, people, cut } = descriptorLimitsOf(
    group.map((descriptors, k) => ({ subject: String(k), descriptors })),
  )
  return {
    scans: group.length,
    median: ANY_INTENSITY,
    p99: ANY_INTENSITY,
    extentMm: EXTENT_MM,
    voxelMm: VOXEL_MM,
    maskMl: MASK_ML,
    // noise and sharpness were varied on purpose, and are not limited
    descriptors: { people, histogram, radial, cut },
  }
}

/** k-means on the curves of the descriptors, from the scans that lie farthest from each other. */
function grouped(scans: readonly Descriptors[]): readonly (readonly Descriptors[])[] {
  const points = scans.map(({ histogram, radial }) => [...histogram, ...radial])
  const centres = [points[0] as number[]]
  while (centres.length < Math.min(GROUPS, points.length)) {
    const far = points.map((point) => Math.min(...centres.map((centre) => squared(point, centre))))
    centres.push(points[far.indexOf(Math.max(...far))] as number[])
  }
  let nearest: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    nearest = points.map((point) => {
      const apart = centres.map((centre) => squared(point, centre))
      return apart.indexOf(Math.min(...apart))
    })
    for (const k of centres.keys()) {
      const members = points.filter((_, i) => nearest[i] === k)
      const [first] = members
      if (first !== undefined)
        centres[k] = first.map(
          (_, p) => members.reduce((sum, point) => sum + (point[p] as number), 0) / members.length,
        )
    }
  }
  return centres
    .map((_, k) => scans.filter((_scan, i) => nearest[i] === k))
    .filter((group) => group.length > 0)
}

function squared(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, p) => sum + (value - (b[p] as number)) ** 2, 0)
}
