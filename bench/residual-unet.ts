/** What `residual-unet` gains over its first stage on people of other anatomies, and what it costs in noise and lesions. */
import { join } from 'node:path'
import type { Evidence, Metric } from '../src/evidence/evidence.ts'
import { packageVersion } from '../src/package-root.ts'
import { figureOf } from '../src/report/words.ts'
import { train } from '../training/train.ts'
import { pairedFidelity } from '../validation/paired-fidelity.ts'
import { fixed, percent, publish, say } from './result.ts'
import { type CohortPlan, startFor, TARGET, travelerPlans, travelers } from './travelers.ts'
import { trainingChoice, workplace } from './workplace.ts'

const METHODS = ['zscore', 'tone', 'local-tone', 'residual-unet'] as const

export async function residualUnet(words: readonly string[]): Promise<void> {
  const choice = trainingChoice(words)
  const rows: string[][] = []
  for (const plan of await travelerPlans(choice.seeds)) {
    const evidence = await evidenceOf(plan, choice)
    rows.push(...rowsOf(plan.seed, evidence))
    // the table so far: a cohort takes minutes
    await publish(
      'residual-unet',
      `residual-unet on digital people, ${choice.seeds} seeds`,
      words,
      [
        {
          columns: [
            ...['seed', 'scanner', 'method', 'MAE', 'floor', 'removed', 'SSIM'],
            ...['noise / target', 'noise / source after tone', 'lesions kept', '10th percentile'],
          ],
          rows,
          notes: [
            `Trained on six people, 2 mm, 3 source scanners, 3 to 6 lesions a head; tested on two of another anatomy. Steps of the U-Net: ${choice.config.steps ?? 'the default'}; of \`local-tone\`, its first stage: the default, from scratch where the universal network has seen the anatomy that is tested. "removed" is the share of the error that zscore leaves above the scan-rescan floor.`,
          ],
        },
      ],
      choice.seeds === 'test' ? 'residual-unet' : 'residual-unet-tuning',
    )
  }
}

async function evidenceOf(
  plan: CohortPlan,
  { engine, config }: ReturnType<typeof trainingChoice>,
): Promise<Evidence> {
  const { cohort, test, learners } = await travelers(plan)
  const out = join(workplace, `residual-unet-${plan.seed}.harmonizer`)
  say(`${plan.seed}: training`)
  const start = await startFor(plan.test)
  const options = { cohort, target: TARGET, method: 'residual-unet', out, overwrite: true } as const
  let last = 0
  await train({ ...options, ...start, engine, config, subjects: learners }, (event) => {
    if (event.stage !== 'steps' || (event.step < last + 100 && event.step < event.steps)) return
    last = event.step === event.steps ? 0 : event.step
    say(`  step ${event.step} of ${event.steps}, loss ${event.loss.toFixed(4)}`)
  })
  say('  validating')
  return pairedFidelity({
    bundle: out,
    cohort,
    subjects: test,
    command: 'npm run bench -- residual-unet',
    date: new Date().toISOString().slice(0, 10),
    attune: packageVersion(),
  })
}

function rowsOf(seed: number, evidence: Evidence): string[][] {
  const value = (domain: string, method: string, metric: Metric): number | undefined =>
    figureOf(evidence, domain, method, metric)?.value
  return evidence.design.domains.flatMap((domain) => {
    const [floor, start] = [value(domain, 'rescan', 'mae'), value(domain, 'zscore', 'mae')]
    return METHODS.map((method) => {
      const mae = value(domain, method, 'mae')
      const removed =
        mae === undefined || floor === undefined || start === undefined
          ? undefined
          : (start - mae) / (start - floor)
      const kept = evidence.lesions
        .filter((lesion) => lesion.domain === domain && lesion.visible)
        .flatMap(({ kept: of }) => of[method] ?? [])
        .toSorted((a, b) => a - b)
      const at = (share: number): number | undefined => kept[Math.floor(share * (kept.length - 1))]
      return [
        ...[String(seed), domain, method, percent(mae, 2), percent(floor, 2), percent(removed, 0)],
        fixed(value(domain, method, 'ssim'), 3),
        fixed(value(domain, method, 'noise-ratio-target'), 2),
        fixed(value(domain, method, 'noise-ratio-source'), 2),
        ...[fixed(at(0.5), 2), fixed(at(0.1), 2)],
      ]
    })
  })
}
