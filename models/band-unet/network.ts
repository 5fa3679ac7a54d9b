/**
 * The network of `band-unet`: a slice in a physical unit is split into bands of detail, a U-Net that ends at a quarter of the resolution says by how
 * much each band is to be weakened or strengthened at every place, and the sum of what that changes is added. Where the image is flat its
 * bands are 0, and nothing is added: no mean is moved, whatever the weights. See docs/decisions/0012-units.md.
 */
import type * as TensorFlow from '@tensorflow/tfjs-core'
import { headOf, type Weights, weightShapes } from '../residual-unet/network.ts'

type Tf = typeof TensorFlow
type T2 = TensorFlow.Tensor2D
type T4 = TensorFlow.Tensor4D

/**
 * SD in pixels of the Gaussians between which the bands lie, finest first (chosen): reconstruction kernels of CT and resolutions of PET differ
 * below about 4 pixels of FWHM 1 to 2 mm and 4 mm; coarser bands would reach from one organ into the next.
 */
export const BAND_SD = [0.6, 1, 1.5] as const
/** Gaussian weights from -reach to reach, one list per SD; sums 1, symmetric: a constant and a ramp have no detail. Slices need a margin of the widest reach. */
export const BAND_KERNELS: readonly (readonly number[])[] = BAND_SD.map((sd) =>
  gaussian(sd, Math.ceil(4 * sd)),
)
/** Steps of the decoder: gains live at a quarter of the resolution. */
export const UPS = 1
/** Pixels of the image per point of the gains. */
export const COARSE = 4
/** Gains are smoothed with this SD in their own points: over 6 pixels, so that they cannot follow single voxels of noise. */
export const GAIN_KERNEL: readonly number[] = gaussian(1.5, 5)
/** Between which values an image is changed at all, in its unit; the change fades in over `ramp` at both ends. */
export interface ValueWindow {
  readonly low: number
  readonly high: number
  readonly ramp: number
}

/** What holds for any weights. */
export interface BandLimits {
  /** The unit's value that the network's 1 stands for. */
  readonly scale: number
  readonly window: ValueWindow
  /** Largest change of a voxel: `size` in the unit, or a `share` of its own value. */
  readonly most: { readonly size: number } | { readonly share: number }
}

export function bandWeightShapes(code: number): Readonly<Record<string, readonly number[]>> {
  return weightShapes(code, UPS, BAND_SD.length)
}

/** The image less its blurred self, blur by blur: [B, H, W, bands], in the unit of `x`. */
export function bandsOf(tf: Tf, x: T4): T4 {
  const blurred = BAND_KERNELS.map((kernel) => blur(tf, x, kernel))
  return tf.concat(
    blurred.map((own, k) => tf.sub(k === 0 ? x : (blurred[k - 1] as T4), own) as T4),
    3,
  )
}

/**
 * What to add to the middle slices.
 *
 * @param slices [B, H, W, 3] in the unit of the image; H and W multiples of 8, with a margin
 * @param codes  [B, F], standardized
 * @returns [B, H, W, 1] in that unit: 0 outside the window, within `most`, and of the image's own detail at most as much again or all of it less
 */
export function bandResidual(tf: Tf, weights: Weights, slices: T4, codes: T2, limits: BandLimits): T4 {
  const [batch, height, width] = slices.shape
  const x = tf.slice(slices, [0, 0, 0, 1], [batch, height, width, 1])
  const head = headOf(tf, weights, seen(tf, slices, limits), codes, UPS)
  const gains = tf.image.resizeBilinear(smoothGains(tf, tf.tanh(head) as T4), [height, width])
  const change = tf.sum(tf.mul(gains, bandsOf(tf, x)), 3, true) as T4
  return tf.mul(within(tf, change, x, limits), inWindow(tf, x, limits.window))
}

/** Values as the network sees them: in its scale, those outside the window as its ends. */
function seen(tf: Tf, slices: T4, { scale, window }: BandLimits): T4 {
  return tf.div(tf.clipByValue(slices, window.low, window.high), scale)
}

/** `most * tanh(change / most)`: what is small against the bound is left alone. */
function within(tf: Tf, change: T4, x: T4, { most }: BandLimits): T4 {
  if ('size' in most) return tf.mul(tf.tanh(tf.div(change, most.size)), most.size)
  const size = tf.mul(tf.relu(x), most.share)
  return tf.mul(tf.tanh(tf.div(change, tf.add(size, TINY))), size)
}

/** Keeps a quotient by 0 finite; far below any value that is measured. */
export const TINY = 1e-6

/** 0 to 1 by the value itself and by what is around it: the one keeps extremes as they are, the other does not follow noise. */
function inWindow(tf: Tf, x: T4, window: ValueWindow): T4 {
  const around = blur(tf, x, BAND_KERNELS[BAND_KERNELS.length - 1] as readonly number[])
  return tf.mul(fade(tf, x, window), fade(tf, around, window))
}

function fade(tf: Tf, x: T4, { low, high, ramp }: ValueWindow): T4 {
  const up = tf.clipByValue(tf.div(tf.sub(x, low), ramp), 0, 1)
  return tf.mul(up, tf.clipByValue(tf.div(tf.sub(high, x), ramp), 0, 1))
}

function smoothGains(tf: Tf, gains: T4): T4 {
  const [batch, height, width, channels] = gains.shape
  const each = tf.reshape(tf.transpose(gains, [0, 3, 1, 2]), [batch * channels, height, width, 1]) as T4
  const smooth = tf.reshape(blur(tf, each, GAIN_KERNEL), [batch, channels, height, width])
  return tf.transpose(smooth, [0, 2, 3, 1]) as T4
}

/** Along height, then along width; beyond the border counts as 0. */
function blur(tf: Tf, x: T4, kernel: readonly number[]): T4 {
  const n = kernel.length
  const along = (shape: [number, number, number, number]): T4 => tf.tensor4d([...kernel], shape)
  return tf.conv2d(tf.conv2d(x, along([n, 1, 1, 1]), 1, 'same'), along([1, n, 1, 1]), 1, 'same')
}

function gaussian(sd: number, reach: number): readonly number[] {
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / sd) ** 2))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map((weight) => weight / sum)
}
