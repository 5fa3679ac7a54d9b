/**
 * Heads of another composition, for the network of `local-tone`: people differ in how much fat, fluid and brain they have where, and a few
 * traveling subjects do not show it. A network that has seen few of them takes a brain with less tissue for one under a weaker coil.
 */
import type { Random } from '../../src/kernels/random.ts'

/** Of the waves over the intensities that a factor is made of, in half cycles from 0 to the last knot: as slow as tissues are wide. */
const HALF_CYCLES = [1, 2, 3] as const

/**
 * Features with other amounts of tissue at the same intensities, in place: each bin of the local histograms is multiplied by a random factor that
 * changes slowly from bin to bin and linearly over the box. Where more than fits would be in a voxel, all its bins give way alike.
 * The mean of the mask stays the sum of the bins.
 *
 * @param features of `coarseFeatures`, [voxels, channels]: K + 1 bins, mask, three coordinates in -1..1, domains
 * @param sd       standard deviation of the factors' logarithm, over the box and the intensities; 0 draws nothing
 */
export function recompose(
  features: Float32Array,
  channels: number,
  knots: readonly number[],
  sd: number,
  rng: Random,
): void {
  if (sd === 0) return
  const bins = knots.length
  const waves = wavesOver(knots, sd, rng)
  for (let base = 0; base < features.length; base += channels) {
    const total = features[base + bins]!
    if (total === 0) continue
    const [x, y, z] = [features[base + bins + 1]!, features[base + bins + 2]!, features[base + bins + 3]!]
    let sum = 0
    for (let k = 0; k < bins; k++) {
      if (features[base + k] === 0) continue
      let log = 0
      for (const { heights, constant, along } of waves)
        log += heights[k]! * (constant + along[0] * x + along[1] * y + along[2] * z)
      features[base + k]! *= Math.exp(log)
      sum += features[base + k]!
    }
    const fit = sum > 1 ? 1 / sum : 1
    for (let k = 0; k < bins; k++) features[base + k]! *= fit
    features[base + bins] = sum * fit
  }
}

interface Wave {
  /** At each knot. */
  readonly heights: Float64Array
  readonly constant: number
  readonly along: readonly [number, number, number]
}

/** The squares of three cosines are half on average; a constant and three slopes over -1..1 add up to twice the square of one. */
function wavesOver(knots: readonly number[], sd: number, rng: Random): readonly Wave[] {
  const top = knots.at(-1)!
  const each = sd / Math.sqrt(HALF_CYCLES.length)
  return HALF_CYCLES.map((halfCycles) => {
    const phase = 2 * Math.PI * rng.uniform()
    return {
      heights: Float64Array.from(knots, (u) => Math.cos((Math.PI * halfCycles * u) / top + phase)),
      constant: each * rng.normal(),
      along: [each * rng.normal(), each * rng.normal(), each * rng.normal()],
    }
  })
}
