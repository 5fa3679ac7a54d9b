/**
 * The last pass of a universal harmonizer: one curve for the whole image. Passes of local curves leave an error that is the same
 * everywhere: how bright fluid and grey matter come out depends on how much of them there is. This network reads where single tissues
 * stand instead (parts/even-blocks.ts), from many heads of very different composition, which costs it little: a scan is a
 * few hundred numbers to it. See docs/decisions/0018-tone-pass.md.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describeBox } from '../src/harmonizer/result-guard.ts'
import { evaluateCurve } from '../src/kernels/monotone.ts'
import { SAMPLED } from './parts/samples.ts'
import { type TrainedTone, toneCurve } from './parts/tone-curve.ts'
import {
  type LeftScan,
  readExample,
  type ToneExample,
  toneExample,
  writeExample,
} from './parts/tone-examples.ts'
import type { ToneStepOptions } from './parts/tone-steps.ts'
import { unlikeness } from './parts/unlikeness.ts'
import { type HarmonizedScan, showsOf } from './universal-guards.ts'

/** Settings of the last pass, and the heads that it alone has seen. */
export interface ToneSettings extends ToneStepOptions {
  readonly heads: number
  readonly scansPerHead: number
}

/** Where scans are kept, and what ties them to what they were made of. */
export interface ExamplePlace {
  readonly key: string
  readonly store: string
}

/** Of scans that are not in the store yet, examples are made and put there. */
export async function toneExamples(
  total: number,
  scanAt: (index: number) => Promise<LeftScan>,
  level: number,
  { key, store }: ExamplePlace,
  onScan: (done: number, total: number) => void = () => {},
): Promise<readonly ToneExample[]> {
  await mkdir(store, { recursive: true })
  const examples: ToneExample[] = []
  for (let index = 0; index < total; index++) {
    const path = join(store, `scan-${String(index).padStart(5, '0')}.json`)
    const kept = await readExample(path, key)
    const example = kept ?? toneExample(await scanAt(index), level)
    if (kept === undefined) await writeExample(path, key, example)
    examples.push(example)
    onScan(index + 1, total)
  }
  return examples
}

/** What guards are drawn up from: the examples through their curves. */
export function harmonizedExamples(
  trained: TrainedTone,
  examples: readonly ToneExample[],
): readonly HarmonizedScan[] {
  const { knots } = trained.model
  return examples.flatMap(({ features, box, ml }) => {
    const curve = { knots, values: toneCurve(trained, features) }
    const values = box.values.map((value) => evaluateCurve(curve, value))
    const descriptors = describeBox({ shape: SAMPLED, values, mask: box.mask })
    const own = unlikeness(features, trained.likeness)
    return descriptors ? [{ shows: showsOf(ml), descriptors, unlikeness: own }] : []
  })
}
