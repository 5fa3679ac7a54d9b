/** What the file beside an image (a BIDS sidecar) and the image's own name and header say of it. */
import { type Acquisition, acquisitionOf } from './acquisition.ts'
import { contrastIn, splitEnding } from './contrast-name.ts'
import { firstKnown, type Preparation, parsePrepared } from './preparation.ts'
import { type DeclaredUnit, unitOf } from './unit.ts'

/** What an image holds. Only `magnitude` may be harmonized: the others are quantities, or not images of a person at all. */
export type ImageKind = 'magnitude' | 'phase' | 'real or imaginary part' | 'parametric map' | 'label map'

export interface Declared {
  readonly preparation: Preparation
  /** Absent where nothing is said. */
  readonly kind?: ImageKind
  /** What its numbers mean; absent where nothing is said. */
  readonly unit?: DeclaredUnit
  /** Whether the file beside it, or its header, says that attune harmonized it. */
  readonly harmonized: boolean
  readonly acquisition: Acquisition
}

/** Where declarations stand. */
export interface Declarations {
  /** The file's name without its folder. */
  readonly name: string
  /** The JSON object beside the image, where there is one. */
  readonly sidecar?: Readonly<Record<string, unknown>> | undefined
  /** Of the NIfTI header: `intent_code`, `sform_code` and `qform_code`. */
  readonly codes?: { readonly intent: number; readonly sform: number; readonly qform: number }
}

/** Sidecar, then name, then header: the first that knows a field is believed. */
export function declaredOf({ name, sidecar = {}, codes }: Declarations): Declared {
  const kind = kindOfSidecar(sidecar) ?? kindOfName(name) ?? kindOfIntent(codes?.intent ?? 0)
  const unit = unitOf(sidecar, stemOf(name))
  return {
    preparation: firstKnown(
      preparationOfSidecar(sidecar),
      preparationOfName(name),
      codes ? spaceOfHeader(codes) : {},
    ),
    ...(kind && { kind }),
    ...(unit && { unit }),
    harmonized: isRecord(sidecar) || Object.values(sidecar).some(isRecord),
    acquisition: acquisitionOf(sidecar),
  }
}

/** The record of a harmonization that changed something: not of an image that was passed through, nor of `identity`. */
function isRecord(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { schema, outcome, harmonizer } = value as Sidecar
  if (typeof schema !== 'string' || !schema.startsWith('attune-record/')) return false
  return outcome !== 'passed-through' && (harmonizer as Sidecar | undefined)?.['method'] !== 'identity'
}

type Sidecar = Readonly<Record<string, unknown>>

/** The values of DICOM fields with several values, in capitals: as lists, or joined by backslashes or underscores, as converters write them. */
function tokensOf(sidecar: Sidecar, ...keys: readonly string[]): ReadonlySet<string> {
  const values = keys.flatMap((key) => sidecar[key]).filter((value) => typeof value === 'string')
  return new Set(values.flatMap((value) => value.toUpperCase().split('\\')).map((value) => value.trim()))
}

/** Values of ImageType that name a quantity. @see DICOM PS3.3 C.8.13.3.1.1.4 (derived pixel contrast), Siemens and Philips conformance statements */
const PHASE = ['P', 'PHASE', 'PHASE MAP', 'B0 MAP', 'PHASE_MAP', 'B0_MAP']
const PARTS = ['R', 'I', 'REAL', 'IMAGINARY', 'REAL_MAP', 'IMAGINARY_MAP']
const MAPS =
  /^(T1|T2|T2STAR|T2\*|T2_STAR|R1|R2|R2\*|R2STAR|R2_STAR|PD|MTR|B1|M0)[ _]?MAP$|^(ADC|FA|FAC|EADC|TTP|MTT|RCBV|RCBF|R2\*|T2\*|SUV)$/

function kindOfSidecar(sidecar: Sidecar): ImageKind | undefined {
  const types = tokensOf(sidecar, 'ImageType', 'ImageTypeText', 'ComplexImageComponent')
  if (PHASE.some((type) => types.has(type)) || sidecar['Units'] === 'rad') return 'phase'
  if (PARTS.some((type) => types.has(type))) return 'real or imaginary part'
  if ([...types].some((type) => MAPS.test(type))) return 'parametric map'
  return types.has('M') || types.has('MAGNITUDE') ? 'magnitude' : undefined
}

/** @see https://bids-specification.readthedocs.io/en/v1.10.0/modality-specific-files/magnetic-resonance-imaging-data.html */
function kindOfName(name: string): ImageKind | undefined {
  const stem = stemOf(name)
  if (/(^|_)part-phase(_|$)|_(phase|phase1|phase2|phasediff|fieldmap)$/.test(stem)) return 'phase'
  if (/(^|_)part-(real|imag)(_|$)/.test(stem)) return 'real or imaginary part'
  if (
    /_(([RT][12]|T2star|R2star|PD|PDT2|MTR|TB1|RB1|S0|M0)map|MTsat|MWFmap|Chimap|UNIT1)$/.test(stem) ||
    /(^|[_-])(e?ADC|FA|ADCmap)$/i.test(stem)
  )
    return 'parametric map'
  return /_(dseg|probseg|mask)$/.test(stem) ? 'label map' : undefined
}

/** @see nifti1.h: statistics are 2 to 24, then estimates, labels, names of regions */
function kindOfIntent(code: number): ImageKind | undefined {
  if ((code >= 2 && code <= 24) || code === 1001) return 'parametric map'
  return code === 1002 || code === 1003 ? 'label map' : undefined
}

function preparationOfSidecar(sidecar: Sidecar): Preparation {
  const types = tokensOf(sidecar, 'ImageType', 'ImageTypeText')
  const options = tokensOf(sidecar, 'ScanOptions', 'FilterName', 'Filter')
  const manufacturer = String(sidecar['Manufacturer'] ?? '').toUpperCase()
  const siemens = manufacturer.includes('SIEMENS')
  const yesNo = (key: string): string | undefined =>
    typeof sidecar[key] === 'boolean' ? (sidecar[key] ? 'yes' : 'no') : undefined
  const normalized = ['NORM', 'CLEAR', 'PURE', 'SCIC'].some((word) => types.has(word) || options.has(word))
  const agent = sidecar['ContrastBolusIngredient'] ?? sidecar['ContrastBolusAgent']
  const own = typeof sidecar['Preparation'] === 'string' ? parsePrepared(sidecar['Preparation']) : {}
  return firstKnown(
    own,
    known({
      skullStripped: yesNo('SkullStripped'),
      // Siemens writes NORM for every image it normalizes; of the others the absence of a word says nothing.
      prescanNormalized: normalized ? 'yes' : siemens && types.size > 0 ? 'no' : undefined,
      distortionCorrected: distortionOf(types, sidecar['NonlinearGradientCorrection'], siemens),
      contrastAgent:
        typeof agent !== 'string' || agent.trim() === ''
          ? undefined
          : /^(none|no|n\/a)$/i.test(agent.trim())
            ? 'no'
            : 'yes',
    }),
  )
}

/** Siemens lists each correction it did, `DIS3D` after `DIS2D`, and `ND` for none. */
function distortionOf(types: ReadonlySet<string>, corrected: unknown, siemens: boolean): string | undefined {
  if (types.has('DIS3D')) return '3D'
  if (types.has('DIS2D')) return '2D'
  if (types.has('ND') && siemens) return 'none'
  return corrected === false ? 'none' : undefined
}

function preparationOfName(name: string): Preparation {
  const stem = stemOf(name)
  const entity = (key: string): string | undefined =>
    new RegExp(`(?:^|_)${key}-([A-Za-z0-9+]+)(?=_|$)`).exec(stem)?.[1]
  const space = entity('space')
  return known({
    contrast: contrastIn(stem)?.contrast,
    skullStripped: entity('desc') === 'brain' ? 'yes' : undefined,
    contrastAgent:
      entity('ce') !== undefined || /(^|[_-])T1(w?POST|w?CE|w?GD|C)([_-]|$)/i.test(stem) ? 'yes' : undefined,
    space:
      space === undefined ? undefined : /^(orig|scanner|T1w)$/i.test(space) ? 'scanner' : templateOf(space),
  })
}

/** 4 is MNI 152 and 1 the scanner; 2 (aligned to something) says nothing, nor does a missing code. @see nifti1.h */
function spaceOfHeader({ sform, qform }: { readonly sform: number; readonly qform: number }): Preparation {
  const code = sform > 0 ? sform : qform
  return known({ space: code === 4 ? 'MNI' : code === 3 ? 'Talairach' : code === 1 ? 'scanner' : undefined })
}

/** MNI152NLin2009cAsym, MNI152 and the like are told apart by few headers: all are MNI. */
function templateOf(space: string): string {
  return /^(MNI|ICBM)/i.test(space) ? 'MNI' : space
}

function stemOf(name: string): string {
  return splitEnding(name)[0]
}

function known(values: { readonly [Field in keyof Preparation]: string | undefined }): Preparation {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}
