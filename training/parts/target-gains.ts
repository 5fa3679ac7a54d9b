/**
 * Receivers are set anew for every scan: target scans of two people differ by a factor that no harmonizer can foresee. A network that is
 * asked for it learns to recognize the people it was trained on, so that goals are freed of it.
 */
import type { LatticeScan, LatticeSubject } from './lattice-subjects.ts'

/** Brighter than this in units of the reference scale: tissue without air, bone and fluid. */
const TISSUE = 0.5

/**
 * Target scans divided by a gain each: the median ratio of their tissue to what the first stage made of the same person's sources, relative to
 * the geometric mean of these medians over people, so that what the first stage misses in everybody stays to be learned.
 */
export function withoutGains(subjects: readonly LatticeSubject[]): readonly LatticeSubject[] {
  const gains = subjects.map(({ targets, sources }) => targets.map((target) => gainOf(target, sources)))
  const known = gains.flat().filter(Number.isFinite)
  const mean = Math.exp(known.reduce((sum, gain) => sum + Math.log(gain), 0) / Math.max(1, known.length))
  const freed = (target: LatticeScan, gain = Number.NaN): LatticeScan =>
    Number.isFinite(gain) ? { ...target, image: target.image.map((value) => (value * mean) / gain) } : target
  return subjects.map((subject, s) => {
    const [first, ...others] = subject.targets
    const own = gains[s] ?? []
    return { ...subject, targets: [freed(first, own[0]), ...others.map((one, k) => freed(one, own[k + 1]))] }
  })
}

/** @returns NaN where no source shares tissue with the target */
function gainOf(target: LatticeScan, sources: readonly LatticeScan[]): number {
  return middle(
    sources.map((source) => {
      const ratios = new Float32Array(target.image.length)
      let count = 0
      for (let i = 0; i < ratios.length; i++) {
        const [y, x] = [target.image[i]!, source.image[i]!]
        if (target.mask[i] === 1 && source.mask[i] === 1 && y > TISSUE && x > TISSUE) ratios[count++] = y / x
      }
      return middle(ratios.subarray(0, count))
    }),
  )
}

function middle(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).filter(Number.isFinite).sort()
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}
