/** Settings of training that goes on from a universal harmonizer; apart, so that asking for them loads no trainer. */
import type { LocalToneOptions } from './local-tone.ts'

/**
 * What differs where training goes on from a universal harmonizer: less is left to learn, and much could be forgotten. The bound over
 * space is that of the start, whose curves would otherwise be drawn together before the first step.
 */
export const FINE_TUNING: Pick<LocalToneOptions, 'steps' | 'learningRate' | 'changePerMm'> = {
  steps: 200,
  learningRate: 2e-3,
  changePerMm: 0.06,
}
