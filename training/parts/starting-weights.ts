/** Weights that the U-Nets start from. */
import { blocks } from '../../models/residual-unet/network.ts'
import { random } from '../../src/kernels/random.ts'

/**
 * Kernels as by He et al. (2015), arXiv:1502.01852; nothing is added to the image, and nothing modulated, before the first step.
 * @param label of the random numbers, so that each recipe has its own
 */
export function startingWeights(
  shapes: Readonly<Record<string, readonly number[]>>,
  seed: number,
  label: string,
): Readonly<Record<string, { readonly values: Float32Array; readonly shape: readonly number[] }>> {
  const rng = random(seed, label)
  const convolutions = new Set(blocks().flatMap(({ name }) => [`${name}/kernel1`, `${name}/kernel2`]))
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const size = shape.reduce((product, n) => product * n, 1)
      const fanIn = size / (shape.at(-1) ?? 1)
      const spread = convolutions.has(name) || name === 'code/kernel' ? Math.sqrt(2 / fanIn) : 0
      return [name, { values: Float32Array.from({ length: size }, () => spread * rng.normal()), shape }]
    }),
  )
}
