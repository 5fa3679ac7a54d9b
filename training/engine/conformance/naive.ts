/**
 * What the operations of a network mean, written as in their definitions: one sum per output element, no tricks.
 * Images are [N, H, W, C], volumes [N, D, H, W, C], kernels [..., in, out], as in TensorFlow.
 */
import { at, build, type Nd, sumTo } from './array.ts'

export type Padding = 'same' | 'valid'

/** One spatial axis of a convolution or a pooling: length of the output, and where its first window starts. */
export function windows(
  n: number,
  kernel: number,
  stride: number,
  padding: Padding,
  dilation = 1,
): { readonly length: number; readonly start: number } {
  const extent = (kernel - 1) * dilation + 1
  if (padding === 'valid') return { length: Math.floor((n - extent) / stride) + 1, start: 0 }
  const length = Math.ceil(n / stride)
  return { length, start: -Math.floor(Math.max((length - 1) * stride + extent - n, 0) / 2) }
}

/** All offsets inside a window of the given lengths, the last axis fastest. */
function offsets(lengths: readonly number[]): readonly (readonly number[])[] {
  return lengths.reduce<readonly (readonly number[])[]>(
    (found, n) => found.flatMap((head) => Array.from({ length: n }, (_, i) => [...head, i])),
    [[]],
  )
}

/** Convolution over 1, 2 or 3 spatial axes (cross-correlation, as in every deep-learning library). */
export function convolve(x: Nd, kernel: Nd, stride: number, padding: Padding, dilation = 1): Nd {
  const spatial = x.shape.slice(1, -1)
  const taps = kernel.shape.slice(0, -2)
  const axes = spatial.map((n, axis) => windows(n, taps[axis] as number, stride, padding, dilation))
  const [channels, out] = kernel.shape.slice(-2) as [number, number]
  const places = offsets(taps)
  return build([x.shape[0] as number, ...axes.map(({ length }) => length), out], (index) => {
    let total = 0
    for (const tap of places) {
      const position = tap.map((t, a) => (index[a + 1] as number) * stride + startOf(axes, a) + t * dilation)
      total += sumTo(
        channels,
        (c) => at(x, [index[0] as number, ...position, c]) * at(kernel, [...tap, c, index.at(-1) as number]),
      )
    }
    return total
  })
}

const startOf = (axes: readonly { readonly start: number }[], axis: number): number =>
  (axes[axis] as { readonly start: number }).start

/** Each input channel with kernels of its own: [H, W, C, M] gives C * M channels. */
export function depthwise(x: Nd, kernel: Nd, stride: number, padding: Padding): Nd {
  const [n, h, w, c] = x.shape as [number, number, number, number]
  const [kh, kw, , m] = kernel.shape as [number, number, number, number]
  const [rows, columns] = [windows(h, kh, stride, padding), windows(w, kw, stride, padding)]
  return build([n, rows.length, columns.length, c * m], ([b, y, z, o]) => {
    const channel = Math.floor((o as number) / m)
    return sumTo(kh, (i) =>
      sumTo(kw, (j) => {
        const place = [
          b as number,
          (y as number) * stride + rows.start + i,
          (z as number) * stride + columns.start + j,
        ]
        return at(x, [...place, channel]) * at(kernel, [i, j, channel, (o as number) % m])
      }),
    )
  })
}

/** The transpose of `convolve` with 'same' padding: kernels are [..., out, in], the output is `stride` times as large. */
export function convolveTransposed(x: Nd, kernel: Nd, stride: number): Nd {
  const spatial = x.shape.slice(1, -1)
  const taps = kernel.shape.slice(0, -2)
  const [out, channels] = kernel.shape.slice(-2) as [number, number]
  const axes = spatial.map((n, axis) => windows(n * stride, taps[axis] as number, stride, 'same'))
  const places = offsets(taps)
  return build([x.shape[0] as number, ...spatial.map((n) => n * stride), out], (index) => {
    let total = 0
    for (const tap of places) {
      const position = tap.map((t, a) => ((index[a + 1] as number) - startOf(axes, a) - t) / stride)
      if (!position.every(Number.isInteger)) continue
      total += sumTo(
        channels,
        (c) => at(x, [index[0] as number, ...position, c]) * at(kernel, [...tap, index.at(-1) as number, c]),
      )
    }
    return total
  })
}

/** `f` of the values inside each window; what lies in the padding does not count. */
export function pool(
  x: Nd,
  size: number,
  stride: number,
  padding: Padding,
  f: (values: readonly number[]) => number,
): Nd {
  const spatial = x.shape.slice(1, -1)
  const axes = spatial.map((n) => windows(n, size, stride, padding))
  const places = offsets(spatial.map(() => size))
  const shape = [x.shape[0] as number, ...axes.map(({ length }) => length), x.shape.at(-1) as number]
  return build(shape, (index) => {
    const values = places.map((tap) => {
      const position = tap.map((t, a) => (index[a + 1] as number) * stride + startOf(axes, a) + t)
      return at(x, [index[0] as number, ...position, index.at(-1) as number], Number.NaN)
    })
    return f(values.filter((value) => !Number.isNaN(value)))
  })
}

export type Grid = 'corner' | 'align-corners' | 'half-pixel'

/** Where output pixel `i` of `to` lies on an axis of `from` pixels. */
function source(i: number, from: number, to: number, grid: Grid): number {
  if (grid === 'align-corners') return to === 1 ? 0 : (i * (from - 1)) / (to - 1)
  return grid === 'corner' ? (i * from) / to : ((i + 0.5) * from) / to - 0.5
}

export function resizeBilinear(x: Nd, [height, width]: readonly [number, number], grid: Grid): Nd {
  const [n, h, w, c] = x.shape as [number, number, number, number]
  const hat = (i: number, to: number, from: number, k: number): number => {
    const position = Math.min(from - 1, Math.max(0, source(i, from, to, grid)))
    return Math.max(0, 1 - Math.abs(position - k))
  }
  return build([n, height, width, c], ([b, y, z, o]) =>
    sumTo(h, (i) =>
      sumTo(
        w,
        (j) =>
          hat(y as number, height, h, i) *
          hat(z as number, width, w, j) *
          at(x, [b as number, i, j, o as number]),
      ),
    ),
  )
}

/** The pixel at or below the position; with half-pixel centres the one that holds it. */
export function resizeNearest(x: Nd, [height, width]: readonly [number, number], grid: Grid): Nd {
  const [n, h, w, c] = x.shape as [number, number, number, number]
  const nearest = (i: number, from: number, to: number): number => {
    const position = source(i, from, to, grid)
    return Math.min(
      from - 1,
      grid === 'align-corners'
        ? Math.round(position)
        : Math.floor(position + (grid === 'half-pixel' ? 0.5 : 0)),
    )
  }
  return build([n, height, width, c], ([b, y, z, o]) =>
    at(x, [b as number, nearest(y as number, h, height), nearest(z as number, w, width), o as number]),
  )
}

/** Matrix product of the last two axes, batch by batch; `transpose` swaps the last two axes of both factors. */
export function matMul(a: Nd, b: Nd, transpose = false): Nd {
  const batch = a.shape.slice(0, -2)
  const [rows, inner] = (transpose ? a.shape.slice(-2).toReversed() : a.shape.slice(-2)) as [number, number]
  const columns = b.shape.at(transpose ? -2 : -1) as number
  return build([...batch, rows, columns], (index) => {
    const head = index.slice(0, -2)
    const [i, j] = index.slice(-2) as [number, number]
    return sumTo(inner, (k) =>
      transpose
        ? at(a, [...head, k, i]) * at(b, [...head, j, k])
        : at(a, [...head, i, k]) * at(b, [...head, k, j]),
    )
  })
}

/** Padding by the mirror image, with the edge ('symmetric') or without it ('reflect'). */
export function mirrorPad(
  x: Nd,
  pads: readonly (readonly [number, number])[],
  mode: 'reflect' | 'symmetric',
): Nd {
  const edge = mode === 'reflect' ? 0 : 1
  const [before, after] = [0, 1].map((side) => pads.map((pair) => pair[side] as number)) as [
    number[],
    number[],
  ]
  const shape = x.shape.map((n, axis) => n + (before[axis] as number) + (after[axis] as number))
  return build(shape, (index) =>
    at(
      x,
      index.map((i, axis) => {
        const n = x.shape[axis] as number
        const k = i - (before[axis] as number)
        return k < 0 ? -k - edge : k >= n ? 2 * (n - 1) - k + edge : k
      }),
    ),
  )
}
