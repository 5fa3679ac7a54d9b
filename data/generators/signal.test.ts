import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  INVERSION_EFFICIENCY,
  type InversionGradientEcho,
  inversionSignal,
  type SpoiledGradientEcho,
  signal,
  spoiledSignal,
} from './signal.ts'
import { FIELD_STRENGTHS, relaxation, TISSUE_NAMES } from './tissues.ts'

const tissue = fc.record({
  t1Ms: fc.double({ min: 150, max: 4500, noNaN: true }),
  t2Ms: fc.constant(80),
  t2StarMs: fc.double({ min: 5, max: 800, noNaN: true }),
  protonDensity: fc.double({ min: 0.1, max: 1, noNaN: true }),
})
const mprage: InversionGradientEcho = {
  kind: 'ir-gre',
  cycleMs: 2300,
  tiMs: 900,
  teMs: 3,
  echoSpacingMs: 7,
  flipDegrees: 9,
  pulses: 176,
  centrePulse: 88,
}
const flash: SpoiledGradientEcho = { kind: 'spgr', trMs: 20, teMs: 4, flipDegrees: 25 }

/** Longitudinal Bloch equation, pulse by pulse, from equilibrium until nothing changes from cycle to cycle. */
function blochTrain(t1Ms: number, s: InversionGradientEcho, b1: number): number {
  const relax = (mz: number, ms: number): number => 1 + (mz - 1) * Math.exp(-ms / t1Ms)
  const cos = Math.cos((s.flipDegrees * b1 * Math.PI) / 180)
  const wait = s.tiMs - s.centrePulse * s.echoSpacingMs
  let mz = 1
  let seen = 0
  for (let cycle = 0; cycle < 200; cycle++) {
    mz = relax(-INVERSION_EFFICIENCY * mz, wait)
    for (let pulse = 0; pulse < s.pulses; pulse++) {
      if (pulse === s.centrePulse) seen = mz
      mz = relax(mz * cos, s.echoSpacingMs)
    }
    mz = relax(mz, s.cycleMs - wait - s.pulses * s.echoSpacingMs)
  }
  return Math.abs(seen)
}

it('inversionSignal equals the Bloch recursion run to its steady state', () => {
  fc.assert(
    fc.property(
      tissue,
      fc.double({ min: 0.5, max: 1.4, noNaN: true }),
      fc.integer({ min: 0, max: 127 }),
      (t, b1, centrePulse) => {
        const sequence = { ...mprage, tiMs: 100 + centrePulse * 7, centrePulse, pulses: 128 }
        const transverse = Math.sin((sequence.flipDegrees * b1 * Math.PI) / 180) * Math.exp(-3 / t.t2StarMs)
        const expected = blochTrain(t.t1Ms, sequence, b1) * transverse * t.protonDensity
        expect(Math.abs(inversionSignal(t, sequence, b1) - expected)).toBeLessThan(1e-10)
      },
    ),
  )
})
it('spoiledSignal equals the spoiled recursion run to its steady state', () => {
  fc.assert(
    fc.property(tissue, (t) => {
      const angle = (flash.flipDegrees * Math.PI) / 180
      let mz = 1
      for (let n = 0; n < 5000; n++) mz = 1 + (mz * Math.cos(angle) - 1) * Math.exp(-flash.trMs / t.t1Ms)
      const expected = mz * Math.sin(angle) * Math.exp(-flash.teMs / t.t2StarMs) * t.protonDensity
      expect(Math.abs(spoiledSignal(t, flash, 1) - expected)).toBeLessThan(1e-9)
    }),
  )
})
it('spoiledSignal is largest at the Ernst angle arccos(exp(-TR/T1))', () => {
  const t = { t1Ms: 838, t2Ms: 71, t2StarMs: 53, protonDensity: 0.7 }
  const ernst = (Math.acos(Math.exp(-20 / 838)) * 180) / Math.PI
  const at = (flipDegrees: number): number => spoiledSignal(t, { ...flash, flipDegrees }, 1)
  expect(at(ernst)).toBeGreaterThan(at(ernst * 1.01))
  expect(at(ernst)).toBeGreaterThan(at(ernst * 0.99))
})
it('a flip angle wrong by b1 is the same as another nominal angle', () => {
  const t = relaxation('white-matter', 3)
  expect(signal(t, flash, 1.2)).toBeCloseTo(signal(t, { ...flash, flipDegrees: 30 }), 12)
})
it('orders tissues as T1-weighted images do at both fields: fat > white > deep grey > cortex > fluid', () => {
  for (const field of [1.5, 3] as const)
    for (const sequence of [mprage, flash]) {
      const at = (name: Parameters<typeof relaxation>[0]): number => signal(relaxation(name, field), sequence)
      expect(at('fat')).toBeGreaterThan(at('white-matter'))
      expect(at('white-matter')).toBeGreaterThan(at('striatum'))
      expect(at('white-matter')).toBeGreaterThan(at('lesion'))
      expect(at('lesion')).toBeGreaterThan(at('csf'))
      expect(at('grey-matter')).toBeGreaterThan(at('csf'))
      expect(at('cortical-bone')).toBeLessThan(0.02 * at('white-matter'))
    }
})
it('T1 rises and T2* falls with field for every tissue, fluids and eye within error', () => {
  for (const name of TISSUE_NAMES)
    for (const [i, field] of FIELD_STRENGTHS.slice(1).entries()) {
      const [low, high] = [relaxation(name, FIELD_STRENGTHS[i]!), relaxation(name, field)]
      expect(high.t1Ms).toBeGreaterThan(0.95 * low.t1Ms)
      expect(high.t2StarMs).toBeLessThanOrEqual(low.t2StarMs)
    }
})
