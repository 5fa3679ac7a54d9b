/** One traveling subject from the universal start against three from scratch, on people that neither has seen. */
import { join } from 'node:path'
import { simulateCohort } from '../data/generators/simulate.ts'
import { pairsOf } from '../src/cohort/cohort.ts'
import { requireCohort } from '../src/cohort/manifest.ts'
import { loadHarmonizer } from '../src/harmonizer/harmonizer.ts'
import { forcedMapping } from '../src/harmonizer/unguarded.ts'
import { type TrainOptions, train } from '../training/train.ts'
import { pairError } from './pair-error.ts'
import { fixed, mean, percent, type Section, say } from './result.ts'
import { workplace } from './workplace.ts'

const SEED = 77_002
/** The shipped network has not seen the last two; who is tested comes from them. */
const ANATOMIES = ['synthseg-01', 'synthseg-02', 'synthseg-03', 'synthseg-05', 'synthseg-06'] as const
const TARGET = 'scanner-A'

export async function fineTuning(): Promise<Section> {
  const folder = join(workplace, 'universal-cohort')
  say('simulating five people on three scanners')
  const { manifest } = await simulateCohort(folder, {
    subjects: ANATOMIES.length,
    scanners: 3,
    seed: SEED,
    rescans: 0,
    voxelMm: 2.5,
    anatomies: ANATOMIES,
    overwrite: true,
  })
  const cohort = await requireCohort(manifest, { target: TARGET })
  const people = [...new Set(cohort.scans.map(({ subject }) => subject))].sort()
  const unseen = people.slice(3)
  const ways: readonly (readonly [string, number, Partial<TrainOptions>])[] = [
    ['tone', 1, { method: 'tone' }],
    ['local-tone from universal', 1, { from: 'universal' }],
    ['local-tone from universal', 3, { from: 'universal' }],
    ['local-tone from scratch', 1, { from: 'scratch' }],
    ['local-tone from scratch', 3, { from: 'scratch' }],
  ]
  const rows: string[][] = []
  for (const [name, travelers, change] of ways) {
    say(`${name}, ${travelers}`)
    const out = join(workplace, 'universal-fine-tuning.harmonizer')
    const began = performance.now()
    await train({
      cohort: manifest,
      target: TARGET,
      method: 'local-tone',
      out,
      overwrite: true,
      subjects: people.slice(0, travelers),
      ...change,
    })
    const seconds = (performance.now() - began) / 1000
    const harmonizer = await loadHarmonizer(out)
    const errors: number[] = []
    for (const pair of pairsOf(cohort, TARGET).filter(({ subject }) => unseen.includes(subject)))
      errors.push(await pairError(forcedMapping(harmonizer), pair))
    await harmonizer.close()
    rows.push([name, String(travelers), percent(mean(errors), 2), fixed(seconds, 0)])
  }
  return {
    title: 'Fine-tuning, on two people not trained on',
    columns: ['method', 'traveling subjects', 'MAE', 'training, s'],
    rows,
    notes: [`Seed ${SEED}, 2 source scanners, 2.5 mm; MAE in units of the robust range of the target.`],
  }
}
