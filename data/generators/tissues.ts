/**
 * What tissue is made of, as far as a T1-weighted gradient echo can see it: T1, T2* and proton density at 1.5 T and 3 T.
 *
 * Sources, by the short names used in the table:
 * - Wright: Wright et al., MAGMA 21:121-130 (2008), doi:10.1007/s10334-008-0104-8 (T1 by MPRAGE at 1.5 and 3 T)
 * - Peters: Peters et al., Magn Reson Imaging 25:748-753 (2007), doi:10.1016/j.mri.2007.02.014 (T2* at 1.5 and 3 T)
 * - Rooney: Rooney et al., Magn Reson Med 57:308-318 (2007), doi:10.1002/mrm.21122 (CSF; T1 against field)
 * - Stanisz: Stanisz et al., Magn Reson Med 54:507-512 (2005), doi:10.1002/mrm.20605 (muscle, blood)
 * - Lu: Lu et al., Magn Reson Med 52:679-682 (2004), doi:10.1002/mrm.20178 (blood at 3 T)
 * - Bazelaire: de Bazelaire et al., Radiology 230:652-659 (2004), doi:10.1148/radiol.2303021331 (fat, marrow)
 * - Techawiboonwong: Techawiboonwong et al., Radiology 248:824-833 (2008), doi:10.1148/radiol.2482071995 (cortical bone)
 * - Koolstra: Koolstra et al., Magn Reson Med 81:2551-2565 (2019), doi:10.1002/mrm.27594 (eye; measured at 7 T)
 * - Gelman: Gelman et al., Magn Reson Med 45:71-79 (2001), doi:10.1002/1522-2594(200101)45:1<71::AID-MRM1011>3.0.CO;2-2
 * - Tofts: Tofts (ed.), Quantitative MRI of the Brain, Wiley (2003), chapter 4 (proton density)
 * - chosen: no measurement known to us; a plausible value that matters little for what the simulator is for
 */

export type FieldStrength = 1.5 | 3

/** Times in ms, proton density relative to water. */
export interface Relaxation {
  readonly t1Ms: number
  readonly t2StarMs: number
  readonly protonDensity: number
}

export type TissueName =
  | 'white-matter'
  | 'grey-matter'
  | 'striatum'
  | 'thalamus'
  | 'pallidum'
  | 'csf'
  | 'blood'
  | 'fat'
  | 'muscle'
  | 'skin'
  | 'marrow'
  | 'cortical-bone'
  | 'vitreous'
  | 'mucosa'
  | 'lesion'
type Row = readonly [
  at15: readonly [t1: number, t2s: number],
  at3: readonly [t1: number, t2s: number],
  pd: number,
]

const tissueTable: Readonly<Record<TissueName, Row>> = {
  /** T1 Wright, T2* Peters, density Tofts. */
  'white-matter': [[646, 66], [838, 53], 0.7],
  /** T1 Wright, T2* Peters, density Tofts. */
  'grey-matter': [[1197, 84], [1607, 66], 0.82],
  /** Caudate and putamen: T1 Wright (mean of both), T2* Peters, density as thalamus. */
  striatum: [[1097, 55], [1364, 31], 0.8],
  /** T1 between white and grey matter as Gelman and Rooney find it; T2* and density chosen. */
  thalamus: [[935, 60], [1200, 45], 0.77],
  /** T1 between white matter and striatum as Gelman and Rooney find it; iron shortens T2* (chosen). */
  pallidum: [[760, 40], [1000, 21], 0.74],
  /** T1 Rooney (no change with field within error); T2* chosen: long against every TE here. */
  csf: [[4300, 800], [4300, 600], 1],
  /** T1 Stanisz and Lu; T2* between arterial and venous, chosen. Inflow is not modelled. */
  blood: [[1441, 80], [1664, 35], 0.85],
  /** T1 Bazelaire; T2* chosen: the peaks of fat dephase within 10 to 20 ms; density near that of water. */
  fat: [[343, 16], [382, 11], 0.85],
  /** T1 Stanisz; T2* and density chosen. */
  muscle: [[1008, 32], [1412, 24], 0.79],
  /** Chosen: long T1 of a wet connective tissue, short T2* of collagen. */
  skin: [[870, 14], [1000, 10], 0.7],
  /** Diploe: T1 of vertebral marrow, Bazelaire; T2* shortened by trabeculae (chosen). */
  marrow: [[549, 12], [586, 8], 0.75],
  /** Techawiboonwong: signal is gone long before any TE here. */
  'cortical-bone': [[180, 0.5], [200, 0.4], 0.2],
  /** T1 Koolstra; T2* and density chosen. */
  vitreous: [[3900, 500], [3800, 350], 1],
  /** Chosen: a well-perfused gland-like tissue. */
  mucosa: [[1000, 35], [1250, 25], 0.85],
  /**
   * MS lesions of white matter: T1 about 1.6 times that of white matter (chosen from the range between
   * T1-isointense lesions and black holes; each lesion varies by LESION_T1_FACTOR), with more water.
   * @see Vrenken et al., J Magn Reson Imaging 23:628-636 (2006), doi:10.1002/jmri.20564
   */
  lesion: [[1000, 90], [1300, 70], 0.78],
}

/** Each lesion's T1 is the table's times a factor drawn from here: from faint to black hole. */
export const LESION_T1_FACTOR: readonly [number, number] = [0.9, 1.4]

export const TISSUE_NAMES = Object.keys(tissueTable) as readonly TissueName[]

/** Values of one tissue at one field. */
export function relaxation(tissue: TissueName, field: FieldStrength): Relaxation {
  const [at15, at3, protonDensity] = tissueTable[tissue]
  const [t1Ms, t2StarMs] = field === 3 ? at3 : at15
  return { t1Ms, t2StarMs, protonDensity }
}
