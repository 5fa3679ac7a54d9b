/** Whether a classifier can tell batches, or classes of interest, from the features: cross-validated, against chance. */
import type { Probe } from '../evidence/combat-diagnostics.ts'
import { balancedAccuracy, balancedAccuracyInterval, classCounts } from '../kernels/balanced-accuracy.ts'
import { componentRows } from '../kernels/component-rows.ts'
import { classify, type Discriminant, fitDiscriminant } from '../kernels/discriminant.ts'
import { type Random, random } from '../kernels/random.ts'
import { rankedSeparation } from '../kernels/ranked-separation.ts'

/** Chosen: covariances of 50 components are estimated from a hundred rows, and 200 permutations of a thousand rows take seconds. */
const MOST_COMPONENTS = 50
/** The ends of the chance interval are then the 5th from either side (chosen, as in the scanner probe of validation reports). */
const PERMUTATIONS = 200

export interface ProbeTask {
  readonly rows: number
  /** What the classifier of a fold sees: all rows, as `Features.values`; it is trained on those outside of the fold. */
  readonly table: (fold: number) => Float64Array
  /** Fold of each row; -1 leaves the row out. */
  readonly foldOf: Int32Array
  readonly folds: number
  /** Which rows the classifier of a fold may learn from, of those outside of it; all, where it is not given. */
  readonly learnsFrom?: (fold: number, row: number) => boolean
  /** Class of each row. */
  readonly labels: Int32Array
  readonly classes: readonly string[]
  /** Rows of each person: classes are permuted between people, or between the scans of one who has several classes. */
  readonly people: readonly (readonly number[])[]
  readonly seed: number
}

/**
 * Linear discriminant analysis with a shrunk covariance (Ledoit and Wolf) on the leading components of the training rows. What other
 * classifiers tune by an inner loop of cross-validation, its shrinkage, follows from the training rows in closed form; scaling and
 * components come from these rows too. So nothing of a held-out row has any part in what judges it, as in a nested cross-validation.
 * Chance is what the same procedure reaches when classes are permuted and classifiers trained again.
 *
 * An accuracy within chance says that this linear classifier finds nothing; another could.
 * @see Golland, Fischl, IPMI, LNCS 2732:330-341 (2003), doi:10.1007/978-3-540-45087-0_28 (permutation of labels)
 */
export function probeClasses(task: ProbeTask): Probe {
  const { rows, foldOf, folds, labels, classes, seed, learnsFrom = () => true } = task
  const people = task.people.map((own) => own.filter((row) => (foldOf[row] ?? -1) >= 0))
  const prepared = Array.from({ length: folds }, (_, fold): Prepared => {
    const training: number[] = []
    const held: number[] = []
    foldOf.forEach((own, row) => {
      if (own === fold) held.push(row)
      else if (own >= 0 && learnsFrom(fold, row)) training.push(row)
    })
    return { training, held, points: componentRows(task.table(fold), rows, training, MOST_COMPONENTS) }
  })
  const judged = [...foldOf.keys()].filter((row) => (foldOf[row] ?? -1) >= 0)
  const countsOf = (own: Int32Array) => {
    const { named } = heldOut(prepared, own, classes.length)
    const of = (values: ArrayLike<number>): readonly number[] => judged.map((row) => values[row] ?? 0)
    return classCounts(of(named), of(own), classes.length)
  }
  const counts = countsOf(labels)
  const accuracy = balancedAccuracy(counts)
  const rng = random(seed, 'probe')
  const drawn = Array.from({ length: PERMUTATIONS }, () =>
    balancedAccuracy(countsOf(permutedLabels(labels, people, rng))),
  ).sort((a, b) => a - b)
  const at = (share: number): number => drawn[Math.round(share * (PERMUTATIONS - 1))] ?? Number.NaN
  return {
    rows: judged.length,
    folds,
    balancedAccuracy: accuracy,
    interval: balancedAccuracyInterval(counts),
    chance: {
      low: at(0.025),
      mean: drawn.reduce((sum, value) => sum + value, 0) / PERMUTATIONS,
      high: at(0.975),
    },
    p: (1 + drawn.filter((value) => value >= accuracy - 1e-12).length) / (1 + PERMUTATIONS),
    classes: classes.map((name, k) => ({ name, rows: counts.rows[k] ?? 0, right: counts.right[k] ?? 0 })),
    area: classes.length === 2 ? areaOf(heldOut(prepared, labels, 2).scores, labels, judged) : null,
  }
}

interface Prepared {
  readonly training: readonly number[]
  readonly held: readonly number[]
  readonly points: readonly Float64Array[]
}

/** Class given to each row by the classifier of its fold; with two classes, by how much the second wins. */
function heldOut(
  prepared: readonly Prepared[],
  labels: Int32Array,
  classes: number,
): { readonly named: Int32Array; readonly scores: Float64Array } {
  const named = new Int32Array(labels.length)
  const scores = new Float64Array(labels.length)
  for (const { training, held, points } of prepared) {
    const point = (row: number): Float64Array => points[row] ?? new Float64Array(0)
    const model = fitDiscriminant(
      training.map(point),
      training.map((row) => labels[row] ?? 0),
      classes,
    )
    for (const row of held) {
      named[row] = classify(model, point(row))
      scores[row] = scoreOf(model, 1, point(row)) - scoreOf(model, 0, point(row))
    }
  }
  return { named, scores }
}

function scoreOf({ weights }: Discriminant, k: number, point: Float64Array): number {
  const own = weights[k] ?? new Float64Array(point.length + 1)
  return point.reduce((sum, value, j) => sum + value * (own[j] ?? 0), own[point.length] ?? 0)
}

function areaOf(scores: Float64Array, labels: Int32Array, judged: readonly number[]): Probe['area'] {
  const of = (k: number): readonly number[] =>
    judged.filter((row) => labels[row] === k).map((row) => scores[row] ?? 0)
  const { area, error } = rankedSeparation(of(1), of(0))
  return { value: area, low: Math.max(0, area - 1.96 * error), high: Math.min(1, area + 1.96 * error) }
}

/** Fisher and Yates' shuffle: of whole people with one class each, and of the scans of each who has several. */
function permutedLabels(labels: Int32Array, people: readonly (readonly number[])[], rng: Random): Int32Array {
  const out = labels.slice()
  const single = people.filter((rows) => rows.every((row) => labels[row] === labels[rows[0] ?? 0]))
  const alone = new Set(single)
  const order = single.map((rows) => labels[rows[0] ?? 0] ?? 0)
  shuffle(order, rng)
  single.forEach((rows, k) => {
    for (const row of rows) out[row] = order[k] ?? 0
  })
  for (const rows of people) {
    if (alone.has(rows)) continue
    const own = rows.map((row) => labels[row] ?? 0)
    shuffle(own, rng)
    rows.forEach((row, k) => {
      out[row] = own[k] ?? 0
    })
  }
  return out
}

function shuffle(values: number[], rng: Random): void {
  for (let k = values.length - 1; k > 0; k--) {
    const j = rng.integer(k + 1)
    const kept = values[k] ?? 0
    values[k] = values[j] ?? 0
    values[j] = kept
  }
}
