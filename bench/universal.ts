/**
 * The universal harmonizer that ships. Digital: bench/universal-digital.ts. Real: bench/universal-real.ts.
 * Unseen: errors on what was trained on, and on what was not. Fine-tuning: one traveling subject from the universal start against three from scratch. Bounds: what curves could do at best.
 */
import { type Harmonizer, loadHarmonizer } from '../src/harmonizer/harmonizer.ts'
import { publish, type Section } from './result.ts'
import { bounds } from './universal-bounds.ts'
import { digitalScanners } from './universal-digital.ts'
import { fineTuning } from './universal-fine-tuning.ts'
import { realImages } from './universal-real.ts'
import { unseen } from './universal-unseen.ts'

/** By the name of the part, which has a table of its own: `npm run bench -- universal real` measures one of them. */
const PARTS: Readonly<Record<string, { readonly title: string; run(): Promise<readonly Section[]> }>> = {
  real: {
    title: 'The universal harmonizer on real images',
    run: () => using(realImages),
  },
  digital: {
    title: 'The universal harmonizer on unseen digital scanners',
    run: () => using(digitalScanners),
  },
  unseen: {
    title: 'What the universal harmonizer has seen, and what not',
    run: async () => [await unseen()],
  },
  'fine-tuning': {
    title: 'Training on from the universal harmonizer',
    run: async () => [await fineTuning()],
  },
  bounds: { title: 'Bounds of the universal harmonizer', run: async () => [await bounds()] },
}

export async function universal(words: readonly string[]): Promise<void> {
  for (const [part, { title, run }] of Object.entries(PARTS))
    if (words.length === 0 || words.includes(part))
      await publish('universal', title, [part], await run(), `universal-${part}`)
}

async function using<T>(measure: (harmonizer: Harmonizer) => Promise<T>): Promise<T> {
  const harmonizer = await loadHarmonizer('universal')
  try {
    return await measure(harmonizer)
  } finally {
    await harmonizer.close()
  }
}
