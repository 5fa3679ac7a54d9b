/** How near curves on the grid can come to the truth of one scan, by the bound on their change over space: the network fitted to that scan alone. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { preparedScan } from '../data/generators/any-head.ts'
import { drawAnyScanner } from '../data/generators/any-scanner.ts'
import { random } from '../src/kernels/random.ts'
import { trainUniversal } from '../training/universal.ts'
import { readUniversalRun } from '../training/universal-run.ts'
import { percent, type Section, say } from './result.ts'
import { headWithLesions, SEED } from './universal-heads.ts'
import { workplace } from './workplace.ts'

/** Of the row of the digital bench: a raw coil, a spin echo on a raw coil, an even one. */
const SCANNERS = [0, 1, 3] as const
const BOUNDS = [
  { slopeRatio: 4, changePerMm: 0.03, passes: 1 },
  { slopeRatio: 8, changePerMm: 0.03, passes: 1 },
  { slopeRatio: 4, changePerMm: 0.06, passes: 1 },
  { slopeRatio: 4, changePerMm: 0.12, passes: 1 },
  { slopeRatio: 4, changePerMm: 0.06, passes: 2 },
] as const
/** Of a single sample each, without augmentation and penalties: the loss is the error. */
const FITTED = {
  steps: 250,
  batch: 1,
  learningRate: 0.01,
  shading: 0,
  shiftMm: 0,
  mirror: 0,
  gain: 0,
  composition: 0,
  gradient: 0,
}

export async function bounds(): Promise<Section> {
  const head = await headWithLesions(0)
  const run = await readUniversalRun('universal-t1w')
  const rows: string[][] = []
  for (const k of SCANNERS) {
    const scanner = drawAnyScanner(random(SEED, `scanner ${k}`))
    const scan = preparedScan(head, scanner, random(SEED, `head 0, scan ${k}`), 'whole')
    const cells = [`${scanner.protocol}, shading ${scanner.coil.shading.toFixed(1)}`]
    for (const { passes, ...bound } of BOUNDS) {
      say(`${cells[0]}, ${JSON.stringify(bound)}, passes: ${passes}`)
      const store = join(workplace, 'universal-bounds')
      await rm(store, { recursive: true, force: true })
      const network = { ...run.network, ...FITTED, ...bound, smoothness: 0.0005 }
      const { furtherPasses: _, ...alone } = run
      const { loss } = await trainUniversal(
        { ...alone, heads: 1, scansPerHead: 1, passes, network },
        { scans: async () => scan, toneScans: async () => scan },
        { key: 'one scan', store, engine: 'auto' },
      )
      cells.push(percent(loss.at(-1)?.loss))
    }
    rows.push(cells)
  }
  return {
    title: 'What the bounds allow',
    columns: [
      'scanner',
      ...BOUNDS.map(
        ({ slopeRatio, changePerMm, passes }) =>
          `slopes ${slopeRatio}, ${100 * changePerMm} % per mm${passes > 1 ? `, ${passes} passes` : ''}`,
      ),
    ],
    rows,
    notes: [
      'Loss of curves fitted to this scan alone, nearly their mean absolute error from its truth, in units of white matter.',
    ],
  }
}
