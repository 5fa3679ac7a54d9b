/** Where the samples of a step come from. Plain data, so that another thread can be told it and make them ahead. */
import type { LocalToneModel } from '../../src/inference/local-tone-model.ts'
import { random } from '../../src/kernels/random.ts'
import type { LatticePair } from './lattice-pairs.ts'
import { newSpace, type Space, storedPair } from './lattice-store.ts'
import { type Augmentation, drawSample, type Sample } from './samples.ts'

interface Drawing extends Augmentation {
  readonly seed: number
  /** Samples per step. */
  readonly batch: number
}

/** Pairs in memory, of several domains; the last of the model's is the reference. */
interface Pairs {
  readonly kind: 'pairs'
  readonly model: LocalToneModel
  readonly pairs: readonly LatticePair[]
  /** `identity`: share of samples whose source is the reference domain itself. */
  readonly drawing: Drawing & { readonly identity: number }
}

/** Simulated pairs on disk, of a single domain. */
interface Store {
  readonly kind: 'store'
  readonly model: LocalToneModel
  readonly store: string
  readonly key: string
  /** Number of pairs. */
  readonly total: number
  readonly drawing: Drawing
}

export type SampleSource = Pairs | Store

/** @returns the samples of a step, the same whenever and wherever they are asked for */
export function samplesOf(source: SampleSource): (step: number) => Promise<readonly Sample[]> {
  if (source.kind === 'pairs') return async (step) => drawFromPairs(source, step)
  const space = newSpace()
  // one step after the other, since they share the space
  let last: Promise<unknown> = Promise.resolve()
  return (step) => {
    const made = last.then(() => drawFromStore(source, space, step))
    last = made.catch(() => {})
    return made
  }
}

function drawFromPairs({ model, pairs, drawing }: Pairs, step: number): readonly Sample[] {
  const rng = random(drawing.seed, `step/${step}`)
  const reference = model.domains.length - 1
  return Array.from({ length: drawing.batch }, () => {
    const domain = rng.uniform() < drawing.identity ? reference : rng.integer(reference)
    const choices = pairs.filter((pair) => pair.domain === model.domains[domain])
    return drawSample(choices[rng.integer(choices.length)] as LatticePair, domain, model, drawing, rng)
  })
}

async function drawFromStore(
  { model, store, key, total, drawing }: Store,
  space: Space,
  step: number,
): Promise<readonly Sample[]> {
  const rng = random(drawing.seed, `universal step/${step}`)
  const samples: Sample[] = []
  for (let k = 0; k < drawing.batch; k++)
    samples.push(drawSample(await storedPair(store, rng.integer(total), key, space), 0, model, drawing, rng))
  return samples
}
