/** Plain arrays of any rank in float64, for references that are as simple as their definitions. */

export interface Nd {
  readonly shape: readonly number[]
  /** Row-major: the last axis runs fastest. */
  readonly data: Float64Array
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1)
}

/** The array whose element at each index is `value(index)`. `index` is reused between calls. */
export function build(shape: readonly number[], value: (index: readonly number[]) => number): Nd {
  const data = new Float64Array(sizeOf(shape))
  const index = shape.map(() => 0)
  for (let i = 0; i < data.length; i++) {
    data[i] = value(index)
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1
      if ((index[axis] as number) < (shape[axis] as number)) break
      index[axis] = 0
    }
  }
  return { shape, data }
}

/** The element at an index; `outside` where the index is beyond the array. */
export function at({ shape, data }: Nd, index: readonly number[], outside = 0): number {
  let offset = 0
  for (let axis = 0; axis < shape.length; axis++) {
    const i = index[axis] as number
    const n = shape[axis] as number
    if (i < 0 || i >= n) return outside
    offset = offset * n + i
  }
  return data[offset] as number
}

export function map(x: Nd, f: (value: number) => number): Nd {
  return { shape: x.shape, data: x.data.map(f) }
}

/** `f` of the elements of arrays that are broadcast to one shape, as NumPy does. */
export function zip(arrays: readonly Nd[], f: (...values: number[]) => number): Nd {
  const rank = Math.max(...arrays.map(({ shape }) => shape.length))
  const padded = arrays.map(({ shape, data }) => ({
    shape: [...Array<number>(rank - shape.length).fill(1), ...shape],
    data,
  }))
  const shape = Array.from({ length: rank }, (_, axis) =>
    Math.max(...padded.map((x) => x.shape[axis] as number)),
  )
  return build(shape, (index) =>
    f(
      ...padded.map((x) =>
        at(
          x,
          index.map((i, axis) => (x.shape[axis] === 1 ? 0 : i)),
        ),
      ),
    ),
  )
}

/** `f` of all elements along the axes, which are left out of the result, or kept with length 1. */
export function reduce(
  x: Nd,
  axes: readonly number[],
  f: (values: readonly number[]) => number,
  keep = false,
): Nd {
  const kept = x.shape.map((n, axis) => (axes.includes(axis) ? 1 : n))
  const lengths = x.shape.map((n, axis) => (axes.includes(axis) ? n : 1))
  const result = build(kept, (index) => {
    const values = build(lengths, (offset) =>
      at(
        x,
        offset.map((o, axis) => o + (index[axis] as number)),
      ),
    )
    return f([...values.data])
  })
  return keep
    ? result
    : reshape(
        result,
        kept.filter((_, axis) => !axes.includes(axis)),
      )
}

export function reshape({ data }: Nd, shape: readonly number[]): Nd {
  return { shape, data }
}

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
export const mean = (values: readonly number[]): number => sum(values) / values.length

/** Population variance. */
export function variance(values: readonly number[]): number {
  const m = mean(values)
  return mean(values.map((v) => (v - m) ** 2))
}

/** Sum of `f(0)` to `f(n - 1)`. */
export function sumTo(n: number, f: (i: number) => number): number {
  let total = 0
  for (let i = 0; i < n; i++) total += f(i)
  return total
}
