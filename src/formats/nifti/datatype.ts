/** The sample types of NIfTI-1: those that a `Volume` holds, and the names of those that are refused. */
import type { Samples } from '../../volume/volume.ts'

export type Datatype = 'uint8' | 'int16' | 'int32' | 'float32' | 'float64' | 'int8' | 'uint16' | 'uint32'

/** The largest finite float32. */
export const FLOAT32_MAX = 3.4028234663852886e38

interface Layout {
  /** `datatype` of the header. */
  readonly code: number
  readonly bytes: 1 | 2 | 4 | 8
  /** Largest and smallest sample of an integer type; `undefined` for floating point. */
  readonly range?: readonly [low: number, high: number]
  readonly view: (buffer: ArrayBufferLike, byteOffset: number, length: number) => Samples
}

/** @see nifti1.h, "Values of datatype field" */
const DATATYPES: Readonly<Record<Datatype, Layout>> = {
  uint8: { code: 2, bytes: 1, range: [0, 255], view: (b, o, n) => new Uint8Array(b, o, n) },
  int16: { code: 4, bytes: 2, range: [-32768, 32767], view: (b, o, n) => new Int16Array(b, o, n) },
  int32: { code: 8, bytes: 4, range: [-2147483648, 2147483647], view: (b, o, n) => new Int32Array(b, o, n) },
  float32: { code: 16, bytes: 4, view: (b, o, n) => new Float32Array(b, o, n) },
  float64: { code: 64, bytes: 8, view: (b, o, n) => new Float64Array(b, o, n) },
  int8: { code: 256, bytes: 1, range: [-128, 127], view: (b, o, n) => new Int8Array(b, o, n) },
  uint16: { code: 512, bytes: 2, range: [0, 65535], view: (b, o, n) => new Uint16Array(b, o, n) },
  uint32: { code: 768, bytes: 4, range: [0, 4294967295], view: (b, o, n) => new Uint32Array(b, o, n) },
}

const REFUSED: Readonly<Record<number, string>> = {
  0: 'unknown',
  1: 'binary (1 bit)',
  32: 'complex64',
  128: 'RGB',
  1024: 'int64',
  1280: 'uint64',
  1536: 'float128',
  1792: 'complex128',
  2048: 'complex256',
  2304: 'RGBA',
}

export function datatypeOfCode(code: number): Datatype | undefined {
  return (Object.keys(DATATYPES) as Datatype[]).find((name) => DATATYPES[name].code === code)
}

/** The name of a type that is not held, for messages. */
export function refusedName(code: number): string {
  return REFUSED[code] ?? `code ${code}`
}

/** Whether the voxels of a type that is not held are no single intensities. */
export function kindWithoutIntensity(code: number): 'color' | 'complex' | undefined {
  const name = refusedName(code)
  if (name.startsWith('RGB')) return 'color'
  return name.startsWith('complex') ? 'complex' : undefined
}

export function layoutOf(datatype: Datatype): Layout {
  return DATATYPES[datatype]
}

export function datatypeOf(data: Samples): Datatype {
  if (data instanceof Float32Array) return 'float32'
  if (data instanceof Float64Array) return 'float64'
  if (data instanceof Int8Array) return 'int8'
  if (data instanceof Uint8Array) return 'uint8'
  if (data instanceof Int16Array) return 'int16'
  if (data instanceof Uint16Array) return 'uint16'
  if (data instanceof Int32Array) return 'int32'
  return 'uint32'
}
