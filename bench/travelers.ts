/** Digital traveling subjects at 2 mm for benches of accuracy: who is trained on, who is tested, and on which seeds. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AnatomyName } from '../data/generators/anatomy.ts'
import { PARAMETERS_PATH } from '../data/generators/bids.ts'
import type { SimulationOptions } from '../data/generators/options.ts'
import { simulateCohort } from '../data/generators/simulate.ts'
import { ConfigError } from '../src/errors.ts'
import { packageFile } from '../src/package-root.ts'
import { SCRATCH } from '../training/start.ts'
import type { TrainOptions } from '../training/train.ts'
import { readUniversalRun } from '../training/universal-run.ts'
import { say } from './result.ts'
import { codeHash, exists, workplace } from './workplace.ts'

export interface CohortPlan {
  /** Of heads, scanners and noise. */
  readonly seed: number
  /** Base anatomy of each training subject. */
  readonly training: readonly AnatomyName[]
  /** Of each test subject; those come first in a cohort, since the first ones are scanned twice. */
  readonly test: readonly AnatomyName[]
}

export const TARGET = 'scanner-A'

/** @param seeds `test`, or `tuning`: those on which settings are chosen */
export async function travelerPlans(seeds: string): Promise<readonly CohortPlan[]> {
  if (seeds !== 'test' && seeds !== 'tuning')
    throw new ConfigError(`--seeds ${seeds} is not possible.`, 'Choose test or tuning.')
  const text = await readFile(packageFile(`bench/seeds/${seeds}.json`), 'utf8')
  return (JSON.parse(text) as { readonly cohorts: readonly CohortPlan[] }).cohorts
}

/** Where training starts: from scratch where the universal network has seen an anatomy that is tested, else as `attune train` does. */
export async function startFor(test: readonly AnatomyName[]): Promise<Pick<TrainOptions, 'from'>> {
  const { anatomies } = await readUniversalRun('universal-t1w')
  return test.some((anatomy) => anatomies.includes(anatomy)) ? { from: SCRATCH } : {}
}

/** Heads of `anatomies`, those of `test` among them first and scanned twice, with 3 to 6 lesions. */
export function travelerOptions(
  seed: number,
  test: readonly AnatomyName[],
  anatomies: readonly AnatomyName[],
): Omit<SimulationOptions, 'scanners'> {
  const subjects = anatomies.length
  return {
    subjects,
    seed,
    lesions: [3, 6],
    rescans: 1,
    rescannedSubjects: test.length,
    anatomies,
    overwrite: true,
  }
}

/** Three source scanners beside the target, 3 to 6 lesions a head. What was simulated before is read. */
export async function travelers({ seed, training, test }: CohortPlan): Promise<{
  readonly cohort: string
  readonly test: readonly string[]
  readonly learners: readonly string[]
}> {
  const anatomies = [...test, ...training]
  const names = anatomies.map((_, i) => `sub-${String(i + 1).padStart(2, '0')}`)
  const code = await codeHash('data/generators')
  const folder = join(workplace, `travelers-${seed}-${code}`)
  if (!(await exists(join(folder, PARAMETERS_PATH)))) {
    say(`simulating cohort ${seed}`)
    await simulateCohort(folder, { ...travelerOptions(seed, test, anatomies), scanners: 4 })
  }
  return {
    cohort: join(folder, 'cohort.tsv'),
    test: names.slice(0, test.length),
    learners: names.slice(test.length),
  }
}
