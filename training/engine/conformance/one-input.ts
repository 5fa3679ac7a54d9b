/** How operations of one input are written down, and shapes that many of them use. */
import type { Tensor } from '@tensorflow/tfjs-core'
import type { Nd } from './array.ts'
import type { Input, Operation, Tf } from './conformance.ts'

export const matrix: Input = { shape: [4, 5] }
export const grid: Input = { shape: [3, 4, 2, 3] }

export function one<T extends Tensor>(
  name: string,
  needed: boolean,
  input: Input,
  run: (tf: Tf, x: T) => Tensor,
  f: (x: Nd) => Nd,
): Operation {
  return {
    name,
    needed,
    inputs: [input],
    run: (tf, [x]) => run(tf, x as T),
    reference: ([x]) => f(x as Nd),
  }
}
