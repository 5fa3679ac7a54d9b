/**
 * Making one contrast from another, T2w from PDw say, is no harmonization: the second shows properties of tissue that the first does not hold.
 * Where somebody does it all the same, it is declared, and every output says so.
 */
import { contrastIn } from './contrast-name.ts'

/** Both are of `CONTRASTS`. */
export interface Translation {
  readonly from: string
  readonly to: string
}

/** What is done to images, as records, names and texts have it. */
export interface Deed {
  readonly done: 'harmonized' | 'translated'
  /** Key of the record in a BIDS sidecar. */
  readonly noun: 'Harmonization' | 'Translation'
  readonly op: 'harmonize' | 'translate'
}

const HARMONIZED: Deed = { done: 'harmonized', noun: 'Harmonization', op: 'harmonize' }
const TRANSLATED: Deed = { done: 'translated', noun: 'Translation', op: 'translate' }

export function deedOf({ translation }: { readonly translation?: Translation | undefined }): Deed {
  return translation === undefined ? HARMONIZED : TRANSLATED
}

/** `PDw to T2w`. */
export function translationText({ from, to }: Translation): string {
  return `${from} to ${to}`
}

/** Stands wherever a translation is described: in its card, its report, its BIDS derivative. */
export function translationCaveat({ from, to }: Translation): string {
  return `A declared translation, no harmonization: its images look like ${to}, but hold only what ${from} showed. That they agree with real ${to} scans does not show that the anatomy in them is real: what is seen in ${to} alone, such as some lesions, is missing or made up.`
}

/**
 * The name of a translated image says that it is one, and the new contrast: `sub-01_PDw.nii.gz` becomes `sub-01_desc-translated_T2w.nii.gz`. A name
 * without contrast stays.
 */
export function translatedName(name: string, { to }: Translation): string {
  const found = contrastIn(name)
  if (found === undefined) return name
  const described = /(^|[_-])desc-([A-Za-z0-9]+)_$/
  const before = described.test(found.before)
    ? found.before.replace(described, (_, gap, label) => `${gap}desc-${translatedLabel(label)}_`)
    : `${found.before}desc-${translatedLabel()}_`
  return `${before}${to}${found.after}`
}

/** The BIDS entity `desc`: `preproc` becomes `preprocTranslated`. */
export function translatedLabel(desc?: string): string {
  return desc === undefined ? TRANSLATED.done : `${desc}Translated`
}
