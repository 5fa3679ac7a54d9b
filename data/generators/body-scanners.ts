/** Digital CT and PET scanners: they agree on the unit and differ in sharpness and noise, by reconstruction and dose. */
import { gaussianSmooth } from '../../src/kernels/gaussian.ts'
import type { Random } from '../../src/kernels/random.ts'
import { type Grid, voxelSize } from '../../src/volume/volume.ts'

/** FWHM over SD of a Gaussian. */
const FWHM = Math.sqrt(8 * Math.LN2)

export interface CtScanner {
  readonly kind: 'ct'
  readonly domain: string
  /** FWHM in the plane and across slices, mm. */
  readonly fwhmMm: number
  readonly sliceMm: number
  /** By how much the kernel enhances edges: this part of the detail below three times its FWHM is added. */
  readonly edge: number
  /** SD in the middle of the body, HU. */
  readonly noiseHu: number
}

export interface PetScanner {
  readonly kind: 'pet'
  readonly domain: string
  /** FWHM in all directions, mm, post-filter included. */
  readonly fwhmMm: number
  /** SD over mean where the activity is even. */
  readonly noise: number
}

export type BodyScanner = CtScanner | PetScanner

/** The first is the reference. Kernels from soft to sharp; noise in the order that these kernels have at one dose. */
export const CT_SCANNERS: readonly CtScanner[] = [
  { kind: 'ct', domain: 'ct-A', fwhmMm: 3.2, sliceMm: 3, edge: 0, noiseHu: 15 },
  { kind: 'ct', domain: 'ct-B', fwhmMm: 2.4, sliceMm: 3, edge: 0.3, noiseHu: 32 },
  { kind: 'ct', domain: 'ct-C', fwhmMm: 4.4, sliceMm: 3, edge: 0, noiseHu: 9 },
  { kind: 'ct', domain: 'ct-D', fwhmMm: 3.2, sliceMm: 3, edge: 0.5, noiseHu: 22 },
]

/** Point-spread modelling with a narrow filter, without it, and an old scanner with a wide one. */
export const PET_SCANNERS: readonly PetScanner[] = [
  { kind: 'pet', domain: 'pet-A', fwhmMm: 6, noise: 0.1 },
  { kind: 'pet', domain: 'pet-B', fwhmMm: 4.6, noise: 0.18 },
  { kind: 'pet', domain: 'pet-C', fwhmMm: 7.5, noise: 0.07 },
  { kind: 'pet', domain: 'pet-D', fwhmMm: 6, noise: 0.2 },
]

/**
 * What a scanner shows of a body.
 * @param clean values before any scanner, on the grid
 * @returns a new array in the same unit
 */
export function scanBody(clean: Float32Array, grid: Grid, scanner: BodyScanner, rng: Random): Float32Array {
  return scanner.kind === 'ct' ? scanCt(clean, grid, scanner, rng) : scanPet(clean, grid, scanner, rng)
}

/**
 * Noise of filtered back projection is coloured: a ramp up to where the kernel falls off, hence no slow parts. Here: white noise through the
 * kernel, less its own blur. It is strongest where the beam passes most tissue; here it falls from the middle of the body to half of it at
 * the skin and a quarter in the air around.
 * @see Hsieh, Computed Tomography, 3rd ed., SPIE 2015, section 5.2 (noise), 3.4 (kernels)
 */
function scanCt(clean: Float32Array, grid: Grid, scanner: CtScanner, rng: Random): Float32Array {
  const image = reconstructed(clean, grid, scanner)
  const white = Float32Array.from(clean, () => rng.normal())
  const noise = reconstructed(white, grid, scanner)
  const slow = gaussianSmooth(
    noise,
    grid.shape,
    inVoxels(grid, [2.5 * scanner.fwhmMm, 2.5 * scanner.fwhmMm, 0]),
  )
  let power = 0
  for (let v = 0; v < noise.length; v++) {
    noise[v]! -= slow[v]!
    power += noise[v]! ** 2
  }
  const sd = scanner.noiseHu / Math.sqrt(power / noise.length)
  const tissue = gaussianSmooth(
    clean.map((value) => (value > -500 ? 1 : 0)),
    grid.shape,
    inVoxels(grid, [120, 120, 0]),
  )
  return image.map((value, v) => value + sd * noise[v]! * (0.25 + 0.75 * tissue[v]!))
}

/** Blur, then enhancement of what lies below three times the FWHM. */
function reconstructed(x: Float32Array, grid: Grid, { fwhmMm, sliceMm, edge }: CtScanner): Float32Array {
  const image = gaussianSmooth(x, grid.shape, inVoxels(grid, [fwhmMm, fwhmMm, sliceMm]))
  if (edge === 0) return image
  const wide = gaussianSmooth(image, grid.shape, inVoxels(grid, [2 * fwhmMm, 2 * fwhmMm, 0]))
  return image.map((value, v) => value + edge * (value - wide[v]!))
}

/**
 * Noise of iterative reconstruction goes with the activity: its logarithm is about normal, and it is as smooth as the post-filter.
 * @see Barrett, Wilson, Tsui, Phys Med Biol 39:833-846 (1994), doi:10.1088/0031-9155/39/5/004
 */
function scanPet(clean: Float32Array, grid: Grid, { fwhmMm, noise }: PetScanner, rng: Random): Float32Array {
  const image = gaussianSmooth(clean, grid.shape, inVoxels(grid, [fwhmMm, fwhmMm, fwhmMm]))
  const white = Float32Array.from(clean, () => rng.normal())
  const grain = gaussianSmooth(white, grid.shape, inVoxels(grid, [0.7 * fwhmMm, 0.7 * fwhmMm, 0.7 * fwhmMm]))
  let power = 0
  for (const value of grain) power += value * value
  const sd = noise / Math.sqrt(power / grain.length)
  return image.map((value, v) => value * Math.exp(sd * grain[v]! - noise ** 2 / 2))
}

/** SD in voxels along the stored axes of Gaussians of these FWHM in mm. */
function inVoxels(grid: Grid, fwhmMm: readonly [number, number, number]): [number, number, number] {
  const size = voxelSize(grid)
  return fwhmMm.map((mm, axis) => mm / FWHM / size[axis]!) as [number, number, number]
}
