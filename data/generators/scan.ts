/** One scan: from tissue to the stored image. */
import { gaussianSmooth } from '../../src/kernels/gaussian.ts'
import type { Vector3 } from '../../src/kernels/matrix.ts'
import type { Random } from '../../src/kernels/random.ts'
import { type Volume, volumeOf } from '../../src/volume/volume.ts'
import { fieldRowInto, receiveField, transmitField } from './fields.ts'
import { noisyMagnitude, RICIAN } from './noise.ts'
import type { TissueMap } from './sampling.ts'
import type { Scanner } from './scanner.ts'
import { signal } from './signal.ts'
import type { Texture } from './texture.ts'
import { relaxation, TISSUE_NAMES } from './tissues.ts'

/** What differs from scan to scan on one scanner. */
export interface ScanConditions {
  /** Of the head from the isocentre, mm: moves coil and transmit field against the head. */
  readonly offset: Vector3
  /** Receiver gain and flip angle calibration of this scan. */
  readonly gain: number
  readonly flipCalibration: number
}

/** Standard deviations of ScanConditions (chosen: repositioning within a centimetre, prescan within a few per cent). */
export const SCAN_VARIATION = { offsetMm: 5, gain: 0.015, flip: 0.02 } as const

export function drawConditions(random: Random): ScanConditions {
  const shift = (): number => SCAN_VARIATION.offsetMm * random.normal()
  return {
    offset: [shift(), shift(), shift()],
    gain: Math.exp(SCAN_VARIATION.gain * random.normal()),
    flipCalibration: 1 + SCAN_VARIATION.flip * random.normal(),
  }
}

const FWHM_PER_SIGMA = 2 * Math.sqrt(2 * Math.log(2))
/** Largest value of the stored int16: vendors stay far below its limit. */
const LARGEST = 32767

/**
 * The image of `map` on `scanner`: signal equation with the local flip angle, receive sensitivity, point spread, sampling of
 * k-space, gain, noise, response, and rounding to whole numbers.
 */
export function scan(
  map: TissueMap,
  texture: Texture,
  scanner: Scanner,
  conditions: ScanConditions,
  random: Random,
): Volume {
  const { whiteLevel, responseExponent, snr, sequence, fieldTesla } = scanner
  const blurred = spread(noiseless(map, texture, scanner, conditions), map, scanner.psfFwhmMm)
  const white = signal(relaxation('white-matter', fieldTesla), sequence)
  const noiseSd = white / snr
  const { noise = RICIAN, kSpace } = scanner
  const plain = noise.channels === 1 && noise.gFactor === 1 && !kSpace
  const seen = plain
    ? undefined
    : noisyMagnitude(blurred, map, noiseSd, noise, kSpace, random.fork('channels'))
  const stored = new Int16Array(blurred.length)
  const scale = whiteLevel * conditions.gain
  for (let v = 0; v < stored.length; v++) {
    const magnitude = (seen ? seen[v]! : ricianSample(blurred[v]!, noiseSd, random)) / white
    const response = responseExponent === 1 ? magnitude : magnitude ** responseExponent
    stored[v] = Math.min(LARGEST, Math.round(scale * response))
  }
  return volumeOf(map, stored)
}

export function ricianSample(amplitude: number, sd: number, random: Random): number {
  const real = amplitude + sd * random.normal()
  const imaginary = sd * random.normal()
  return Math.sqrt(real * real + imaginary * imaginary)
}

/** The point spread of a scanner on voxels of `map`. */
export function spread(x: Float32Array, map: TissueMap, psfFwhmMm: Scanner['psfFwhmMm']): Float32Array {
  const voxelMm = map.affine[0]!
  const sigma = psfFwhmMm.map((fwhm) => fwhm / FWHM_PER_SIGMA / voxelMm) as unknown as Vector3
  return gaussianSmooth(x, map.shape, sigma)
}

/** Signal of every voxel with both fields, before point spread and noise. */
export function noiseless(
  map: TissueMap,
  texture: Texture,
  scanner: Scanner,
  conditions: ScanConditions,
): Float32Array {
  const { shape, start, tissue, fraction } = map
  const [nx, ny, nz] = shape
  const inside = new Uint8Array(nx * ny * nz)
  for (let v = 0; v < inside.length; v++) inside[v] = start[v + 1]! > start[v]! ? 1 : 0
  const receive = receiveField(map, inside, scanner.coil, conditions.offset)
  const transmit = transmitField(map, scanner.transmit, conditions.offset, conditions.flipCalibration)
  const look = signalTables(scanner)
  const receiveRow = new Float32Array(nx)
  const transmitRow = new Float32Array(nx)
  const out = new Float32Array(inside.length)
  const { t1, density } = texture
  for (let z = 0, v = 0; z < nz; z++)
    for (let y = 0; y < ny; y++) {
      fieldRowInto(receiveRow, receive, y, z)
      fieldRowInto(transmitRow, transmit, y, z)
      for (let x = 0; x < nx; x++, v++) {
        const end = start[v + 1]!
        let sum = 0
        for (let e = start[v]!; e < end; e++) sum += fraction[e]! * look(tissue[e]!, transmitRow[x]!, t1[v]!)
        out[v] = sum * density[v]! * receiveRow[x]!
      }
    }
  return out
}

/** Nodes of the tables: relative flip angle and T1 factor, far beyond what fields and texture reach. */
const B1_NODES = { low: 0.4, high: 1.6, n: 49 } as const
const T1_NODES = { low: 0.6, high: 1.8, n: 49 } as const

/** Signal of tissue (from 1) at relative flip angle and T1 factor, bilinear in a table of the signal equation. */
export function signalTables(scanner: Scanner): (tissue: number, b1: number, t1Factor: number) => number {
  const tables = TISSUE_NAMES.map((name) => {
    const base = relaxation(name, scanner.fieldTesla)
    const table = new Float64Array(B1_NODES.n * T1_NODES.n)
    for (let i = 0; i < T1_NODES.n; i++)
      for (let j = 0; j < B1_NODES.n; j++) {
        const t1Ms = base.t1Ms * node(T1_NODES, i)
        table[i * B1_NODES.n + j] = signal({ ...base, t1Ms }, scanner.sequence, node(B1_NODES, j))
      }
    return table
  })
  return (tissue, b1, t1Factor) => {
    const table = tables[tissue - 1]!
    const b = position(B1_NODES, b1)
    const t = position(T1_NODES, t1Factor)
    const j = b | 0
    const i = t | 0
    const c = i * B1_NODES.n + j
    const d = c + B1_NODES.n
    const low = table[c]! + (b - j) * (table[c + 1]! - table[c]!)
    const high = table[d]! + (b - j) * (table[d + 1]! - table[d]!)
    return low + (t - i) * (high - low)
  }
}

interface Nodes {
  readonly low: number
  readonly high: number
  readonly n: number
}
const node = ({ low, high, n }: Nodes, i: number): number => low + ((high - low) * i) / (n - 1)
function position({ low, high, n }: Nodes, value: number): number {
  const at = ((value - low) / (high - low)) * (n - 1)
  return Math.min(Math.max(at, 0), n - 1.000001)
}
