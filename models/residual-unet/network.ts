/**
 * The network of `residual-unet`: from three neighbouring slices to a bounded, band-limited residual of the middle one. A U-Net whose levels
 * are scaled and shifted (FiLM) by a code of the image they come from. No normalization inside: absolute intensity is the signal.
 * @see Ronneberger et al., MICCAI 2015, arXiv:1505.04597 (U-Net); Perez et al., AAAI 2018, arXiv:1709.07871 (FiLM)
 */
import type * as TensorFlow from '@tensorflow/tfjs-core'

type Tf = typeof TensorFlow
type T2 = TensorFlow.Tensor2D
type T4 = TensorFlow.Tensor4D

/** Slices that the network sees at once: one before, the one it corrects, one after. */
export const SLICES = 3
/** Channels from the finest level to the coarsest; each level halves height and width, which must be multiples of 8. */
export const CHANNELS = [16, 32, 64, 128] as const
/** Slope of LeakyReLU below 0. */
export const LEAK = 0.1
/** Hidden units between code and modulation. */
export const HIDDEN = 24
/**
 * Weights of the Gaussian that the residual is smoothed with in the plane, SD 1 pixel, cut at 3: what is added has no detail finer than about two
 * pixels, so that noise can neither be taken away nor made (chosen; see docs/decisions/0007-residual-unet.md).
 */
export const BAND: readonly number[] = gaussian(1, 3)

/** Blocks of two convolutions, in the order in which they run: down the encoder, up the decoder. */
export interface Block {
  readonly name: string
  readonly inputs: number
  readonly outputs: number
}

/** Decoder steps of a whole U-Net: one less than levels. */
const UPS = CHANNELS.length - 1

/** @param ups steps of the decoder, from the coarsest level up; fewer give a coarser result */
export function blocks(ups: number = UPS): readonly Block[] {
  const down = CHANNELS.map((outputs, level) => ({
    name: `down${level}`,
    inputs: level === 0 ? SLICES : (CHANNELS[level - 1] as number),
    outputs,
  }))
  const up = CHANNELS.slice(0, -1).map((outputs, level) => ({
    name: `up${level}`,
    inputs: (CHANNELS[level + 1] as number) + outputs,
    outputs,
  }))
  return [...down, ...up.reverse().slice(0, ups)]
}

/** Trainable tensors by name: kernels [3, 3, in, out], dense maps [in, out]. */
export type Weights = Readonly<Record<string, TensorFlow.Tensor>>

/**
 * @param code    length of the code of an image
 * @param ups     steps of the decoder
 * @param outputs channels of the head
 */
export function weightShapes(
  code: number,
  ups: number = UPS,
  outputs: number = 1,
): Readonly<Record<string, readonly number[]>> {
  const list = blocks(ups)
  const modulated = 2 * list.reduce((sum, { outputs }) => sum + outputs, 0)
  return {
    ...Object.fromEntries(
      list.flatMap(({ name, inputs, outputs }) => [
        [`${name}/kernel1`, [3, 3, inputs, outputs]],
        [`${name}/kernel2`, [3, 3, outputs, outputs]],
        [`${name}/bias2`, [outputs]],
      ]),
    ),
    'code/kernel': [code, HIDDEN],
    'code/bias': [HIDDEN],
    'film/kernel': [HIDDEN, modulated],
    'film/bias': [modulated],
    'head/kernel': [1, 1, list.at(-1)?.outputs ?? 0, outputs],
    'head/bias': [outputs],
  }
}

/**
 * What to add to the middle slices.
 *
 * @param slices [B, H, W, 3] in units of the reference scale; H and W multiples of 8
 * @param codes  [B, F], standardized
 * @param bound  largest size of the residual, in units of the reference scale
 * @returns [B, H, W, 1], within +-`bound` for any weights
 */
export function residual(tf: Tf, weights: Weights, slices: T4, codes: T2, bound: number): T4 {
  return smooth(tf, tf.mul(tf.tanh(headOf(tf, weights, slices, codes)), bound) as T4, BAND)
}

/**
 * What the U-Net says of every place, before any bound.
 *
 * @param ups steps of the decoder
 * @returns [B, H / 2^(3 - ups), W / 2^(3 - ups), outputs]
 */
export function headOf(tf: Tf, weights: Weights, slices: T4, codes: T2, ups: number = UPS): T4 {
  const batch = codes.shape[0]
  const weight = <T extends TensorFlow.Tensor>(name: string): T => weights[name] as T
  const hidden = tf.leakyRelu(tf.add(tf.matMul(codes, weight<T2>('code/kernel')), weight('code/bias')), LEAK)
  const film = tf.add(tf.matMul(hidden as T2, weight<T2>('film/kernel')), weight('film/bias'))
  let from = 0
  const modulation = (channels: number): TensorFlow.Tensor => {
    const part = tf.reshape(tf.slice(film, [0, from], [batch, channels]), [batch, 1, 1, channels])
    from += channels
    return part
  }
  const block = (x: T4, { name, outputs }: Block): T4 => {
    const first = tf.conv2d(x, weight<T4>(`${name}/kernel1`), 1, 'same')
    const scale = tf.add(modulation(outputs), 1)
    const h = tf.leakyRelu(tf.add(tf.mul(first, scale), modulation(outputs)), LEAK) as T4
    const second = tf.conv2d(h, weight<T4>(`${name}/kernel2`), 1, 'same')
    return tf.leakyRelu(tf.add(second, weight(`${name}/bias2`)), LEAK) as T4
  }
  const levels = CHANNELS.length
  const list = blocks(ups)
  const skips: T4[] = []
  let x = slices
  for (const [level, one] of list.slice(0, levels).entries()) {
    x = block(level === 0 ? x : tf.avgPool(x, 2, 2, 'valid'), one)
    skips.push(x)
  }
  for (const [step, one] of list.slice(levels).entries()) {
    const skip = skips[levels - 2 - step] as T4
    const up = tf.image.resizeBilinear(x, [skip.shape[1], skip.shape[2]])
    x = block(tf.concat([up, skip], 3), one)
  }
  return tf.add(tf.conv2d(x, weight<T4>('head/kernel'), 1, 'same'), weight('head/bias'))
}

/** With `weights` along height, then along width; beyond the border counts as 0. */
export function smooth(tf: Tf, x: T4, weights: readonly number[]): T4 {
  const along = (shape: [number, number, number, number]): T4 => tf.tensor4d([...weights], shape)
  const n = weights.length
  return tf.conv2d(tf.conv2d(x, along([n, 1, 1, 1]), 1, 'same'), along([1, n, 1, 1]), 1, 'same')
}

/** Its weights at -`reach` to `reach`, of sum 1; `sd` in the same unit. */
export function gaussian(sd: number, reach: number): readonly number[] {
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / sd) ** 2))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map((weight) => weight / sum)
}
