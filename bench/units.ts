/** `band-unet` on digital bodies: what it brings nearer to the reference, and whether means, activity and extremes stay. */
import { join } from 'node:path'
import { simulateBodies } from '../data/generators/simulate-bodies.ts'
import type { Evidence, Metric } from '../src/evidence/evidence.ts'
import { packageVersion } from '../src/package-root.ts'
import { figureOf } from '../src/report/words.ts'
import { train } from '../training/train.ts'
import { pairedFidelity } from '../validation/paired-fidelity.ts'
import { fixed, percent, publish, type Section, say } from './result.ts'
import { trainingChoice, workplace } from './workplace.ts'

/** Pixels in mm: as fine as two cores train in minutes. */
const VOXEL = { ct: 2.5, pet: 3 } as const
const SUBJECTS = 4
const TEST = ['sub-03', 'sub-04']
const SEED = 11

export async function units(words: readonly string[]): Promise<void> {
  const { engine, config } = trainingChoice(words)
  const sections: Section[] = []
  for (const modality of ['ct', 'pet'] as const) {
    const folder = join(workplace, `bodies-${modality}`)
    say(`${modality}: simulating`)
    const cohort = await simulateBodies(folder, {
      ...{ modality, subjects: SUBJECTS, scanners: 4, seed: SEED, voxelMm: VOXEL[modality] },
    })
    const bundle = join(workplace, `${modality}.harmonizer`)
    const started = performance.now()
    await train(
      {
        ...{
          cohort,
          target: `${modality}-A`,
          method: 'band-unet',
          out: bundle,
          overwrite: true,
          engine,
          config,
        },
        excludeSubjects: TEST,
      },
      (event) => {
        if (event.stage === 'steps' && event.step % 50 === 0)
          say(`  step ${event.step} of ${event.steps}, loss ${event.loss.toFixed(4)}`)
      },
    )
    const minutes = (performance.now() - started) / 60_000
    const evidence = await pairedFidelity({
      ...{ bundle, cohort, command: 'npm run bench -- units', attune: packageVersion() },
      date: new Date().toISOString().slice(0, 10),
    })
    sections.push(...sectionsOf(modality.toUpperCase(), evidence, minutes))
    // the table so far: a modality takes minutes
    await publish('units', 'band-unet on digital bodies', words, sections)
  }
}

function sectionsOf(title: string, evidence: Evidence, minutes: number): readonly Section[] {
  const { domains } = evidence.design
  const value = (domain: string, method: string, metric: Metric): number | undefined =>
    figureOf(evidence, domain, method, metric)?.value
  const first: Section = {
    title: `${title}: two people never trained on`,
    columns: ['scanner', 'MAE before', 'MAE after', 'SSIM before', 'SSIM after', 'noise / target'],
    rows: domains.map((domain) => [
      domain,
      percent(value(domain, 'identity', 'mae'), 2),
      percent(value(domain, 'band-unet', 'mae'), 2),
      fixed(value(domain, 'identity', 'ssim'), 3),
      fixed(value(domain, 'band-unet', 'ssim'), 3),
      fixed(value(domain, 'band-unet', 'noise-ratio-target'), 2),
    ]),
    notes: [
      `Trained on two people in ${minutes.toFixed(1)} minutes. MAE in % of the reference's range; the target has its own noise, so that none reaches 0.`,
    ],
  }
  const gates: Section = {
    title: `${title}: gates`,
    columns: ['gate', 'status', 'found'],
    rows: evidence.gates
      .filter(({ id }) => ['noise', 'regions', 'activity', 'extremes'].includes(id))
      .map(({ title: name, status, finding }) => [name, status, finding]),
  }
  const suv = (evidence.units ?? []).flatMap(({ domain, subject, suv: found }) =>
    found === undefined
      ? []
      : [
          [
            ...[subject, domain],
            ...[found.max, found.peak].flatMap(({ before, after }) => [
              before.toFixed(2),
              percent(after / before - 1),
            ]),
          ],
        ],
  )
  const peaks: Section = {
    title: `${title}: SUVmax and SUVpeak`,
    columns: ['person', 'scanner', 'SUVmax before', 'change', 'SUVpeak before', 'change'],
    rows: suv,
  }
  return suv.length === 0 ? [first, gates] : [first, gates, peaks]
}
