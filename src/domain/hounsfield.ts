/** CT images that nobody says are CT: Hounsfield units have their air and their soft tissue at one place on every scanner. */
import type { Volume } from '../volume/volume.ts'
import type { DeclaredUnit } from './unit.ts'

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
export function hounsfieldLike({ data, scale }: Pick<Volume, 'data' | 'scale'>): DeclaredUnit | undefined {
  const step = Math.max(1, Math.floor(data.length / ENOUGH))
  let [seen, air, soft] = [0, 0, 0]
  for (let i = 0; i < data.length; i += step) {
    const value = (data[i] as number) * scale.slope + scale.intercept
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
