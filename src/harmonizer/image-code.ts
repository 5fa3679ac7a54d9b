/**
 * The code that modulates `residual-unet`: what can be measured on any image, and what the file beside it says of its acquisition, so
 * that a scanner that training never saw has one too.
 */
import type { Acquisition } from '../domain/acquisition.ts'
import type { LatticeReading } from '../inference/reading.ts'
import { LATTICE } from '../kernels/lattice.ts'
import { maskedQuantiles } from '../kernels/quantile.ts'
import { smoothnessFwhm } from '../metrics/fwhm.ts'
import { noiseSd } from '../metrics/noise.ts'

/** Over the 90 % quantile, so that gain does not count. */
const PROBABILITIES = [0.1, 0.25, 0.5, 0.75, 0.97]
const SCALE_PROBABILITY = 0.9

/** Typical values of heads, to write the acquisition as numbers near 0 where it is known; unknown counts as typical. */
const TYPICAL: Readonly<Record<keyof Acquisition, number>> = {
  fieldStrength: 3,
  repetitionTime: 2,
  echoTime: 0.003,
  inversionTime: 0.9,
  flipAngle: 9,
}

/** Names of the code's fields, in order. */
export const CODE_FIELDS: readonly string[] = [
  ...PROBABILITIES.map((p) => `quantile ${p}`),
  'noise',
  'log FWHM',
  ...Object.keys(TYPICAL).flatMap((name) => [`log ${name}`, `${name} known`]),
]

/** What stands in for noise and FWHM where they cannot be measured: middling values. */
const UNMEASURED = { noise: 0.03, fwhmMm: 4 }

/**
 * @param image  intensities on the lattice, in any unit
 * @param mask   0 or 1 on the lattice
 * @returns one finite value per field of `CODE_FIELDS`
 */
export function imageCode(
  { image, mask }: Pick<LatticeReading, 'image' | 'mask'>,
  acquisition: Acquisition,
): Float32Array {
  const inside = Uint8Array.from(mask, (value, i) => (value > 0 && Number.isFinite(image[i]) ? 1 : 0))
  const known = image.map((value) => (Number.isFinite(value) ? value : 0))
  const [bright = 0, ...quantiles] = maskedQuantiles(known, inside, [SCALE_PROBABILITY, ...PROBABILITIES])
  const scale = bright > 0 ? bright : 1
  // along S, A, R: the lattice's own order, fastest first
  const shape = [LATTICE.shape[2], LATTICE.shape[1], LATTICE.shape[0]] as const
  const { spacing } = LATTICE
  const noise = noiseSd(known, shape, inside) / scale
  const fwhm = smoothnessFwhm(known, shape, inside, [spacing, spacing, spacing])
  const header = (Object.keys(TYPICAL) as (keyof Acquisition)[]).flatMap((name) => {
    const value = acquisition[name]
    return value === undefined ? [0, 0] : [Math.log(value / TYPICAL[name]), 1]
  })
  return Float32Array.from([
    ...quantiles.map((value) => value / scale),
    Number.isFinite(noise) ? noise : UNMEASURED.noise,
    Math.log(Number.isFinite(fwhm) && fwhm > 0 ? fwhm : UNMEASURED.fwhmMm),
    ...header,
  ])
}

/** Fields that are measured; of the header there are pairs behind them: value, and whether it is known. */
const MEASURED = CODE_FIELDS.length - 2 * Object.keys(TYPICAL).length

/**
 * One code for several visits on one scanner: the mean of what was measured, and of the header over those visits whose header is known.
 * @param codes at least one, as `imageCode` gives them
 */
export function sharedCode(codes: readonly Float32Array[]): Float32Array {
  const sum = (field: number): number => codes.reduce((total, code) => total + (code[field] as number), 0)
  return Float32Array.from(CODE_FIELDS, (_, field) => {
    if (field < MEASURED) return sum(field) / codes.length
    const isFlag = (field - MEASURED) % 2 === 1
    const known = sum(isFlag ? field : field + 1)
    return isFlag ? Math.min(1, known) : sum(field) / Math.max(1, known)
  })
}
