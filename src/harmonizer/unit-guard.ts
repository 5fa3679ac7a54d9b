/** Images in a physical unit: which methods may touch them. HU, SUV, diffusivities and relaxation times mean the same on every scanner. */
import type { DeclaredUnit } from '../domain/unit.ts'
import type { Unit, Volume } from '../volume/volume.ts'
import type { Finding } from './guards.ts'
import type { Method, Model } from './method.ts'

export interface UnitCheck {
  /** Of the image that comes in, and what says so. */
  readonly unit: Unit
  readonly by?: string
  /** In which the method works: `any` where it changes nothing. */
  readonly takes: Unit | 'any'
  /** Of the result: that of the image, or `arbitrary` where --force made a method destroy it. */
  readonly after: Unit
}

/**
 * The unit of an image: the volume's own is believed first, then what is said of it, then its values.
 * @param x values of `volume`
 * @returns `undefined` where nothing speaks for a physical unit
 */
export function unitFound(
  volume: Volume,
  x: Float32Array,
  said: DeclaredUnit | undefined,
): { readonly unit: Unit; readonly by?: string } | undefined {
  return volume.unit === 'arbitrary' ? (said ?? hounsfieldLike(x)) : { unit: volume.unit }
}

export function unitCheck(
  volume: Volume,
  x: Float32Array,
  model: Model,
  said: DeclaredUnit | undefined,
): UnitCheck {
  const { unit, by } = unitFound(volume, x, said) ?? { unit: 'arbitrary' }
  const takes = unitOfModel(model)
  const after = takes === 'any' || takes === unit ? unit : 'arbitrary'
  return { unit, takes, after, ...(by !== undefined && { by }) }
}

function unitOfModel(model: Model): Unit | 'any' {
  if (model.kind === 'identity') return 'any'
  return model.kind === 'band-unet' ? model.unit : 'arbitrary'
}

/** @returns what is wrong, or nothing */
export function checkUnit(method: Method, { unit, by, takes }: UnitCheck): Finding | undefined {
  if (takes === 'any' || takes === unit) return undefined
  const known = by === undefined ? '' : ` (by ${by})`
  const message =
    takes === 'arbitrary'
      ? `The image is in ${unit}${known}, a physical unit that \`${method}\` would destroy. ${INSTEAD[unit] ?? STAYS}`
      : `The image is in ${unit === 'arbitrary' ? 'no unit that is known' : `${unit}${known}`}; the bundle was trained on ${takes} and gives ${takes}. ${unit === 'arbitrary' ? `If it is in ${takes}, say so in the JSON file beside it: "Units": "${takes}".` : ''}`
  return { guard: 'unit', status: 'failed', message: message.trim() }
}

const INSTEAD: Readonly<Partial<Record<Unit, string>>> = {
  HU: '`band-unet`, trained on CT, keeps it.',
  SUVbw: '`band-unet`, trained on PET in SUV, keeps it.',
  'Bq/ml': 'Convert it to SUV; `band-unet`, trained on PET in SUV, keeps that.',
}
const STAYS = 'Maps of a quantity are not harmonized.'

/** Air is -1000 HU on every scanner, within its noise. @see McCollough et al., Radiology 236:756-758 (2005), doi:10.1148/radiol.2363041816 */
const AIR = { from: -1060, to: -940 }
/** Muscle, blood, organs and water; fat goes down to -150. */
const SOFT = { from: -150, to: 150 }
/**
 * Least shares of voxels in both (chosen): six CT images cropped to tumours of thigh and trunk have 13 to 56 % of air and 23 to 77 % of soft
 * tissue, and their 22 MR and PET images no air at all.
 */
const LEAST_AIR = 0.01
const LEAST_SOFT = 0.05
/** Where scanners paint what they did not see: darker than air, and no intensity. */
const PADDING = -1100
/** Values that are looked at. */
const ENOUGH = 100_000

/** A CT that nobody says is one: air and soft tissue where HU have them, and little between that and below. */
export function hounsfieldLike(x: Float32Array): DeclaredUnit | undefined {
  const step = Math.max(1, Math.floor(x.length / ENOUGH))
  let [seen, air, soft] = [0, 0, 0]
  for (let i = 0; i < x.length; i += step) {
    const value = x[i] as number
    if (!Number.isFinite(value) || value < PADDING) continue
    seen++
    if (value >= AIR.from && value <= AIR.to) air++
    else if (value >= SOFT.from && value <= SOFT.to) soft++
  }
  if (seen === 0 || air < LEAST_AIR * seen || soft < LEAST_SOFT * seen) return undefined
  const percent = (n: number): number => Math.round((1000 * n) / seen) / 10
  return {
    unit: 'HU',
    by: `its values: ${percent(air)} % lie within 60 of -1000, as air in HU does, and ${percent(soft)} % within 150 of 0, as soft tissue does`,
  }
}
