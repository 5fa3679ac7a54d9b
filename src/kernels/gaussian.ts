/** Gaussian smoothing, one axis after the other. */

/** Weights further than this many standard deviations and a voxel and a half are left out. */
const TRUNCATE = 4
/** From here on the sampled Gaussian has the variance asked for to 1e-6, and the recurrence would leave the range of numbers. */
const SAMPLED_FROM = 4
/** A blur below this many voxels moves less than 1e-6 of a voxel's value. */
const LEAST = 1e-3

/**
 * `x` convolved with the discrete Gaussian, whose variance is exactly that asked for: a sampled Gaussian of 0.4 voxels
 * would blur by 0.25 only. Weights that fall outside the image are left out and the rest normalised to 1,
 * so a constant stays constant up to the border. NaN spreads over its neighbourhood.
 *
 * @param x           length nx * ny * nz, first axis fastest
 * @param sigmaVoxels standard deviation along each axis in voxels; 0 leaves the axis as it is
 * @returns a new array
 */
export function gaussianSmooth(
  x: Float32Array,
  shape: readonly [number, number, number],
  sigmaVoxels: readonly [number, number, number],
): Float32Array {
  let current = x.slice()
  let spare = new Float32Array(x.length)
  let stride = 1
  for (let axis = 0; axis < 3; axis++) {
    const n = shape[axis]!
    if (sigmaVoxels[axis]! > LEAST && n > 1) {
      smoothAxis(spare, current, n, stride, halfKernel(sigmaVoxels[axis]!))
      ;[current, spare] = [spare, current]
    }
    stride *= n
  }
  return current
}

/**
 * Weights at 0, 1, ... voxels from the centre, up to a factor: modified Bessel functions I_n(t), t = sigma^2, by Miller's
 * backward recurrence I_(n-1) = I_(n+1) + 2n/t I_n.
 * @see Lindeberg, IEEE Trans Pattern Anal Mach Intell 12:234-254 (1990), doi:10.1109/34.49051, section IV
 */
function halfKernel(sigma: number): Float64Array {
  const radius = Math.floor(TRUNCATE * sigma + 1.5)
  if (sigma >= SAMPLED_FROM)
    return Float64Array.from({ length: radius + 1 }, (_, r) => Math.exp(-0.5 * (r / sigma) ** 2))
  const weights = new Float64Array(radius + 1)
  const t = sigma * sigma
  let [above, here] = [0, 1e-200]
  for (let n = radius + 12; n > 0; n--) {
    ;[above, here] = [here, above + ((2 * n) / t) * here]
    if (n <= radius + 1) weights[n - 1] = here
  }
  return weights
}

/** Works on runs of `stride` neighbouring samples at once, so that memory is read in order along every axis. */
function smoothAxis(out: Float32Array, x: Float32Array, n: number, stride: number, half: Float64Array): void {
  const radius = half.length - 1
  const scale = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    let sum = 0
    for (let r = Math.max(-radius, -i); r <= Math.min(radius, n - 1 - i); r++) sum += half[Math.abs(r)]!
    scale[i] = 1 / sum
  }
  if (stride === 1) {
    smoothRows(out, x, n, half, scale)
    return
  }
  const line = new Float64Array(stride)
  for (let base = 0; base < x.length; base += n * stride)
    for (let i = 0; i < n; i++) {
      line.fill(0)
      const [low, high] = [Math.max(-radius, -i), Math.min(radius, n - 1 - i)]
      for (let r = low; r <= high; r++) {
        const weight = half[Math.abs(r)]! * scale[i]!
        const from = base + (i + r) * stride
        for (let s = 0; s < stride; s++) line[s]! += weight * x[from + s]!
      }
      out.set(line, base + i * stride)
    }
}

/** The same where runs would be single samples. */
function smoothRows(
  out: Float32Array,
  x: Float32Array,
  n: number,
  half: Float64Array,
  scale: Float64Array,
): void {
  const radius = half.length - 1
  for (let base = 0; base < x.length; base += n)
    for (let i = 0; i < n; i++) {
      const own = scale[i]!
      const last = Math.min(radius, n - 1 - i)
      let sum = 0
      for (let r = Math.max(-radius, -i); r <= last; r++)
        sum += half[r < 0 ? -r : r]! * own * x[base + i + r]!
      out[base + i] = sum
    }
}
