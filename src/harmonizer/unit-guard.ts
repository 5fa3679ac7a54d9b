/** Images in a physical unit: which methods may touch them. HU, SUV, diffusivities and relaxation times mean the same on every scanner. */
import { hounsfieldLike } from '../domain/hounsfield.ts'
import type { DeclaredUnit } from '../domain/unit.ts'
import type { Unit, Volume } from '../volume/volume.ts'
import type { Finding } from './guards.ts'
import type { Method, Model } from './method.ts'

/** The unit of an image, and what says so. */
export interface FoundUnit {
  readonly unit: Unit
  readonly by?: string
}

export interface UnitCheck extends FoundUnit {
  /** In which the method works: `any` where it changes nothing. */
  readonly takes: Unit | 'any'
  /** Of the result: that of the image, or `arbitrary` where --force made a method destroy it. */
  readonly after: Unit
}

/**
 * The unit of an image: the volume's own is believed first, then what is said of it, then its values.
 * @returns `undefined` where nothing speaks for a physical unit
 */
export function unitFound(volume: Volume, said: DeclaredUnit | undefined): FoundUnit | undefined {
  const found = said ?? hounsfieldLike(volume)
  return volume.unit === 'arbitrary' || volume.unit === found?.unit ? found : { unit: volume.unit }
}

export function unitCheck(volume: Volume, model: Model, said: DeclaredUnit | undefined): UnitCheck {
  const { unit, by } = unitFound(volume, said) ?? { unit: 'arbitrary' }
  const takes = unitOfModel(model)
  const after = takes === 'any' || takes === unit ? unit : 'arbitrary'
  return { unit, takes, after, ...(by !== undefined && { by }) }
}

function unitOfModel(model: Model): Unit | 'any' {
  if (model.kind === 'identity') return 'any'
  return model.kind === 'band-unet' ? model.unit : 'arbitrary'
}

/** `HU (by Modality "CT")`. */
export function unitText({ unit, by }: FoundUnit): string {
  return by === undefined ? unit : `${unit} (by ${by})`
}

/** @returns what is wrong, or nothing */
export function checkUnit(method: Method, found: UnitCheck): Finding | undefined {
  const { unit, takes } = found
  if (takes === 'any' || takes === unit) return undefined
  const message =
    takes === 'arbitrary'
      ? `The image is in ${unitText(found)}, a physical unit that \`${method}\` would destroy. ${INSTEAD[unit] ?? STAYS}`
      : `The image is in ${unit === 'arbitrary' ? 'no unit that is known' : unitText(found)}; the bundle was trained on ${takes} and gives ${takes}. ${unit === 'arbitrary' ? `If it is in ${takes}, say so in the JSON file beside it: "Units": "${takes}".` : ''}`
  return { guard: 'unit', status: 'failed', message: message.trim() }
}

const INSTEAD: Readonly<Partial<Record<Unit, string>>> = {
  HU: '`band-unet`, trained on CT, keeps it.',
  SUVbw: '`band-unet`, trained on PET in SUV, keeps it.',
  'Bq/ml': 'Convert it to SUV; `band-unet`, trained on PET in SUV, keeps that.',
}
const STAYS = 'Maps of a quantity are not harmonized.'
