/** Rows of scanners by name: at which field every scanner but the reference runs. */
import { FIELD_STRENGTHS, type FieldStrength } from './tissues.ts'

export const PRESETS = ['lowfield-0.064t', 'lowfield-0.55t', '1.5t', '3t', '7t', 'mixed'] as const
export type PresetName = (typeof PRESETS)[number]

const fieldOf: Readonly<Record<Exclude<PresetName, 'mixed'>, FieldStrength>> = {
  'lowfield-0.064t': 0.064,
  'lowfield-0.55t': 0.55,
  '1.5t': 1.5,
  '3t': 3,
  '7t': 7,
}

/** Field of the scanner at `index` (from 1; 0 is the reference); `mixed` runs through all fields, lowest first. */
export function presetField(preset: PresetName, index: number): FieldStrength {
  return preset === 'mixed' ? FIELD_STRENGTHS[(index - 1) % FIELD_STRENGTHS.length]! : fieldOf[preset]
}

export function isPresetName(name: string): name is PresetName {
  return (PRESETS as readonly string[]).includes(name)
}
