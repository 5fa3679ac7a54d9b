/** The plain data of a trained `local-tone`: everything but the network's weights. See docs/decisions/0002-local-tone.md. */
export interface LocalToneModel {
  readonly kind: 'local-tone'
  /** S_t: intensity of the reference domain that normalized output 1 stands for: the scale of its images. */
  readonly referenceScale: number
  /** u_0 = 0 < ... < u_K in units of the image's own scale. */
  readonly knots: readonly number[]
  /** Domain names in the order of the network's one-hot channels. */
  readonly domains: readonly string[]
  /** Per domain the K + 1 values of its global tone curve at the knots, in units of `referenceScale`; the first is 0. */
  readonly tones: Readonly<Record<string, readonly number[]>>
  readonly bounds: {
    /** Local slope / global slope lies in [1 / slopeRatio, slopeRatio]. */
    readonly slopeRatio: number
    /**
     * Largest change of a curve over space, in `referenceScale` per mm. The recipe sets it to 1 % of the reference's
     * tissue median. 0 for one curve everywhere, as the last pass of a universal harmonizer reads it.
     */
    readonly perMm: number
  }
}

/** The domain of a universal harmonizer, which takes images of any scanner. */
export const ANY_DOMAIN = '*'

export type CurvesName = 'curves.onnx' | `curves-${2 | 3}.onnx`

/** Graphs of the curves of each pass of a universal harmonizer, in their order: as many passes as there may be. */
export const CURVES_OF_PASS: readonly CurvesName[] = ['curves.onnx', 'curves-2.onnx', 'curves-3.onnx']

/** Weights in row-major order; 3x3x3 kernels are [27, in, out] with tap (dx * 3 + dy) * 3 + dz. */
export interface LocalToneWeights {
  readonly conv1: { readonly kernel: Float32Array; readonly bias: Float32Array }
  readonly conv2: { readonly kernel: Float32Array; readonly bias: Float32Array }
  readonly conv3: { readonly kernel: Float32Array; readonly bias: Float32Array }
  /** Dense map of the spatial mean, [32, 32], added before the last ReLU. */
  readonly context: Float32Array
  /** Per domain what is added to the head's output at each cell: [domains, 640, K]. */
  readonly place: Float32Array
  readonly head: { readonly kernel: Float32Array; readonly bias: Float32Array }
}
