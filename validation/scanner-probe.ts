/** Whether a classifier can still tell from which scanner an image comes. */
import type { ProbeResult, ScannerProbe } from '../src/evidence/evidence.ts'
import { classify, type Discriminant, fitDiscriminant } from '../src/kernels/discriminant.ts'
import { type Random, random } from '../src/kernels/random.ts'
import { SCAN_FEATURES } from '../src/metrics/scan-features.ts'
import type { FamilyOf } from './intervals.ts'

/** Fewer families leave too few people to learn from, and too few permutations. */
const LEAST_FAMILIES = 4
/** More people than this are held out in groups. */
const MOST_FOLDS = 10
/** The ends of the chance interval are then the 5th from either side (chosen: seconds for a hundred scans). */
const PERMUTATIONS = 200
const SEED = 1

/** One scan: its features (`scanFeatures`) as it was (`identity`), and as each method left it. */
export interface ProbedScan {
  readonly subject: string
  readonly domain: string
  readonly features: ReadonlyMap<string, Float64Array>
}

/**
 * Shrunk linear discriminant analysis on features of each scan, split by family: everybody is classified by a classifier that saw none
 * of their relatives. Its fit is in closed form, so a retrained one is at its optimum. Chance is what the same procedure finds
 * when the scanners' names are permuted among the scans of each person: that keeps how many scans of which scanner there are, and
 * what scans of one person share.
 *
 * Scans of the target scanner take part as they are. An accuracy within the chance interval says that this classifier finds
 * nothing; another could.
 *
 * @param scans every source scan with one entry per method, every target scan with the same features for all; a method that some
 *              scan lacks is left out
 * @see Golland, Fischl, IPMI, LNCS 2732:330-341 (2003), doi:10.1007/978-3-540-45087-0_28 (permutation of labels)
 */
export function scannerProbe(
  scans: readonly ProbedScan[],
  methods: readonly string[],
  familyOf: FamilyOf,
): ScannerProbe {
  const scanners = [...new Set(scans.map(({ domain }) => domain))].toSorted()
  const families = [...new Set(scans.map(({ subject }) => familyOf(subject)))].toSorted()
  const usable = SCAN_FEATURES.map((_, j) =>
    scans.every(({ features }) => [...features.values()].every((row) => Number.isFinite(row[j]))),
  )
  const facts = {
    scanners,
    scans: scans.length,
    families: families.length,
    features: SCAN_FEATURES.filter((_, j) => usable[j]),
  }
  if (families.length < LEAST_FAMILIES)
    return {
      ...facts,
      results: [],
      note: `${families.length} ${families.length === 1 ? 'family' : 'families'} of tested subjects: the classifier needs ${LEAST_FAMILIES} to learn from some and be tested on others.`,
    }
  if (scanners.length < 2)
    return { ...facts, results: [], note: 'One scanner: there is nothing to tell apart.' }
  const labels = scans.map(({ domain }) => scanners.indexOf(domain))
  const folds = scans.map(({ subject }) => families.indexOf(familyOf(subject)) % MOST_FOLDS)
  const people = groupsOf(scans.map(({ subject }) => subject))
  const rowsOf = (method: string): readonly Float64Array[] =>
    scans.map(({ features }) => (features.get(method) as Float64Array).filter((_, j) => usable[j]))
  const before = rowsOf('identity')
  const complete = methods.filter((method) => scans.every(({ features }) => features.has(method)))
  const results = complete.flatMap((method): ProbeResult[] => {
    const rows = rowsOf(method)
    const rng = random(SEED, `scanner probe ${method}`)
    const task = { rows, labels, folds, classes: scanners.length, people }
    const retrained: ProbeResult = { method, training: 'retrained', ...retrainedResult(task, rng) }
    if (method === 'identity') return [retrained]
    return [{ method, training: 'frozen', ...frozenResult(task, before, rng) }, retrained]
  })
  return { ...facts, results }
}

interface Task {
  readonly rows: readonly Float64Array[]
  readonly labels: readonly number[]
  /** Which scans are held out together. */
  readonly folds: readonly number[]
  readonly classes: number
  /** Indices of the scans of each person. */
  readonly people: readonly (readonly number[])[]
}

type Found = Pick<ProbeResult, 'accuracy' | 'chance' | 'p'>

/** Labels are permuted before training: the classifier is trained again each time. */
function retrainedResult(task: Task, rng: Random): Found {
  const accuracyOf = (labels: readonly number[]): number =>
    balancedAccuracy(predictions({ ...task, labels }, task.rows), labels, task.classes)
  return againstChance(accuracyOf(task.labels), task, rng, accuracyOf)
}

/** The classifiers are those of the images as they were; labels are permuted among what they are tested on. */
function frozenResult(task: Task, before: readonly Float64Array[], rng: Random): Found {
  const named = predictions(task, before)
  const accuracyOf = (labels: readonly number[]): number => balancedAccuracy(named, labels, task.classes)
  return againstChance(accuracyOf(task.labels), task, rng, accuracyOf)
}

/** What each row is called by a classifier trained on the `training` rows of the other folds. */
function predictions(
  { rows, labels, folds, classes }: Task,
  training: readonly Float64Array[],
): readonly number[] {
  const models = new Map<number, Discriminant>()
  for (const fold of new Set(folds)) {
    const others = folds.flatMap((other, i) => (other === fold ? [] : [i]))
    const model = fitDiscriminant(
      others.map((i) => training[i] as Float64Array),
      others.map((i) => labels[i] as number),
      classes,
    )
    models.set(fold, model)
  }
  return rows.map((row, i) => classify(models.get(folds[i] as number) as Discriminant, row))
}

/** Mean over classes of the share named right. */
function balancedAccuracy(named: readonly number[], labels: readonly number[], classes: number): number {
  const [right, all] = [new Float64Array(classes), new Float64Array(classes)]
  for (const [i, label] of labels.entries()) {
    all[label] = (all[label] as number) + 1
    if (named[i] === label) right[label] = (right[label] as number) + 1
  }
  return right.reduce((sum, n, k) => sum + n / (all[k] as number), 0) / classes
}

function againstChance(
  accuracy: number,
  { labels, people }: Task,
  rng: Random,
  accuracyOf: (labels: readonly number[]) => number,
): Found {
  const found = Array.from({ length: PERMUTATIONS }, () => accuracyOf(permuted(labels, people, rng)))
  const sorted = found.toSorted((a, b) => a - b)
  const at = (p: number): number => sorted[Math.round(p * (PERMUTATIONS - 1))] as number
  const asGood = found.filter((value) => value >= accuracy - 1e-12).length
  return { accuracy, chance: { low: at(0.025), high: at(0.975) }, p: (1 + asGood) / (1 + PERMUTATIONS) }
}

/** Fisher and Yates' shuffle within each group. */
function permuted(
  labels: readonly number[],
  groups: readonly (readonly number[])[],
  rng: Random,
): readonly number[] {
  const out = [...labels]
  for (const group of groups)
    for (let k = group.length - 1; k > 0; k--) {
      const [i, j] = [group[k] as number, group[rng.integer(k + 1)] as number]
      const kept = out[i] as number
      out[i] = out[j] as number
      out[j] = kept
    }
  return out
}

function groupsOf(keys: readonly string[]): readonly (readonly number[])[] {
  return [...new Set(keys)].map((key) => keys.flatMap((other, i) => (other === key ? [i] : [])))
}
