/** What a training step of `residual-unet` sees: slices of people, two scans of each side by side. */
import { SLICES } from '../../models/residual-unet/network.ts'
import { InputError } from '../../src/errors.ts'
import { copySlice, PASSES, type Pass } from '../../src/inference/residual-unet.ts'
import { LATTICE } from '../../src/kernels/lattice.ts'
import type { Random } from '../../src/kernels/random.ts'
import type { LatticeScan, LatticeSubject } from './lattice-subjects.ts'

/** A slice of one person that holds enough tissue. */
export interface Slice {
  readonly subject: LatticeSubject
  readonly index: number
}

/** Least share of a slice that must lie in the mask. */
const LEAST_TISSUE = 0.05

/** Share of scans whose acquisition the network is not told (chosen), since many images come without a header. */
const WITHOUT_HEADER = 0.5

/** Per pass the slices to draw from. */
export function slicesOf(subjects: readonly LatticeSubject[], source: string): readonly (readonly Slice[])[] {
  const paired = subjects.filter(({ sources }) => sources.length > 0)
  const found = PASSES.map((pass) => {
    const { slices, height, width } = pass
    const size = LATTICE.shape[height] * LATTICE.shape[width]
    const plane = new Float32Array(size)
    return paired.flatMap((subject) =>
      Array.from({ length: LATTICE.shape[slices] }, (_, index) => index)
        .filter((index) => {
          copySlice(plane, 0, subject.targets[0].mask, pass, index)
          return plane.reduce((sum, value) => sum + value, 0) >= LEAST_TISSUE * size
        })
        .map((index) => ({ subject, index })),
    )
  })
  if (found.some((slices) => slices.length === 0))
    throw new InputError(
      `${source}: no slice of a target scan holds enough tissue to learn from.`,
      'Check the masks of the target scans.',
    )
  return found
}

/** What one step sees; B slices of one orientation, the scan at 2k + 1 shows the same slice of the same person as that at 2k. */
export interface Batch {
  readonly shape: readonly [batch: number, height: number, width: number]
  /** [B, H, W, 3], [B, H, W], [B, H, W]. */
  readonly slices: Float32Array
  readonly goal: Float32Array
  readonly weight: Float32Array
  readonly codes: readonly Float32Array[]
}

export function drawBatch(
  slices: readonly (readonly Slice[])[],
  { batch, identity }: { readonly batch: number; readonly identity: number },
  rng: Random,
): Batch {
  const orientation = rng.integer(PASSES.length)
  const pass = PASSES[orientation] as Pass
  const choices = slices[orientation] as readonly Slice[]
  const [height, width] = [LATTICE.shape[pass.height], LATTICE.shape[pass.width]]
  const size = height * width
  const count = 2 * Math.ceil(batch / 2)
  const out: Batch = {
    shape: [count, height, width],
    slices: new Float32Array(count * size * SLICES),
    goal: new Float32Array(count * size),
    weight: new Float32Array(count * size),
    codes: [],
  }
  const codes: Float32Array[] = []
  const plane = new Float32Array(size)
  for (let pair = 0; pair < count / 2; pair++) {
    const { subject, index } = choices[rng.integer(choices.length)] as Slice
    const goal = subject.targets[rng.integer(subject.targets.length)] as LatticeScan
    const [first, second] = twoOf(subject.sources, rng)
    const scans = [first, rng.uniform() < 2 * identity ? goal : second]
    for (const [k, scan] of scans.entries()) {
      const at = 2 * pair + k
      for (let neighbour = 0; neighbour < SLICES; neighbour++) {
        copySlice(plane, 0, scan.image, pass, index + neighbour - 1)
        for (let i = 0; i < size; i++) out.slices[(at * size + i) * SLICES + neighbour] = plane[i]!
      }
      copySlice(out.goal, at * size, goal.image, pass, index)
      copySlice(out.weight, at * size, goal.mask, pass, index)
      copySlice(plane, 0, scan.mask, pass, index)
      for (let i = 0; i < size; i++) out.weight[at * size + i]! *= plane[i]!
      codes.push(rng.uniform() < WITHOUT_HEADER ? scan.bareCode : scan.code)
    }
  }
  return { ...out, codes }
}

/** Two scans, of different domains where there are such. */
function twoOf(sources: readonly LatticeScan[], rng: Random): readonly [LatticeScan, LatticeScan] {
  const first = sources[rng.integer(sources.length)] as LatticeScan
  const others = sources.filter(({ domain }) => domain !== first.domain)
  return [first, others.length === 0 ? first : (others[rng.integer(others.length)] as LatticeScan)]
}
