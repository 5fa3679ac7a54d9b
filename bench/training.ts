/** Time and memory of training on six people and three source scanners. Needs dist. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { simulateCohort } from '../data/generators/simulate.ts'
import type { Method } from '../src/harmonizer/method.ts'
import { packageFile } from '../src/package-root.ts'
import { type EngineName, listEngines } from '../training/engine/engine.ts'
import { costOf } from './process-cost.ts'
import { fixed, publish, say } from './result.ts'
import { exists, trainingChoice, workplace } from './workplace.ts'

/** What is trained, on which engine, on voxels of how many mm; wasm is what runs where nothing is installed. */
const TRAININGS: readonly { readonly method: Method; readonly engine: EngineName; readonly mm: number }[] = [
  { method: 'local-tone', engine: 'native', mm: 2 },
  { method: 'residual-unet', engine: 'native', mm: 2 },
  { method: 'local-tone', engine: 'native', mm: 1 },
  { method: 'residual-unet', engine: 'native', mm: 1 },
  { method: 'local-tone', engine: 'wasm', mm: 2 },
]

export async function training(words: readonly string[]): Promise<void> {
  const { config } = trainingChoice(words)
  const engines = new Map((await listEngines()).map((engine) => [engine.name, engine]))
  const rows: string[][] = []
  for (const { method, engine, mm } of TRAININGS) {
    const found = engines.get(engine)
    if (!found?.available) continue
    say(`${method}, ${engine}, ${mm} mm`)
    const cohort = await cohortOf(mm)
    const settings = join(workplace, 'training.json')
    await writeFile(settings, JSON.stringify(config))
    const out = join(workplace, 'training.harmonizer')
    const options = ['--method', method, '--no-uncertainty', '--engine', engine, '--config', settings]
    const place = ['--target', 'scanner-A', '--out', out, '--overwrite']
    const command = ['train', cohort, ...options, ...place]
    const { wall, cpu, peak, said } = costOf([packageFile('dist/src/cli/main.js'), ...command])
    // of each network that was trained, one after the other
    const waited = [...said.matchAll(/waited (\d+) % of the time/g)].map(([, share]) => `${share} %`)
    const cost = [fixed(wall, 0), fixed(cpu, 0), fixed(peak, 0)]
    rows.push([method, `${mm} mm`, engine, found.detail, ...cost, waited.join(', ')])
    await publish('training', 'attune train: 6 subjects, 3 source scanners', words, [
      {
        columns: [
          ...['method', 'voxels', 'engine', 'version', 'wall, s', 'CPU, s', 'peak memory, MiB'],
          'engine waited',
        ],
        rows,
        notes: [
          `Steps: ${config.steps ?? 'the default of attune train'}. Reading scans and fitting weaker methods included. "waited": share of the steps' time in which the engine had nothing to compute, because crops and augmentation were not ready; of \`residual-unet\` for its first stage and for its network.`,
          'Goal at 2 mm: 10 minutes on 2 cores; waiting 10 % at most.',
        ],
      },
    ])
  }
}

async function cohortOf(mm: number): Promise<string> {
  const folder = join(workplace, `training-cohort-${mm}mm`)
  const cohort = join(folder, 'cohort.tsv')
  if (!(await exists(cohort))) {
    say('  simulating')
    const cohortOptions = { subjects: 6, scanners: 4, seed: 7, rescans: 0, overwrite: true }
    await simulateCohort(folder, { ...cohortOptions, voxelMm: mm })
  }
  return cohort
}
