/**
 * Partial sampling of k-space: a matrix coarser than the stored one, weighted by a window and filled up with zeros. Along each axis that
 * is a circular convolution with a real symmetric kernel, so it needs no complex numbers and no FFT.
 */
import type { Vector3 } from '../../src/kernels/matrix.ts'
import type { Shape } from '../../src/volume/volume.ts'

export const WINDOWS = ['none', 'hann', 'hamming', 'tukey', 'fermi'] as const
export type WindowName = (typeof WINDOWS)[number]

export interface KSpace {
  /** Edges of the acquired voxels along R, A, S, mm: k-space is sampled to 1 / (2 edge). At most the stored edge where all of it is. */
  readonly acquiredMm: Vector3
  /** Weighting from the centre of k-space to the border of what is sampled. */
  readonly window: WindowName
}

/** Share of the radius over which the Tukey window falls, as a cosine. */
export const TUKEY_TAPER = 0.5
/** Radius of half height and steepness of the Fermi window, in units of the largest sampled frequency (chosen as vendors do). */
export const FERMI = { radius: 0.85, width: 0.05 } as const

/**
 * FWHM of the point spread in units of the acquired voxel's edge: roots of the windows' transforms.
 * @see Harris, Proc IEEE 66:51-83 (1978), doi:10.1109/PROC.1978.10837; Bernstein et al., Handbook of MRI Pulse Sequences (2004), section 13.1
 */
export const PSF_FWHM: Readonly<Record<WindowName, number>> = {
  none: 1.2067,
  hann: 2,
  hamming: 1.8152,
  tukey: 1.5726,
  fermi: 1.4081,
}

/** Weight at `u`, the distance from the centre of k-space over the largest sampled; 0 beyond 1. */
export function windowWeight(window: WindowName, u: number): number {
  if (u > 1 + 1e-9) return 0
  switch (window) {
    case 'none':
      return 1
    case 'hann':
      return 0.5 + 0.5 * Math.cos(Math.PI * u)
    case 'hamming':
      return 0.54 + 0.46 * Math.cos(Math.PI * u)
    case 'tukey':
      return u <= 1 - TUKEY_TAPER ? 1 : 0.5 + 0.5 * Math.cos((Math.PI * (u - 1 + TUKEY_TAPER)) / TUKEY_TAPER)
    case 'fermi':
      return 1 / (1 + Math.exp((u - FERMI.radius) / FERMI.width))
    default:
      return window satisfies never
  }
}

/** Weights of the `n` frequencies of a line, 0 first: those beyond the sampled border are 0. */
function lineWeights(n: number, voxelMm: number, acquiredMm: number, window: WindowName): Float64Array {
  return Float64Array.from({ length: n }, (_, k) => {
    const cycles = Math.min(k, n - k)
    return windowWeight(window, (2 * cycles * Math.max(acquiredMm, voxelMm)) / (n * voxelMm))
  })
}

/** What each sample of a line spreads to the samples 0, 1, ... n - 1 further on, around the end. */
export function lineKernel(n: number, voxelMm: number, acquiredMm: number, window: WindowName): Float64Array {
  const weights = lineWeights(n, voxelMm, acquiredMm, window)
  return Float64Array.from({ length: n }, (_, j) => {
    let sum = 0
    for (let k = 0; k < n; k++) sum += weights[k]! * Math.cos((2 * Math.PI * ((k * j) % n)) / n)
    return sum / n
  })
}

/** `x` as it comes back from partly sampled k-space. The image wraps around, as the field of view of a scan does. */
export function sampleKSpace(x: Float32Array, shape: Shape, voxelMm: number, kSpace: KSpace): Float32Array {
  let from = x
  let stride = 1
  for (const [axis, n] of shape.entries()) {
    const kernel = lineKernel(n, voxelMm, kSpace.acquiredMm[axis]!, kSpace.window)
    const to = new Float32Array(x.length)
    for (let base = 0; base < x.length; base += n * stride) convolveInto(to, from, base, n, stride, kernel)
    from = to
    stride *= n
  }
  return from
}

/** `stride` neighbouring lines of `n` samples at once, so that memory is read in order. */
function convolveInto(
  out: Float32Array,
  x: Float32Array,
  base: number,
  n: number,
  stride: number,
  kernel: Float64Array,
): void {
  const line = new Float64Array(stride)
  for (let i = 0; i < n; i++) {
    line.fill(0)
    for (let j = 0, p = base; j < n; j++) {
      const weight = kernel[i >= j ? i - j : i - j + n]!
      for (let s = 0; s < stride; s++, p++) line[s]! += weight * x[p]!
    }
    out.set(line, base + i * stride)
  }
}

/** SD of white noise of SD 1 after `sampleKSpace`: by Parseval, the root mean square of the weights along each axis. */
export function noiseGain(shape: Shape, voxelMm: number, { acquiredMm, window }: KSpace): number {
  return shape.reduce((gain, n, axis) => {
    const weights = lineWeights(n, voxelMm, acquiredMm[axis]!, window)
    return gain * Math.sqrt(weights.reduce((sum, w) => sum + w * w, 0) / n)
  }, 1)
}
