/** Signal equations of spoiled gradient echoes, with and without inversion. Magnitudes of transverse magnetization per unit gain. */
import type { Relaxation } from './tissues.ts'

/** Spoiled gradient echo in steady state (FLASH, SPGR, T1-FFE). Times in ms, angles in degrees. */
export interface SpoiledGradientEcho {
  readonly kind: 'spgr'
  readonly trMs: number
  readonly teMs: number
  readonly flipDegrees: number
}

/**
 * Inversion-prepared train of spoiled gradient echoes, in the steady state of its cycles (MPRAGE, IR-SPGR/BRAVO, IR-TFE):
 * inversion, wait, `pulses` excitations `echoSpacingMs` apart, wait until `cycleMs` after the inversion, again.
 * The image's contrast is that of the pulse `centrePulse` (from 0), which samples the centre of k-space at `tiMs` after the inversion.
 */
export interface InversionGradientEcho {
  readonly kind: 'ir-gre'
  readonly cycleMs: number
  readonly tiMs: number
  readonly teMs: number
  readonly echoSpacingMs: number
  readonly flipDegrees: number
  readonly pulses: number
  readonly centrePulse: number
}

export type Sequence = SpoiledGradientEcho | InversionGradientEcho

/** Part of the magnetization that an adiabatic inversion pulse inverts in vivo; B1+ leaves it alone. */
export const INVERSION_EFFICIENCY = 0.96

/**
 * Ernst's equation: PD sin(a) (1 - E1) / (1 - E1 cos(a)) exp(-TE/T2*), E1 = exp(-TR/T1).
 * @param b1 actual over nominal flip angle
 * @see Ernst and Anderson, Rev Sci Instrum 37:93-102 (1966), doi:10.1063/1.1719961
 */
export function spoiledSignal(tissue: Relaxation, sequence: SpoiledGradientEcho, b1: number): number {
  const flip = (sequence.flipDegrees * b1 * Math.PI) / 180
  const e1 = Math.exp(-sequence.trMs / tissue.t1Ms)
  const steady = ((1 - e1) * Math.sin(flip)) / (1 - e1 * Math.cos(flip))
  return tissue.protonDensity * steady * Math.exp(-sequence.teMs / tissue.t2StarMs)
}

/**
 * Closed steady state of the inversion-recovery train. With u = cos(a) exp(-ES/T1) a pulse and its interval take Mz to
 * u Mz + (1 - E1), so the whole cycle is an affine map of Mz whose fixed point is the state before the first pulse.
 * @param b1 actual over nominal flip angle of the readout; the adiabatic inversion does not depend on it
 * @see Deichmann et al., NeuroImage 12:112-127 (2000), doi:10.1006/nimg.2000.0601
 * @see Wang et al., PLoS ONE 9:e96899 (2014), doi:10.1371/journal.pone.0096899
 */
export function inversionSignal(tissue: Relaxation, sequence: InversionGradientEcho, b1: number): number {
  const { cycleMs, tiMs, teMs, echoSpacingMs, flipDegrees, pulses, centrePulse } = sequence
  const flip = (flipDegrees * b1 * Math.PI) / 180
  const rate = 1 / tissue.t1Ms
  const beforeMs = tiMs - centrePulse * echoSpacingMs
  const e1 = Math.exp(-echoSpacingMs * rate)
  const eBefore = Math.exp(-beforeMs * rate)
  const eAfter = Math.exp(-(cycleMs - beforeMs - pulses * echoSpacingMs) * rate)
  const u = Math.cos(flip) * e1
  const driven = (1 - e1) / (1 - u)
  const uTrain = u ** pulses
  const trainOffset = driven * (1 - uTrain)
  const first =
    (1 - eBefore - INVERSION_EFFICIENCY * eBefore * (1 - eAfter + eAfter * trainOffset)) /
    (1 + INVERSION_EFFICIENCY * eBefore * eAfter * uTrain)
  const uCentre = u ** centrePulse
  const mz = first * uCentre + driven * (1 - uCentre)
  return Math.abs(mz) * tissue.protonDensity * Math.sin(flip) * Math.exp(-teMs / tissue.t2StarMs)
}

/** Signal of `tissue` under `sequence`, arbitrary units common to all tissues. */
export function signal(tissue: Relaxation, sequence: Sequence, b1 = 1): number {
  return sequence.kind === 'spgr'
    ? spoiledSignal(tissue, sequence, b1)
    : inversionSignal(tissue, sequence, b1)
}
