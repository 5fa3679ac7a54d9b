/** Time and memory of training `local-tone` on six people and three source scanners at 2 mm. Needs dist. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { simulateCohort } from '../data/generators/simulate.ts'
import { packageFile } from '../src/package-root.ts'
import { listEngines } from '../training/engine/engine.ts'
import { costOf } from './process-cost.ts'
import { fixed, publish, say } from './result.ts'
import { exists, trainingChoice, workplace } from './workplace.ts'

/** The reference engine, for tests; hours are no use to anybody. */
const LEFT_OUT = 'cpu'

export async function training(words: readonly string[]): Promise<void> {
  const { config } = trainingChoice(words)
  const folder = join(workplace, 'training-cohort')
  const cohort = join(folder, 'cohort.tsv')
  if (!(await exists(cohort))) {
    say('simulating')
    await simulateCohort(folder, { subjects: 6, scanners: 4, seed: 7, rescans: 0, overwrite: true })
  }
  const rows: string[][] = []
  for (const { name, available, detail } of await listEngines()) {
    if (!available || name === LEFT_OUT) continue
    say(name)
    const settings = join(workplace, 'training.json')
    await writeFile(settings, JSON.stringify(config))
    const out = join(workplace, 'training.harmonizer')
    const options = ['--engine', name, '--config', settings, '--out', out, '--overwrite', '--quiet']
    const command = ['train', cohort, '--target', 'scanner-A', ...options]
    const { wall, cpu, peak } = costOf([packageFile('dist/src/cli/main.js'), ...command])
    rows.push([name, detail, fixed(wall, 0), fixed(cpu, 0), fixed(peak, 0)])
  }
  await publish('training', 'attune train: local-tone, 6 subjects, 3 source scanners, 2 mm', words, [
    {
      columns: ['engine', 'version', 'wall, s', 'CPU, s', 'peak memory, MiB'],
      rows,
      notes: [
        `Steps: ${config.steps ?? 'the default of attune train'}. Reading scans and fitting weaker methods included.`,
      ],
    },
  ])
}
