/** In which unit an image is, as far as the file beside it, or its name, says. */
import type { Unit } from '../volume/volume.ts'

/** Units of images; `CT` and `PET` that do not say theirs are taken for what nearly all of them are. */
export interface DeclaredUnit {
  readonly unit: Unit
  /** What said so, for messages. */
  readonly by: string
}

/**
 * `Units` of PET (BIDS asks for it), DICOM's Units (0054,1001) and Rescale Type (0028,1054), and what converters make of them; in lower case,
 * without blanks. @see DICOM PS3.3 C.8.9.1, C.11.1; BIDS 1.10, positron emission tomography; BIDS appendix "Units"
 */
const SPELLINGS: Readonly<Record<string, Unit>> = {
  hu: 'HU',
  hounsfield: 'HU',
  suv: 'SUVbw',
  suvbw: 'SUVbw',
  'g/ml': 'SUVbw',
  gml: 'SUVbw',
  'bq/ml': 'Bq/ml',
  bqml: 'Bq/ml',
  'mm^2/s': 'mm2/s',
  'mm2/s': 'mm2/s',
  'mm²/s': 'mm2/s',
  ms: 'ms',
  s: 's',
  '1/s': '1/s',
  's^-1': '1/s',
  hz: '1/s',
}

/** Diffusivity is stored in powers of ten of mm²/s: `10^-6 mm^2/s`, `1e-3mm2/s`, `um2/ms`. */
const DIFFUSIVITY = /^(10\^?-\d|1?e-\d|x|\*|µ|u)*(mm|m|µm|um)(\^?2|²)\/m?s$/

function parseUnit(text: string): Unit | undefined {
  const plain = text.toLowerCase().replace(/\s/g, '')
  return (
    SPELLINGS[plain] ??
    (DIFFUSIVITY.test(plain) ? 'mm2/s' : /^[kmg]bq\/(ml|cc)$/.test(plain) ? 'Bq/ml' : undefined)
  )
}

/**
 * What is said of the unit: by `Units` or `RescaleType`, else by `Modality` (`CT` is in HU, `PT` without a unit in Bq/ml), else by the name.
 * @param stem the file's name without its ending
 */
export function unitOf(sidecar: Readonly<Record<string, unknown>>, stem: string): DeclaredUnit | undefined {
  for (const key of ['Units', 'Unit', 'RescaleType']) {
    const value = sidecar[key]
    const unit = typeof value === 'string' ? parseUnit(value) : undefined
    if (unit) return { unit, by: `${key} "${value}" in the JSON file beside it` }
  }
  const modality = String(sidecar['Modality'] ?? '').toUpperCase()
  if (modality === 'CT') return { unit: 'HU', by: 'Modality "CT" in the JSON file beside it' }
  if (modality === 'MR') return undefined
  if (modality === 'PT' || modality === 'PET')
    return { unit: 'Bq/ml', by: `Modality "${modality}" without known Units in the JSON file beside it` }
  return unitOfName(stem)
}

/** The suffixes of BIDS (`_ct`, `_pet`), and how people name files otherwise; of MRI no unit. */
const WORDS: readonly (readonly [RegExp, Unit])[] = [
  [/^SUV(BW)?$/, 'SUVbw'],
  [/^(CT|CBCT|LDCT|NCCT|CTA)$/, 'HU'],
  [/^(PET|PT)$/, 'Bq/ml'],
  [/^E?ADC(MAP)?$/, 'mm2/s'],
  [/^(MR|MRI|T1W?|T2W?|PDW?|FLAIR|T2STARW?)$/, 'arbitrary'],
]

/** The last word of the name that says anything: `sub-1_space-T1w_ct` is a CT, `CT-center_T1w` is none. */
function unitOfName(stem: string): DeclaredUnit | undefined {
  const units = stem
    .toUpperCase()
    .split(/[_.-]/)
    .flatMap((word) => WORDS.find(([pattern]) => pattern.test(word))?.[1] ?? [])
  const last = units.at(-1)
  const unit = last === 'Bq/ml' && units.includes('SUVbw') ? 'SUVbw' : last
  return unit === undefined || unit === 'arbitrary' ? undefined : { unit, by: 'its name' }
}
