/** Blocks of the lattice as ONNX nodes; see `blocksOf` and `deepBlocks` of features.ts. */
import type { GraphBuilder, Value } from './onnx-model.ts'

/** Mean over blocks of `edge` points. */
export function meanPool(g: GraphBuilder, x: Value, edge: number): Value {
  return g.op('AveragePool', [x], { kernel_shape: [edge, edge, edge], strides: [edge, edge, edge] })
}

/** 1 where all blocks up to `depth` away along each axis are 1; beyond the lattice counts as inside. */
export function deepBlocks(g: GraphBuilder, inside: Value, depth: number): Value {
  const width = 2 * depth + 1
  const outsideNear = g.op('MaxPool', [g.op('Sub', [g.floats([1]), inside])], {
    kernel_shape: [width, width, width],
    pads: Array.from({ length: 6 }, () => depth),
  })
  return g.op('Sub', [g.floats([1]), outsideNear])
}
