/** Error of the universal harmonizer on what it was trained on, and on scanners, heads and anatomies that it has not seen: what it lacks. */

import type { AnatomyName } from '../data/generators/anatomy.ts'
import { type AnyScan, drawAnyHead, scanAnyHead } from '../data/generators/any-head.ts'
import { readBundle } from '../src/harmonizer/bundle.ts'
import { CURVES_OF_PASS } from '../src/harmonizer/networks.ts'
import { shippedBundle } from '../src/harmonizer/shipped.ts'
import { throughCurves } from '../src/inference/curves.ts'
import { type LocalTone, openLocalTone } from '../src/inference/local-tone.ts'
import { ANY_DOMAIN, type LocalToneModel } from '../src/inference/local-tone-model.ts'
import { random } from '../src/kernels/random.ts'
import { mae } from '../src/metrics/mae.ts'
import { foregroundMask } from '../src/volume/mask.ts'
import { toFloat32, volumeOf } from '../src/volume/volume.ts'
import { readUniversalRun } from '../training/universal-run.ts'
import { percent, type Section, say } from './result.ts'
import { ANATOMIES } from './universal-heads.ts'

/** Of heads and scans that training has not drawn. */
const FRESH = 77_003
const HEADS = 20
const CANONICAL_WHITE = 1000

interface Pass {
  readonly model: LocalToneModel
  readonly network: LocalTone
}

/** One scan of the head at `index`. */
type Draw = (index: number) => Promise<AnyScan>

export async function unseen(): Promise<Section> {
  const run = await readUniversalRun('universal-t1w')
  const trained = run.anatomies as readonly AnatomyName[]
  const scanOf =
    (seed: number, anatomies: readonly AnatomyName[], scanSeed: number, perHead: number): Draw =>
    async (index) => {
      const head = await drawAnyHead(seed, index, anatomies)
      return scanAnyHead(head, random(scanSeed, `any scan ${index * perHead}`))
    }
  const rows: readonly (readonly [string, Draw])[] = [
    ['scans trained on', scanOf(run.seed, trained, run.seed, run.scansPerHead)],
    ['the same heads on unseen scanners', scanOf(run.seed, trained, FRESH, 1)],
    ['unseen heads of the same anatomies', scanOf(FRESH, trained, FRESH, 1)],
    ['unseen heads of unseen anatomies', scanOf(FRESH, ANATOMIES, FRESH, 1)],
  ]
  const passes = await openPasses()
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
      `Means over ${HEADS} scans, whole, defaced or brains alone, in units of canonical white matter: curves are predicted from the image and applied to its mean without noise, which is compared with the truth. The second pass was trained on other scans than the first, so that its first row is of scans that it has not seen. ± SD over scans.`,
    ],
  }
}

async function openPasses(): Promise<readonly Pass[]> {
  const { manifest, files } = await readBundle(shippedBundle('universal') as string)
  return Promise.all(
    manifest.steps.map(async (model, k) => ({
      model: model as LocalToneModel,
      network: await openLocalTone(
        model as LocalToneModel,
        files[CURVES_OF_PASS[k] as string] as Uint8Array,
        {
          threads: 2,
        },
      ),
    })),
  )
}

/** Of each pass: error in the head and in the brain, and how far the mean of the brain is off. */
async function errorsAfter(
  passes: readonly Pass[],
  { image, expected, target, brain, mask: given }: AnyScan,
): Promise<readonly { readonly head: number; readonly brain: number; readonly level: number }[]> {
  const mask = given ?? foregroundMask(image)
  const inBrain = mask.map((inside, v) => inside & (brain[v] as number))
  const found: { head: number; brain: number; level: number }[] = []
  let [seen, clean] = [image, volumeOf(image, expected)]
  for (const { model, network } of passes) {
    const curves = await network.curvesFor(seen, mask, ANY_DOMAIN)
    clean = volumeOf(image, throughCurves(model, clean, curves))
    seen = volumeOf(image, throughCurves(model, seen, curves))
    const values = toFloat32(clean)
    found.push({
      head: mae(values, target, mask) / CANONICAL_WHITE,
      brain: mae(values, target, inBrain) / CANONICAL_WHITE,
      level: (meanIn(values, inBrain) - meanIn(target, inBrain)) / CANONICAL_WHITE,
    })
  }
  return found
}

function meanIn(x: Float32Array, mask: Uint8Array): number {
  return mean([...x.filter((_, v) => mask[v] !== 0)])
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function sd(values: readonly number[]): number {
  const middle = mean(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1))
}
