/** Tables of squared errors by place or layer and intensity, each person's kept apart so that nobody's own errors widen their own intervals. */
import { levelOf, type TableAxes } from '../src/harmonizer/error-places.ts'
import { LAYER_LEVELS, LAYER_TABLE_SIZE, LAYER_TAPS, layerTapsInto } from '../src/kernels/layer-table.ts'
import { addToTable, meansOf, tableAt, tableSums } from '../src/kernels/node-table.ts'
import { LEVELS, TABLE_SIZE, TAPS, tapsInto } from '../src/kernels/place-table.ts'
import type { Shape } from '../src/volume/volume.ts'

/** A node that few voxels have shown takes the mean of its intensity; as if so many had shown that (chosen). */
const PRIOR = 50

export interface PlacedErrors {
  readonly person: string
  readonly domain: string
  readonly error: Float32Array
  readonly output: Float32Array
  /** Stored index of each voxel, and its depth below the surface in mm. */
  readonly voxel: Uint32Array
  readonly depth: Float32Array
  readonly shape: Shape
  readonly axes: TableAxes
}

export interface ErrorTables {
  /** Of all people scanned on a domain but one; of all domains, where nobody else was scanned there. */
  table(domain: string, without?: string): Float32Array
  /** What the errors of the others say of each voxel of a sample. */
  of(sample: PlacedErrors): Float32Array
}

/** The table that voxels of a sample fall into, and where. */
interface Form {
  readonly size: number
  readonly levels: number
  readonly taps: number
  into(offsets: Int32Array, weights: Float64Array, sample: PlacedErrors, i: number): void
}

export function errorPlaces(samples: readonly PlacedErrors[], brightest: number): ErrorTables {
  return errorTables(samples, {
    ...{ size: TABLE_SIZE, levels: LEVELS, taps: TAPS },
    into(offsets, weights, { voxel, shape: [nx, ny], axes, output }, i) {
      const at = voxel[i] as number
      const level = levelOf(output[i] as number, brightest)
      tapsInto(offsets, weights, axes, at % nx, Math.floor(at / nx) % ny, Math.floor(at / (nx * ny)), level)
    },
  })
}

export function errorLayers(samples: readonly PlacedErrors[], brightest: number): ErrorTables {
  return errorTables(samples, {
    ...{ size: LAYER_TABLE_SIZE, levels: LAYER_LEVELS, taps: LAYER_TAPS },
    into(offsets, weights, { depth, output }, i) {
      layerTapsInto(offsets, weights, depth[i] as number, (output[i] as number) / brightest)
    },
  })
}

function errorTables(samples: readonly PlacedErrors[], { size, levels, taps, into }: Form): ErrorTables {
  const [offsets, weights] = [new Int32Array(taps), new Float64Array(taps)]
  const parts = samples.map((sample) => {
    const sums = tableSums(size)
    for (let i = 0; i < sample.error.length; i++) {
      into(offsets, weights, sample, i)
      addToTable(sums, (sample.error[i] as number) ** 2, offsets, weights)
    }
    return { person: sample.person, domain: sample.domain, sums }
  })
  const table: ErrorTables['table'] = (domain, without) => {
    const others = parts.filter(({ person }) => person !== without)
    const own = others.filter((part) => part.domain === domain)
    return meansOf(
      (own.length > 0 ? own : others).map(({ sums }) => sums),
      PRIOR,
      levels,
    )
  }
  return {
    table,
    of(sample) {
      const others = table(sample.domain, sample.person)
      return sample.error.map((_, i) => {
        into(offsets, weights, sample, i)
        return tableAt(others, offsets, weights)
      })
    },
  }
}
