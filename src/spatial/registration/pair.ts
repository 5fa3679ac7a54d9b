/** One image registered to another, both ways and from several starts, with the error left. */
import { type Affine, multiply, type Vector3 } from '../../kernels/matrix.ts'
import { type Random, random } from '../../kernels/random.ts'
import { spreadMm } from './disagreement.ts'
import { registerOnce } from './elastix.ts'
import { invertRigid, meanRigid, rigidExp } from './rigid.ts'
import { startOf } from './start.ts'
import type { WorkingImage } from './working.ts'

export interface PairRegistration {
  /** World of the first image to the same anatomy in the world of the second, mm: the mean of all runs. */
  readonly transform: Affine
  /** Estimate of the error left in `transform`: 95th percentile over the mask, mm. */
  readonly errorMm: number
}

/** Runs in each direction (chosen): with two, the estimate was within 0.2 mm of the error in every simulated pair (docs/guides/registration.md). */
const RUNS = 2
/** How far the starts are from each other (chosen): about what a head moves between scans. */
const PERTURBATION = { radians: (4 * Math.PI) / 180, mm: 4 } as const

/** Equal images and seed give equal bits. */
export async function registerPair(
  first: WorkingImage,
  second: WorkingImage,
  seed: number,
): Promise<PairRegistration> {
  const draw = random(seed, 'registration')
  const start = startOf(first, second)
  const maps: Affine[] = []
  for (let run = 0; run < RUNS; run++) {
    const there = multiply(start, perturbation(draw, first.centre))
    const back = multiply(invertRigid(start), perturbation(draw, second.centre))
    const [forward, backward] = await Promise.all([
      registerOnce(first.volume, second.volume, there, draw.integer(2 ** 31)),
      registerOnce(second.volume, first.volume, back, draw.integer(2 ** 31)),
    ])
    maps.push(forward, invertRigid(backward))
  }
  return { transform: meanRigid(maps), errorMm: spreadMm(maps, first.points) }
}

/** A rotation about `centre` and a shift, of fixed size in directions drawn at random. */
function perturbation(draw: Random, centre: Vector3): Affine {
  const [angular, linear] = [direction(draw, PERTURBATION.radians), direction(draw, PERTURBATION.mm)]
  const turn = rigidExp({ angular, linear: [0, 0, 0] })
  const shifted = (by: Vector3): Affine => [1, 0, 0, by[0], 0, 1, 0, by[1], 0, 0, 1, by[2], 0, 0, 0, 1]
  const to: Vector3 = [centre[0] + linear[0], centre[1] + linear[1], centre[2] + linear[2]]
  return multiply(shifted(to), multiply(turn, shifted([-centre[0], -centre[1], -centre[2]])))
}

function direction(draw: Random, length: number): Vector3 {
  const [x, y, z] = [draw.normal(), draw.normal(), draw.normal()]
  const scale = length / Math.hypot(x, y, z)
  return [x * scale, y * scale, z * scale]
}
