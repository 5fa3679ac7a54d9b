/** Signal equations of spoiled gradient echoes and spin echoes, with and without inversion. Magnitudes of transverse magnetization per unit gain. */
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

/**
 * Spin echo, or a train of them after one excitation (turbo spin echo), optionally prepared by an inversion (FLAIR). Contrast is that of
 * the echo at `teMs`; transverse magnetization is spoiled before each excitation.
 */
export interface SpinEcho {
  readonly kind: 'se'
  readonly trMs: number
  readonly teMs: number
  /** From the inversion to the excitation; none without it. */
  readonly tiMs?: number
  readonly flipDegrees: number
  readonly refocusDegrees: number
  readonly echoes: number
  /** Between refocusing pulses; TE for a single echo. */
  readonly echoSpacingMs: number
}

export type Sequence = SpoiledGradientEcho | InversionGradientEcho | SpinEcho

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

/**
 * |M| sin(a) sin^2(b/2) exp(-TE/T2): excitation a, refocusing b, M the magnetization before the excitation. A cycle is an affine map of
 * M, `a + b M`, composed pulse by pulse and interval by interval, whose fixed point is the steady state. For 90 and 180 degrees and one echo
 * M = 1 - 2 exp(-(TR - TE/2)/T1) + exp(-TR/T1), which tends to the textbook's 1 - exp(-TR/T1) as TE becomes short.
 * One factor sin^2(b/2) stands for a whole train, since stimulated echoes return most of what later pulses lose.
 * @param b1 actual over nominal angle of excitation and refocusing; the adiabatic inversion does not depend on it
 * @see Bernstein, King and Zhou, Handbook of MRI Pulse Sequences, Elsevier (2004), sections 14.3 and 16.4
 * @see Hajnal et al., J Comput Assist Tomogr 16:841-844 (1992), doi:10.1097/00004728-199211000-00001 (FLAIR)
 */
export function spinEchoSignal(tissue: Relaxation, sequence: SpinEcho, b1: number): number {
  const { trMs, teMs, tiMs, flipDegrees, refocusDegrees, echoes, echoSpacingMs } = sequence
  const flip = (flipDegrees * b1 * Math.PI) / 180
  const refocus = (refocusDegrees * b1 * Math.PI) / 180
  let offset = 0
  let slope = 1
  const turn = (cosine: number): void => {
    offset *= cosine
    slope *= cosine
  }
  const relax = (ms: number): void => {
    const e = Math.exp(-ms / tissue.t1Ms)
    offset = 1 - e + offset * e
    slope *= e
  }
  turn(Math.cos(flip))
  relax(echoSpacingMs / 2)
  for (let echo = 1; echo <= echoes; echo++) {
    turn(Math.cos(refocus))
    relax(echo < echoes ? echoSpacingMs : trMs - (tiMs ?? 0) - (echoes - 0.5) * echoSpacingMs)
  }
  if (tiMs !== undefined) {
    turn(-INVERSION_EFFICIENCY)
    relax(tiMs)
  }
  const mz = offset / (1 - slope)
  const refocused = Math.sin(refocus / 2) ** 2
  return Math.abs(mz) * tissue.protonDensity * Math.sin(flip) * refocused * Math.exp(-teMs / tissue.t2Ms)
}

/** Signal of `tissue` under `sequence`, arbitrary units common to all tissues. */
export function signal(tissue: Relaxation, sequence: Sequence, b1 = 1): number {
  switch (sequence.kind) {
    case 'spgr':
      return spoiledSignal(tissue, sequence, b1)
    case 'ir-gre':
      return inversionSignal(tissue, sequence, b1)
    case 'se':
      return spinEchoSignal(tissue, sequence, b1)
    default:
      return sequence satisfies never
  }
}
