/**
 * Does the network see in this image what it saw in training? Its deepest activations, averaged over the axial slices, move when a head moves during the scan, or
 * when the image is from another scanner than is said, by more than the descriptors of the image do. Measured in docs/decisions/0005-guards.md.
 */
import type { SliceFeatures } from '../inference/residual-unet.ts'
import { predictiveReach } from './descriptor-guard.ts'
import type { Finding } from './guards.ts'

/** Per channel the mean over the training people of one domain, and the SD over slices that differences are measured in. */
export interface FeatureLimits {
  readonly people: number
  readonly mean: readonly number[]
  readonly sd: readonly number[]
  /** Largest root-mean-square difference, over channels, in these SDs. */
  readonly most: number
}

/** One training image. Images of one person together have the weight of one. */
export interface SeenScan {
  readonly subject: string
  readonly features: SliceFeatures
}

/**
 * SD between people within one domain: 0.40 for digital heads that the network had not seen, 1.3 for six people of IXI, whose scanner it had not seen either; chosen
 * between.
 */
const PRIOR = 0.75
/** Of the median channel's SD: channels that hardly move would otherwise count most. Chosen. */
const LEAST_SD = 0.1

/** @param scans of one domain, at least one */
export function featureLimitsOf(scans: readonly SeenScan[]): FeatureLimits {
  const subjects = [...new Set(scans.map(({ subject }) => subject))]
  const average = (of: (features: SliceFeatures) => readonly number[]): number[] => {
    const perPerson = subjects.map((subject) =>
      meanOf(scans.filter((scan) => scan.subject === subject).map(({ features }) => of(features))),
    )
    return meanOf(perPerson)
  }
  const mean = average((features) => features.mean)
  const spread = average((features) => features.sd)
  const least = LEAST_SD * (spread.toSorted((a, b) => a - b)[spread.length >> 1] as number)
  const sd = spread.map((value) => Math.max(value, least, Number.MIN_VALUE))
  const squares = subjects.map((subject) => {
    const own = scans.filter((scan) => scan.subject === subject)
    return own.reduce((sum, { features }) => sum + distance(features.mean, { mean, sd }) ** 2, 0) / own.length
  })
  const people = subjects.length
  const total = squares.reduce((sum, value) => sum + value, 0)
  return {
    people,
    mean: mean.map(rounded),
    sd: sd.map(rounded),
    most: rounded(predictiveReach(total, people, PRIOR)),
  }
}

export function checkFeatures(image: SliceFeatures, domain: string, limits: FeatureLimits): Finding {
  const apart = rounded(distance(image.mean, limits))
  const basis = `${domain} (from ${limits.people} ${limits.people === 1 ? 'person' : 'people'})`
  return {
    guard: 'network',
    status: apart <= limits.most ? 'passed' : 'failed',
    message: `What the network sees in the image is ${apart} away from what it saw in ${basis}; accepted: up to ${limits.most}. Motion during the scan does that, and another scanner or protocol.`,
  }
}

/** NaN where a feature is not finite, which no limit accepts. */
function distance(features: readonly number[], { mean, sd }: Pick<FeatureLimits, 'mean' | 'sd'>): number {
  const squares = mean.map((value, c) => (((features[c] ?? Number.NaN) - value) / (sd[c] as number)) ** 2)
  return Math.sqrt(squares.reduce((sum, value) => sum + value, 0) / squares.length)
}

function meanOf(rows: readonly (readonly number[])[]): number[] {
  return (rows[0] ?? []).map((_, c) => rows.reduce((sum, row) => sum + (row[c] as number), 0) / rows.length)
}

function rounded(value: number): number {
  return Number(value.toPrecision(3))
}
