/** Tables of squared errors by place and intensity, each person's kept apart so that nobody's own errors widen their own intervals. */
import { levelOf, type TableAxes } from '../src/harmonizer/error-places.ts'
import { addToTable, meansOf, TAPS, tableAt, tableSums, tapsInto } from '../src/kernels/place-table.ts'
import type { Shape } from '../src/volume/volume.ts'

/** A node that few voxels have shown takes the mean of its intensity; as if so many had shown that (chosen). */
const PRIOR = 50

export interface PlacedErrors {
  readonly person: string
  readonly domain: string
  readonly error: Float32Array
  readonly output: Float32Array
  /** Stored index of each voxel. */
  readonly voxel: Uint32Array
  readonly shape: Shape
  readonly axes: TableAxes
}

export interface ErrorPlaces {
  /** Of all people scanned on a domain but one; of all domains, where nobody else was scanned there. */
  table(domain: string, without?: string): Float32Array
  /** What the errors of the others say of each voxel of a sample. */
  of(sample: PlacedErrors): Float32Array
}

export function errorPlaces(samples: readonly PlacedErrors[], brightest: number): ErrorPlaces {
  const parts = samples.map((sample) => {
    const sums = tableSums()
    visit(sample, brightest, (i, offsets, weights) =>
      addToTable(sums, (sample.error[i] as number) ** 2, offsets, weights),
    )
    return { person: sample.person, domain: sample.domain, sums }
  })
  const table: ErrorPlaces['table'] = (domain, without) => {
    const others = parts.filter(({ person }) => person !== without)
    const own = others.filter((part) => part.domain === domain)
    return meansOf(
      (own.length > 0 ? own : others).map(({ sums }) => sums),
      PRIOR,
    )
  }
  return {
    table,
    of(sample) {
      const others = table(sample.domain, sample.person)
      const found = new Float32Array(sample.error.length)
      visit(sample, brightest, (i, offsets, weights) => {
        found[i] = tableAt(others, offsets, weights)
      })
      return found
    },
  }
}

function visit(
  { output, voxel, shape: [nx, ny], axes }: PlacedErrors,
  brightest: number,
  each: (i: number, offsets: Int32Array, weights: Float64Array) => void,
): void {
  const [offsets, weights] = [new Int32Array(TAPS), new Float64Array(TAPS)]
  for (let i = 0; i < voxel.length; i++) {
    const at = voxel[i] as number
    const level = levelOf(output[i] as number, brightest)
    tapsInto(offsets, weights, axes, at % nx, Math.floor(at / nx) % ny, Math.floor(at / (nx * ny)), level)
    each(i, offsets, weights)
  }
}
