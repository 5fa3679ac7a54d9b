/**
 * Is this image of the kind that the harmonizer was trained on? A few scale-free descriptors (metrics/descriptors.ts) are compared
 * with those of the training images. A domain has 1 to 10 of these, too few to estimate a spread from, so the spread between people
 * that was measured on many images stands in as a prior. Derivation and measurements: docs/decisions/0005-guards.md.
 */
import { studentQuantile } from '../kernels/student.ts'
import { type Descriptors, FACES } from '../metrics/descriptors.ts'
import type { Finding } from './guards.ts'

/** A mean curve, and how far (root mean square over its points) an image of this kind may be from it. */
export interface CurveLimit {
  readonly mean: readonly number[]
  readonly most: number
}

/** What the descriptors of an image of one domain must be like. */
export interface DescriptorLimits {
  /** Number of people that the limits come from. */
  readonly people: number
  readonly histogram: CurveLimit
  readonly radial: CurveLimit
  /** Lowest and highest noise relative to the mean intensity; absent where it could not be measured in training. */
  readonly noise?: readonly [low: number, high: number] | undefined
  /** Lowest and highest smoothness in mm. */
  readonly fwhmMm?: readonly [low: number, high: number] | undefined
  /** The most of the head that may be cut off at each face. */
  readonly cut: readonly number[]
}

/** One training image. Images of one person together have the weight of one. */
export interface DescribedScan {
  readonly subject: string
  readonly descriptors: Descriptors
}

/** SDs between people within one domain (of logarithms for noise and smoothness), and how many observations they count as. */
const PRIOR = { histogram: 0.035, radial: 0.045, noise: 0.2, fwhmMm: 0.08 } as const
const PRIOR_FREEDOM = 20
/** Normal quantile of 0.999: a false refusal by each of the four descriptors in 1 of 500 images of the domain. */
const QUANTILE = 3.0902
/** More of the head may be cut off than in training by this, in the order of `FACES`: ears touch the faces, and
 * necks are cut anywhere, which says nothing. Chosen. */
const CUT_TOLERANCE = [0.3, 0.3, 0.3, 0.3, 0.8, 0.3] as const
/** Stands in for 0 before logarithms are taken: no real image has so little noise, nor is so sharp. */
const LEAST = 1e-6

/** @param scans of one domain, at least one */
export function descriptorLimitsOf(scans: readonly DescribedScan[]): DescriptorLimits {
  const counts = new Map<string, number>()
  for (const { subject } of scans) counts.set(subject, (counts.get(subject) ?? 0) + 1)
  const people = counts.size
  const shares = scans.map(({ subject }) => 1 / (people * (counts.get(subject) as number)))
  const curve = (name: 'histogram' | 'radial'): CurveLimit => {
    const curves = scans.map(({ descriptors }) => descriptors[name])
    const mean = (curves[0] as readonly number[]).map((_, p) =>
      weighted(
        curves.map((values) => values[p] as number),
        shares,
      ),
    )
    const squares = weighted(
      curves.map((values) => distance(values, mean) ** 2),
      shares,
    )
    return { mean: mean.map(rounded), most: rounded(predictiveReach(people * squares, people, PRIOR[name])) }
  }
  const scalar = (name: 'noise' | 'fwhmMm'): readonly [number, number] | undefined => {
    const logs = scans.map(({ descriptors }) => logOf(descriptors[name]))
    if (logs.some(Number.isNaN)) return undefined
    const mean = weighted(logs, shares)
    const squares = weighted(
      logs.map((log) => (log - mean) ** 2),
      shares,
    )
    const most = predictiveReach(people * squares, people, PRIOR[name])
    return [rounded(Math.exp(mean - most)), rounded(Math.exp(mean + most))]
  }
  const [noise, fwhmMm] = [scalar('noise'), scalar('fwhmMm')]
  return {
    people,
    histogram: curve('histogram'),
    radial: curve('radial'),
    ...(noise && { noise }),
    ...(fwhmMm && { fwhmMm }),
    cut: FACES.map((_, face) =>
      rounded(
        Math.max(...scans.map(({ descriptors }) => descriptors.cut[face] as number)) +
          (CUT_TOLERANCE[face] as number),
      ),
    ),
  }
}

/**
 * Half-width of the interval that the next image falls into: its posterior predictive distribution under a normal model with a
 * scaled inverse chi-squared prior on the variance is Student's t.
 * @param squares sum of squared deviations of `people` people from their mean
 * @see Gelman et al., Bayesian Data Analysis, 3rd ed. (2013), section 3.2
 */
export function predictiveReach(squares: number, people: number, priorSd: number): number {
  const freedom = PRIOR_FREEDOM + people - 1
  const variance = (PRIOR_FREEDOM * priorSd ** 2 + squares) / freedom
  return studentQuantile(QUANTILE, freedom) * Math.sqrt(variance * (1 + 1 / people))
}

/** Findings for one image against one domain; what could not be measured is noted. */
export function checkDescriptors(
  image: Descriptors,
  domain: string,
  limits: DescriptorLimits,
): readonly Finding[] {
  const basis = `${domain} (from ${limits.people} ${limits.people === 1 ? 'person' : 'people'})`
  const curve = (
    guard: 'histogram' | 'contrast',
    what: string,
    own: readonly number[],
    limit: CurveLimit,
  ): Finding => {
    const apart = distance(own, limit.mean)
    return {
      guard,
      status: apart <= limit.most ? 'passed' : 'failed',
      message: `${what} is ${rounded(apart)} away from that of ${basis}; accepted: up to ${limit.most}.`,
    }
  }
  const scalar = (
    guard: 'noise' | 'resolution',
    what: string,
    own: number,
    limit: readonly [number, number] | undefined,
  ): readonly Finding[] => {
    if (limit === undefined) return []
    if (Number.isNaN(own))
      return [{ guard, status: 'noted', message: `${what} cannot be measured: too few neighbouring voxels.` }]
    const status = own >= limit[0] && own <= limit[1] ? 'passed' : 'failed'
    return [
      {
        guard,
        status,
        message: `${what} is ${rounded(own)}; accepted for ${basis}: ${limit[0]} to ${limit[1]}.`,
      },
    ]
  }
  return [
    curve('histogram', 'The shape of the histogram', image.histogram, limits.histogram),
    curve('contrast', 'The contrast from the middle to the rim', image.radial, limits.radial),
    ...scalar('noise', 'Noise relative to the mean intensity', image.noise, limits.noise),
    ...scalar('resolution', 'Smoothness in mm', image.fwhmMm, limits.fwhmMm),
    checkCut(image, basis, limits),
  ]
}

function checkCut({ cut }: Descriptors, basis: string, limits: DescriptorLimits): Finding {
  const beyond = FACES.flatMap((face, k) => {
    const [own, most] = [cut[k] as number, limits.cut[k] as number]
    return own > most ? [`${face} (${percent(own)} of its cross-section, accepted ${percent(most)})`] : []
  })
  return beyond.length === 0
    ? { guard: 'field-of-view', status: 'passed', message: 'The head is not cut off more than in training.' }
    : {
        guard: 'field-of-view',
        status: 'failed',
        message: `The head is cut off at the ${beyond.join(' and the ')}, more than in ${basis}.`,
      }
}

/** Root mean square difference; NaN where a curve is not finite, which no limit accepts. */
function distance(a: readonly number[], b: readonly number[]): number {
  return Math.sqrt(a.reduce((sum, value, p) => sum + (value - (b[p] as number)) ** 2, 0) / a.length)
}

function weighted(values: readonly number[], shares: readonly number[]): number {
  return values.reduce((sum, value, k) => sum + value * (shares[k] as number), 0)
}

function logOf(value: number): number {
  return Math.log(Math.min(1 / LEAST, Math.max(LEAST, value)))
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}

/** Three significant digits, as the other limits. */
function rounded(value: number): number {
  return Number(value.toPrecision(3))
}
