/**
 * What tissue is made of, as far as gradient and spin echoes can see it: T1, T2, T2* and proton density from 0.064 T to 7 T.
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
 * - Cox: Cox and Gowland, Magn Reson Med 64:1440-1445 (2010), doi:10.1002/mrm.22522 (T2 at 1.5, 3 and 7 T)
 * - OReilly: O'Reilly and Webb, Magn Reson Med 87:884-895 (2022), doi:10.1002/mrm.29009 (T1 and T2 at 0.05 T)
 * - Campbell: Campbell-Washburn et al., Radiology 293:384-393 (2019), doi:10.1148/radiol.2019190452 (T1 and T2 at 0.55 T)
 * - Spijkerman: Spijkerman et al., MAGMA 31:415-424 (2018), doi:10.1007/s10334-017-0659-3 (T2 of CSF falls from 3 to 7 T)
 * - between: T1 of deep grey matter where it lies between white and grey matter at 1.5 T, at the fields that nobody measured
 * - chosen: no measurement known to us; a plausible value that matters little for what the simulator is for
 */

/** In tesla, ascending. */
export const FIELD_STRENGTHS = [0.064, 0.55, 1.5, 3, 7] as const
export type FieldStrength = (typeof FIELD_STRENGTHS)[number]

/** Times in ms, proton density relative to water. */
export interface Relaxation {
  readonly t1Ms: number
  readonly t2Ms: number
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
type Times = readonly [t1: number, t2: number, t2s: number]
type Row = readonly [at0064: Times, at055: Times, at15: Times, at3: Times, at7: Times, pd: number]

/**
 * T1, T2 and T2* in ms at 0.064, 0.55, 1.5, 3 and 7 T; then proton density. Where a comment names no source for a field, the value is
 * chosen: T1 along the rise that Rooney finds, T2* from T2 at low field down to a dephasing that grows with field.
 */
const tissueTable: Readonly<Record<TissueName, Row>> = {
  /** T1 Wright (1.5 to 7), T2* Peters, T2 Cox; below OReilly and Campbell; density Tofts. */
  'white-matter': [[275, 102, 95], [493, 89, 80], [646, 80, 66], [838, 71, 53], [1126, 47, 27], 0.7],
  /** T1 Wright (1.5 to 7), T2* Peters, T2 Cox (frontal); below OReilly and Campbell; density Tofts. */
  'grey-matter': [[327, 102, 98], [717, 112, 95], [1197, 87, 84], [1607, 76, 66], [1939, 47, 33], 0.82],
  /** Caudate and putamen: T1 Wright (mean of both) and between, T2* Peters; T2 chosen, density as thalamus. */
  striatum: [[318, 100, 95], [677, 98, 85], [1097, 78, 55], [1364, 62, 31], [1790, 38, 18], 0.8],
  /** T1 between white and grey matter as Gelman and Rooney find it; T2, T2* and density chosen. */
  thalamus: [[302, 101, 94], [610, 95, 80], [935, 80, 60], [1200, 70, 45], [1550, 46, 26], 0.77],
  /** T1 between white matter and striatum as Gelman and Rooney find it; iron shortens T2 and T2* (chosen). */
  pallidum: [[286, 98, 90], [540, 82, 68], [760, 62, 40], [1000, 48, 21], [1300, 28, 12], 0.74],
  /** T1 Rooney (no change with field within error), OReilly; T2 OReilly, then chosen, falling to 7 T as Spijkerman finds; T2* chosen. */
  csf: [[3695, 1584, 1200], [4300, 2100, 1000], [4300, 2000, 800], [4300, 1900, 600], [4300, 1100, 300], 1],
  /** T1 Stanisz and Lu, elsewhere Rooney; T2 and T2* between arterial and venous, chosen. Inflow is not modelled. */
  blood: [[520, 280, 240], [1070, 250, 150], [1441, 200, 80], [1664, 120, 35], [2550, 40, 12], 0.85],
  /** T1 and T2 Bazelaire; T2* chosen: the peaks of fat dephase, the faster the higher the field; density near that of water. */
  fat: [[140, 90, 60], [240, 70, 30], [343, 58, 16], [382, 68, 11], [500, 45, 6], 0.85],
  /** T1 and T2 Stanisz; T2* and density chosen. */
  muscle: [[180, 39, 38], [700, 44, 38], [1008, 44, 32], [1412, 50, 24], [1800, 28, 15], 0.79],
  /** Chosen: long T1 of a wet connective tissue, short T2 of collagen. */
  skin: [[300, 26, 22], [600, 25, 18], [870, 24, 14], [1000, 23, 10], [1300, 20, 6], 0.7],
  /** Diploe: T1 and T2 of vertebral marrow, Bazelaire; T2* shortened by trabeculae (chosen). */
  marrow: [[200, 55, 35], [400, 52, 22], [549, 49, 12], [586, 49, 8], [700, 35, 4], 0.75],
  /** Techawiboonwong: signal is gone long before any TE here. */
  'cortical-bone': [[100, 0.6, 0.6], [150, 0.6, 0.6], [180, 0.5, 0.5], [200, 0.5, 0.4], [240, 0.4, 0.3], 0.2],
  /** T1 Koolstra (7 T); T2, T2* and density chosen. */
  vitreous: [[3800, 1500, 900], [3900, 1200, 700], [3900, 1000, 500], [3800, 900, 350], [3900, 600, 200], 1],
  /** Chosen: a well-perfused gland-like tissue. */
  mucosa: [[350, 80, 70], [750, 70, 50], [1000, 65, 35], [1250, 60, 25], [1600, 42, 14], 0.85],
  /**
   * MS lesions of white matter: T1 and T2 about 1.6 times that of white matter (chosen from the range between
   * T1-isointense lesions and black holes; each lesion varies by LESION_T1_FACTOR), with more water.
   * @see Vrenken et al., J Magn Reson Imaging 23:628-636 (2006), doi:10.1002/jmri.20564
   */
  lesion: [[430, 163, 140], [760, 142, 115], [1000, 128, 90], [1300, 114, 70], [1750, 75, 38], 0.78],
}

/** Each lesion's T1 is the table's times a factor drawn from here: from faint to black hole. */
export const LESION_T1_FACTOR: readonly [number, number] = [0.9, 1.4]

export const TISSUE_NAMES = Object.keys(tissueTable) as readonly TissueName[]

/** Values of one tissue at one field. */
export function relaxation(tissue: TissueName, field: FieldStrength): Relaxation {
  const row = tissueTable[tissue]
  const [t1Ms, t2Ms, t2StarMs] = row[FIELD_STRENGTHS.indexOf(field)] as Times
  return { t1Ms, t2Ms, t2StarMs, protonDensity: row[FIELD_STRENGTHS.length] as number }
}
