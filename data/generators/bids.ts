/** The simulated cohort as a BIDS dataset: names, sidecars and tables. @see https://bids-specification.readthedocs.io */

import type { Design } from './options.ts'
import { type Contrast, contrastSuffix, type ProtocolKind } from './protocols.ts'
import type { Scanner } from './scanner.ts'
import { TISSUE_NAMES } from './tissues.ts'
import type { VariantName } from './variants.ts'

export const GENERATOR = 'attune simulate'
const AUTHORS = ['The authors of attune', 'The authors of the anatomies (see Acknowledgements)']

/** Entity label of the subject at `index`: 01, 02, ... */
export function subjectLabel(index: number, count: number): string {
  return String(index + 1).padStart(Math.max(2, String(count).length), '0')
}

/** Session of scan `scan` (from 1) on a scanner: A1, A2, B1... */
export function sessionLabel(scanner: Scanner, scan: number): string {
  return `${scanner.letter}${scan}`
}

/** Path of an image from the dataset's root. */
export function imagePath(subject: string, session: string, contrast: Contrast): string {
  return `sub-${subject}/ses-${session}/anat/sub-${subject}_ses-${session}_${contrastSuffix(contrast)}.nii.gz`
}

/**
 * Path of a truth map from the root: of a subject, or of a session where the head moves between scans; `resolution` where a subject has
 * been sampled on more than one grid.
 */
export function truthPath(
  subject: string,
  what: 'tissue' | 'lesions',
  { resolution, session }: { readonly resolution?: string | undefined; readonly session?: string } = {},
): string {
  if (session !== undefined)
    return `derivatives/truth/sub-${subject}/ses-${session}/anat/sub-${subject}_ses-${session}_desc-${what}_dseg.nii.gz`
  const res = resolution === undefined ? '' : `_res-${resolution}`
  return `derivatives/truth/sub-${subject}/anat/sub-${subject}${res}_desc-${what}_dseg.nii.gz`
}

/** BIDS label of a voxel size: letters and digits only. */
export function resolutionLabel(voxelMm: number): string {
  return `${Math.round(voxelMm * 1000)}um`
}

export function toTsv(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((row) => `${row.join('\t')}\n`).join('')
}

export function toJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

export function datasetDescription(version: string): string {
  return toJson({
    Name: 'Digital traveling subjects',
    BIDSVersion: '1.10.0',
    DatasetType: 'raw',
    License: 'Apache-2.0',
    Authors: AUTHORS,
    Acknowledgements:
      'Anatomies: SynthSeg training label maps (Billot et al., 2023, doi:10.1016/j.media.2023.102789) and the ICBM 152 2009a template (Fonov et al., 2011, doi:10.1016/j.neuroimage.2010.07.033).',
    GeneratedBy: [{ Name: GENERATOR, Version: version }],
    SourceDatasets: [
      { DOI: 'doi:10.1016/j.media.2023.102789' },
      { DOI: 'doi:10.1016/j.neuroimage.2010.07.033' },
    ],
  })
}

export function truthDescription(version: string): string {
  return toJson({
    Name: 'Truth of the digital traveling subjects',
    BIDSVersion: '1.10.0',
    DatasetType: 'derivative',
    License: 'Apache-2.0',
    Authors: AUTHORS,
    GeneratedBy: [{ Name: GENERATOR, Version: version }],
  })
}

const contrastNames: Readonly<Record<Contrast, string>> = {
  T1w: 'T1-weighted',
  'T1w-SE': 'T1-weighted spin-echo',
  T2w: 'T2-weighted',
  PDw: 'Proton-density-weighted',
  FLAIR: 'FLAIR',
}
const designs: Readonly<Record<Design, string>> = {
  traveling: 'each scanned on every digital scanner: same anatomy, same grid, different physics',
  sites: 'each scanned on one digital scanner, as in a multi-site study',
}

export function readme(contrast: Contrast, design: Design): string {
  return `# Digital traveling subjects

${contrastNames[contrast]} images of digital heads, ${designs[design]}.
No person was scanned; anatomies are deformed copies of public label maps. Made by \`${GENERATOR}\`.

- \`sub-*/ses-*/anat\`: the images. Session A1 is the first scan on scanner-A, A2 its rescan, and so on.
- \`cohort.tsv\`: one row per scan, as attune reads it. Subjects of one \`family\` are made from one base anatomy: never split them.
- \`derivatives/truth\`: tissue maps, lesions (labels 1 to n), and every parameter that was drawn.
`
}

/** What BIDS does not know at the dataset's root. */
export const BIDS_IGNORE = 'cohort.tsv\n'
/** Every drawn parameter; `code` is where a BIDS derivative may keep anything. */
export const PARAMETERS_PATH = 'derivatives/truth/code/parameters.json'

const TRUTH_README = `# Truth of the digital traveling subjects

- \`*_desc-tissue_dseg.nii.gz\`: the tissue that fills most of each voxel; \`desc-tissue_dseg.tsv\` names the values.
- \`*_desc-lesions_dseg.nii.gz\`: lesions, numbered from 1; 0 elsewhere. A voxel counts when the lesion fills half of it.
- \`code/parameters.json\`: options, scanners, heads and the conditions of every scan, as drawn.

The maps lie on the grid of the images. \`res-\` tells voxel sizes apart where scanners differ in them.
`

const POSES_README = `
The head moves between scans: maps under \`ses-*\` are those of one scan, the others those of the head at rest. In \`code/parameters.json\`
the \`pose\` of a scan holds \`toRest\`, the 4x4 matrix (row-major, mm) from the world of the scan to that of the head at rest.
`

export function truthReadme(poses: boolean): string {
  return poses ? TRUTH_README + POSES_README : TRUTH_README
}

/** Columns of participants.tsv: with what the population is, and with the site where each subject has one. */
export function participantsJson(population: boolean, site: boolean): string {
  return toJson({
    family: {
      LongName: 'Base anatomy',
      Description:
        'Base anatomy that the head was made from; subjects that share it belong to one side of every split',
    },
    ...(population && {
      age: { Description: 'Simulated age', Units: 'year' },
      sex: {
        Description: 'Simulated sex, without effect on the anatomy',
        Levels: { F: 'female', M: 'male' },
      },
      group: { Description: 'Simulated group', Levels: { control: 'control', patient: 'patient' } },
    }),
    ...(site && { site: { Description: 'Scanner on which the subject was scanned' } }),
  })
}

/** What the maps of truth are, by the inheritance principle: one sidecar for all subjects. */
export function truthSidecar(what: 'tissue' | 'lesions', severalGrids: boolean): string {
  return toJson({
    Description:
      what === 'tissue'
        ? 'The tissue that fills most of each voxel'
        : 'Lesions, numbered from 1; 0 elsewhere',
    SpatialReference: 'orig',
    ...(severalGrids && { Resolution: 'That of the scans; the label of res is the edge of a voxel' }),
  })
}

/** The column of `sub-*_sessions.tsv`. */
export function sessionsJson(): string {
  return toJson({ scanner: { Description: 'Digital scanner of the session; its scans share one protocol' } })
}

/** Names of the values of the tissue map. */
export function tissueTable(): string {
  return toTsv([
    ['index', 'name'],
    [0, 'air'],
    ...TISSUE_NAMES.map((name, index) => [index + 1, name] as const),
  ])
}

const protocolNames: Readonly<Record<ProtocolKind, string>> = {
  mprage: 'MPRAGE',
  bravo: 'IR-SPGR',
  tfe: 'IR-TFE',
  flash: 'FLASH',
  't1w-se': 'SE',
  't1w-irtse': 'IR-TSE',
  't2w-tse': 'TSE',
  'pdw-tse': 'TSE',
  flair: 'FLAIR',
}

const seconds = (ms: number): number => Math.round(ms * 1000) / 1e6
const rounded = (value: number): number => Math.round(value * 1e4) / 1e4

/** Sidecar of an image: times in s, angles in degrees. */
export function sidecar(
  scanner: Scanner,
  { serial, version }: { readonly serial: string; readonly version: string },
  variant: VariantName,
): string {
  const { sequence, fieldTesla, protocol } = scanner
  const common = {
    Modality: 'MR',
    Manufacturer: 'attune (simulated)',
    ManufacturersModelName: `Digital ${fieldTesla} T`,
    DeviceSerialNumber: serial,
    SoftwareVersions: `attune ${version}`,
    StationName: scanner.domain,
    MagneticFieldStrength: fieldTesla,
    ProtocolName: protocolNames[protocol],
    PulseSequenceType: protocolNames[protocol],
    PulseSequenceDetails: 'Simulated from signal equations',
    SequenceName: protocol,
    MRAcquisitionType: '3D',
    EchoTime: seconds(sequence.teMs),
    FlipAngle: rounded(sequence.flipDegrees),
    NonlinearGradientCorrection: true,
    ...(variant === 'skull-stripped' && { SkullStripped: true }),
  }
  if (sequence.kind === 'spgr')
    return toJson({
      ...common,
      ScanningSequence: 'GR',
      SequenceVariant: 'SP',
      RepetitionTime: seconds(sequence.trMs),
      RepetitionTimeExcitation: seconds(sequence.trMs),
    })
  if (sequence.kind === 'se')
    return toJson({
      ...common,
      ScanningSequence: sequence.tiMs === undefined ? 'SE' : ['SE', 'IR'],
      SequenceVariant: sequence.echoes > 1 ? 'SK' : 'NONE',
      RepetitionTime: seconds(sequence.trMs),
      EchoTrainLength: sequence.echoes,
      ...(sequence.tiMs !== undefined && { InversionTime: seconds(sequence.tiMs) }),
    })
  return toJson({
    ...common,
    ScanningSequence: ['GR', 'IR'],
    SequenceVariant: ['SP', 'MP'],
    RepetitionTime: seconds(sequence.cycleMs),
    RepetitionTimePreparation: seconds(sequence.cycleMs),
    RepetitionTimeExcitation: seconds(sequence.echoSpacingMs),
    // GE states the wait before the train, the others the time to the centre of k-space
    InversionTime: seconds(
      protocol === 'bravo' ? sequence.tiMs - sequence.centrePulse * sequence.echoSpacingMs : sequence.tiMs,
    ),
  })
}
