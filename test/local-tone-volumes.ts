/** Heads on awkward grids, for tests that compare two implementations of `local-tone`. */
import { random } from '../src/kernels/random.ts'
import { type Volume, volumeOf } from '../src/volume/volume.ts'

export interface Head {
  readonly name: string
  readonly volume: Volume
  readonly mask: Uint8Array
}

/** A head of smooth structure and noise with a few dark and bright spikes beyond the knots, on a background of zeros. */
function head(
  name: string,
  shape: readonly [number, number, number],
  affine: readonly number[],
  store: (value: number) => number = (value) => value,
  rest: { readonly integers?: boolean; readonly slope?: number; readonly intercept?: number } = {},
): Head {
  const source = random(1, name)
  const count = shape[0] * shape[1] * shape[2]
  const data = rest.integers === true ? new Int16Array(count) : new Float32Array(count)
  const mask = new Uint8Array(count)
  for (let z = 0, i = 0; z < shape[2]; z++)
    for (let y = 0; y < shape[1]; y++)
      for (let x = 0; x < shape[0]; x++, i++) {
        const [u, v, w] = [x / shape[0] - 0.5, y / shape[1] - 0.52, z / shape[2] - 0.5]
        const radius = Math.hypot(u, v, w)
        if (radius < 0.42) mask[i] = 1
        const spike = i % 2003 === 0 ? 5000 : i % 1999 === 0 ? -1500 : 0
        if (radius < 0.46)
          data[i] = store(
            900 + spike + 500 * Math.sin(9 * u + 5 * w) * Math.cos(8 * v) + 60 * source.normal(),
          )
      }
  return {
    name,
    volume: volumeOf({ shape, affine }, data, {
      scale: { slope: rest.slope ?? 1, intercept: rest.intercept ?? 0 },
    }),
    mask,
  }
}

export function awkwardHeads(): readonly Head[] {
  return [
    head(
      'RAS, 2 mm, lattice points half way between voxels',
      [70, 81, 73],
      [2, 0, 0, -70, 0, 2, 0, -81, 0, 0, 2, -70, 0, 0, 0, 1],
    ),
    head(
      'oblique sagittal int16 with slope',
      [61, 97, 83],
      [0.3, -0.2, 2.6, -70, -1.9, 0.3, 0.4, 90, 0.2, -2.1, 0.1, 95, 0, 0, 0, 1],
      (value) => Math.round(value / 0.25),
      { integers: true, slope: 0.25 },
    ),
    head(
      'LPS, thick odd slices, smaller than the box',
      [75, 79, 23],
      [-2.2, 0, 0, 80, 0, -2.3, 0, 85, 0, 0, 6.1, -70, 0, 0, 0, 1],
    ),
    head(
      'coronal, larger than the box, with intercept',
      [79, 57, 87],
      [2.9, 0, 0, -110, 0, 0, 3.1, -120, 0, -4.1, 0.1, 110, 0, 0, 0, 1],
      (value) => Math.round(value) - 8,
      { integers: true, intercept: 8 },
    ),
  ]
}
