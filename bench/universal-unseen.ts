/** Error of the universal harmonizer on what it was trained on, and on scanners, heads and anatomies that it has not seen: what it lacks. */
import type { AnatomyName } from '../data/generators/anatomy.ts'
import { type AnyScan, drawAnyHead, type HeadOptions, scanAnyHead } from '../data/generators/any-head.ts'
import { CANONICAL_LEVEL } from '../data/generators/any-scanner.ts'
import { readBundle } from '../src/harmonizer/bundle.ts'
import { shippedBundle } from '../src/harmonizer/shipped.ts'
import { CURVES_OF_PASS, type LocalToneModel } from '../src/inference/local-tone-model.ts'
import { moments } from '../src/kernels/moments.ts'
import { random } from '../src/kernels/random.ts'
import { mae } from '../src/metrics/mae.ts'
import { foregroundMask } from '../src/volume/mask.ts'
import { afterPass, type OpenedPass, openPasses } from '../training/universal-passes.ts'
import { readUniversalRun } from '../training/universal-run.ts'
import { mean, percent, type Section, say, sd } from './result.ts'
import { ANATOMIES } from './universal-heads.ts'

/** Of heads and scans that training has not drawn. */
const FRESH = 77_003
const HEADS = 20

/** One scan of the head at `index`. */
type Draw = (index: number) => Promise<AnyScan>

export async function unseen(): Promise<Section> {
  const run = await readUniversalRun('universal-t1w')
  const trained = run.anatomies as readonly AnatomyName[]
  const scanOf =
    (
      seed: number,
      anatomies: readonly AnatomyName[],
      scanSeed: number,
      perHead: number,
      variety: HeadOptions['variety'] = 'adults',
    ): Draw =>
    async (index) => {
      const head = await drawAnyHead(seed, index, anatomies, { variety })
      return scanAnyHead(head, random(scanSeed, `any scan ${index * perHead}`))
    }
  const rows: readonly (readonly [string, Draw])[] = [
    ['scans trained on', scanOf(run.seed, trained, run.seed, run.scansPerHead)],
    ['the same heads on unseen scanners', scanOf(run.seed, trained, FRESH, 1)],
    ['unseen heads of the same anatomies', scanOf(FRESH, trained, FRESH, 1)],
    ['the same with layers and shapes that vary more', scanOf(FRESH, trained, FRESH, 1, 'wide')],
    ...ANATOMIES.map(
      (anatomy) => [`unseen heads of ${anatomy}, unseen`, scanOf(FRESH, [anatomy], FRESH, 1)] as const,
    ),
  ]
  const passes = await shippedPasses()
  const cells: string[][] = []
  for (const [what, draw] of rows) {
    const errors = passes.map(() => ({ head: [] as number[], brain: [] as number[], level: [] as number[] }))
    for (let index = 0; index < HEADS; index++) {
      say(`${what}, ${index + 1} of ${HEADS}`)
      for (const [k, one] of (await errorsAfter(passes, await draw(index))).entries())
        for (const key of ['head', 'brain', 'level'] as const) errors[k]?.[key].push(one[key])
    }
    for (const [k, { head, brain, level }] of errors.entries())
      cells.push([
        what,
        String(k + 1),
        ...[percent(mean(head)), percent(mean(brain)), `${percent(mean(level))} ± ${percent(sd(level))}`],
      ])
  }
  for (const { network } of passes) await network.close()
  return {
    title: 'What it has seen, and what not',
    columns: ['scans', 'after pass', 'error in the head', 'in the brain', 'mean of the brain, off by'],
    rows: cells,
    notes: [
      `Means over ${HEADS} scans, whole, defaced or brains alone, in units of canonical white matter: curves are predicted from the image and applied to its mean without noise, which is compared with the truth. Passes after the first were trained on other scans, so that their rows of scans trained on are of scans that they have not seen; the last one on heads that vary more, too. Layers that vary more: cortex, white matter, scalp and skull thinner or thicker (data/generators/layers.ts). The brain of synthseg-05 is atrophied: 311 ml of cerebral cortex, where the other label maps have 402 to 610. ± SD over scans.`,
    ],
  }
}

/** Of the universal harmonizer, for what no harmonizer does: taking an image's noise-free mean through its curves. */
export async function shippedPasses(): Promise<readonly OpenedPass[]> {
  const { manifest, files } = await readBundle(shippedBundle('universal') as string)
  const graphs = CURVES_OF_PASS.map((name) => files[name] as Uint8Array)
  return openPasses(manifest.steps as readonly LocalToneModel[], graphs, 2)
}

/** Of each pass: error in the head and in the brain, and how far the mean of the brain is off. */
async function errorsAfter(
  passes: readonly OpenedPass[],
  { image, expected, target, brain, mask: given }: AnyScan,
): Promise<readonly { readonly head: number; readonly brain: number; readonly level: number }[]> {
  const mask = given ?? foregroundMask(image)
  const inBrain = mask.map((inside, v) => inside & (brain[v] as number))
  const found: { head: number; brain: number; level: number }[] = []
  let scan = { image, expected }
  for (const pass of passes) {
    scan = await afterPass(pass, scan, mask)
    found.push({
      head: mae(scan.expected, target, mask) / CANONICAL_LEVEL,
      brain: mae(scan.expected, target, inBrain) / CANONICAL_LEVEL,
      level: (moments(scan.expected, inBrain).mean - moments(target, inBrain).mean) / CANONICAL_LEVEL,
    })
  }
  return found
}
