/**
 * Labels of the anatomies in data/anatomy, one byte each: FreeSurfer's aseg numbers as they are; SynthSeg's extra-cerebral
 * numbers (501..530, those of the CHARM head atlas) minus 300; our own split of "other tissue" into fat and muscle; lesions.
 * @see https://surfer.nmr.mgh.harvard.edu/fswiki/FsTutorial/AnatomicalROI/FreeSurferColorLUT
 * @see Puonti et al., NeuroImage 219:117044 (2020), doi:10.1016/j.neuroimage.2020.117044 (CHARM)
 */
import { TISSUE_NAMES, type TissueName } from './tissues.ts'

export const EXTRA_CEREBRAL_OFFSET = 300
export const LABEL = {
  air: 0,
  csf: 24,
  /** Subcutaneous, orbital and intermuscular fat, split off from `other` by prepare-anatomy.ts. */
  fat: 200,
  artery: 202,
  eye: 206,
  /** CHARM's "other tissues"; after the split muscle and what lies between. */
  other: 207,
  eyeMuscle: 208,
  mucosa: 209,
  skin: 211,
  corticalBone: 215,
  marrow: 216,
  opticNerve: 230,
  /** Lesion k (from 1) of a subject carries label `lesion + k`. */
  lesion: 230,
} as const
export const MAX_LESIONS: number = 255 - LABEL.lesion

/** Labels of white matter, where lesions may lie: cerebral left and right. */
export const WHITE_MATTER_LABELS: readonly number[] = [2, 41]

/** Whether a label is among those listed. */
export function oneOf(labels: readonly number[]): (label: number) => boolean {
  const listed = new Uint8Array(256)
  for (const label of labels) listed[label] = 1
  return (label) => listed[label] !== 0
}

/** What a label is made of: tissue and share; shares sum to 1, and air is what is missing. */
type Composition = Readonly<Partial<Record<TissueName, number>>>

const white: Composition = { 'white-matter': 1 }
const grey: Composition = { 'grey-matter': 1 }
const csf: Composition = { csf: 1 }
const striatum: Composition = { striatum: 1 }
const blood: Composition = { blood: 1 }

/** Mixtures stand for structures whose voxels hold both (chosen): fibres crossing nuclei, or plexus bathed in CSF. */
const stem: Composition = { 'white-matter': 0.8, 'grey-matter': 0.2 }
const diencephalon: Composition = { 'white-matter': 0.6, 'grey-matter': 0.4 }
const plexus: Composition = { csf: 0.6, blood: 0.4 }

const both = (left: number, right: number, content: Composition): [number, Composition][] => [
  [left, content],
  [right, content],
]

/** Content of every label that occurs; a label that is not listed is air. */
export const COMPOSITION: ReadonlyMap<number, Composition> = new Map<number, Composition>([
  ...both(2, 41, white), // cerebral white matter
  ...both(3, 42, grey), // cerebral cortex
  ...both(4, 43, csf), // lateral ventricle
  ...both(5, 44, csf), // its inferior horn
  ...both(7, 46, white), // cerebellar white matter
  ...both(8, 47, grey), // cerebellar cortex
  ...both(10, 49, { thalamus: 1 }),
  ...both(11, 50, striatum), // caudate
  ...both(12, 51, striatum), // putamen
  ...both(13, 52, { pallidum: 1 }),
  [14, csf], // third ventricle
  [15, csf], // fourth ventricle
  [16, stem], // brain stem
  ...both(17, 53, grey), // hippocampus
  ...both(18, 54, grey), // amygdala
  [24, csf],
  ...both(25, 57, { 'white-matter': 0.85, lesion: 0.15 }), // white-matter hypointensity of the six original adults
  ...both(26, 58, striatum), // accumbens
  ...both(28, 60, diencephalon), // ventral diencephalon
  ...both(30, 62, blood), // vessel
  [72, csf], // fifth ventricle
  [85, white], // optic chiasm
  ...both(136, 163, plexus), // choroid plexus of the lateral ventricle (SynthSeg issue 119)
  ...both(137, 164, plexus), // and of its inferior horn
  [LABEL.fat, { fat: 1 }],
  [LABEL.artery, blood],
  [LABEL.eye, { vitreous: 1 }],
  [LABEL.other, { muscle: 1 }],
  [LABEL.eyeMuscle, { muscle: 1 }],
  [LABEL.mucosa, { mucosa: 1 }],
  [LABEL.skin, { skin: 1 }],
  [212, stem], // spinal cord
  [214, blood], // vein
  [LABEL.corticalBone, { 'cortical-bone': 1 }],
  [LABEL.marrow, { marrow: 1 }],
  [LABEL.opticNerve, white],
])

/** Labels of the truth's tissue map: 0 air, then the tissues in the table's order from 1. */
export function tissueIndex(tissue: TissueName): number {
  return TISSUE_NAMES.indexOf(tissue) + 1
}
