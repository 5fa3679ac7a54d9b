/**
 * How much of the error of `local-tone` is that of people it has not seen: trained on six others, and on the tested people themselves, which no
 * user can do. The difference is what more, or more varied, people could bring; the rest is that of curves.
 */
import { join } from 'node:path'
import { type Pair, pairsOf } from '../src/cohort/cohort.ts'
import { requireCohort } from '../src/cohort/manifest.ts'
import { loadHarmonizer } from '../src/harmonizer/harmonizer.ts'
import { closedMapping, forcedMapping, type Mapping } from '../src/harmonizer/unguarded.ts'
import { SCRATCH } from '../training/start.ts'
import { train } from '../training/train.ts'
import { pairError } from './pair-error.ts'
import { mean, percent, publish, say } from './result.ts'
import { TARGET, travelerPlans, travelers } from './travelers.ts'
import { workplace } from './workplace.ts'

const STARTS = [SCRATCH, 'universal'] as const

/** @param words none */
export async function people(words: readonly string[]): Promise<void> {
  const [plan] = await travelerPlans('test')
  if (plan === undefined) return
  const { cohort, test, learners } = await travelers(plan)
  const known = await requireCohort(cohort, { target: TARGET })
  const pairs = pairsOf(known, TARGET).filter(({ subject }) => test.includes(subject))
  const domains = [...new Set(pairs.map(({ source }) => source.domain))]
  const identity = await errorsOf(closedMapping({ kind: 'identity' }), pairs, domains)
  const rows = [['identity', '', '', ...identity]]
  for (const from of STARTS)
    for (const [who, subjects] of [
      ['six others', learners],
      ['the tested people themselves', test],
    ] as const) {
      say(`training from ${from} on ${who}`)
      const out = join(workplace, 'people.harmonizer')
      const asked = {
        cohort,
        target: TARGET,
        method: 'local-tone',
        out,
        overwrite: true,
        uncertainty: false,
      } as const
      await train({ ...asked, from, subjects })
      const harmonizer = await loadHarmonizer(out)
      rows.push(['local-tone', from, who, ...(await errorsOf(forcedMapping(harmonizer), pairs, domains))])
      await harmonizer.close()
    }
  await publish('people', 'What unseen people cost', words, [
    {
      title: 'Error left on the tested people',
      columns: ['method', 'start', 'trained on', ...domains],
      rows,
      notes: [
        `Seed ${plan.seed}; tested on two people of ${plan.test.join(' and ')}, first scan of each; MAE in units of the target's range (1st to 99th percentile). From scratch curves change by at most 1 % per mm, from universal 6 %.`,
      ],
    },
  ])
}

/** Of each domain, the mean over people. */
async function errorsOf(
  mapping: Mapping,
  pairs: readonly Pair[],
  domains: readonly string[],
): Promise<readonly string[]> {
  const found = new Map(domains.map((domain): [string, Map<string, number>] => [domain, new Map()]))
  for (const pair of pairs) {
    const own = found.get(pair.source.domain) as Map<string, number>
    if (own.has(pair.subject)) continue
    own.set(pair.subject, await pairError(mapping, pair))
  }
  return domains.map((domain) => percent(mean([...(found.get(domain) as Map<string, number>).values()]), 2))
}
