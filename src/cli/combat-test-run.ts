/** `attune combat test`: a table in, tests out. */
import { applyCombat } from '../combat/apply.ts'
import type { Note } from '../combat/data.ts'
import { type Tested, testCovariate } from '../combat/inference.ts'
import { ConfigError } from '../errors.ts'
import { writeFileAtomic } from '../files.ts'
import { packageVersion } from '../package-root.ts'
import { aligned } from '../report/aligned.ts'
import { fitterOf, type RoleArguments, readRoles, type VariantArguments } from './combat-roles.ts'
import { requireOutputs } from './combat-run.ts'

interface TestRequest extends RoleArguments, VariantArguments {
  readonly table: string
  readonly of: string
  readonly permutations: number
  readonly seed: number
  readonly out: string | undefined
}

/** What `--out` holds. */
interface TestFile extends Tested {
  readonly kind: 'combat-test'
  readonly version: 1
  readonly software: string
  /** How the table of the naive test was harmonized. */
  readonly variant: string
  readonly covariates: readonly string[]
  readonly permutations: number
  readonly seed: number
}

export async function combatTestRun(
  request: TestRequest,
): Promise<{ readonly result: TestFile; readonly notes: readonly Note[] }> {
  const { of, permutations, seed, out, variant } = request
  if (!Number.isInteger(permutations) || permutations < 0)
    throw new ConfigError(`--permutations is ${permutations}.`, 'Give a whole number, or 0 for none.')
  if (!Number.isInteger(seed)) throw new ConfigError(`--seed is ${seed}.`, 'Give a whole number.')
  await requireOutputs([request.table], [out])
  const { features, samples, notes } = await readRoles(request.table, request)
  const fitModel = fitterOf(request)
  const tested = testCovariate(
    features,
    samples,
    (own, rows) => applyCombat(fitModel(own, rows), own, rows).values,
    { of, permutations, seed },
  )
  const result: TestFile = {
    kind: 'combat-test',
    version: 1,
    software: `attune ${packageVersion()}`,
    variant,
    covariates: request.covariate,
    permutations,
    seed,
    ...tested,
  }
  if (out !== undefined) await writeFileAtomic(out, `${JSON.stringify(result)}\n`)
  return { result, notes }
}

/** Features with smaller p-values than the rest, as lines of a terminal. */
const MOST_LINES = 20

export function testText(
  { of, columns, rows, batches, features, permutations }: TestFile,
  out: string | undefined,
): readonly string[] {
  const permuted = permutations > 0
  const ordered = features.toSorted((a, b) => (a.honest?.p ?? 2) - (b.honest?.p ?? 2))
  const head = [
    'feature',
    'estimate',
    'F',
    'p',
    'Holm',
    'FDR',
    'p unequal',
    'p naive',
    ...(permuted ? ['p permuted', 'family'] : []),
  ]
  const lines = ordered
    .slice(0, MOST_LINES)
    .map(({ feature, honest, unequal, naive, permuted: own }) => [
      feature,
      honest?.estimate === undefined || honest.estimate === null ? '-' : honest.estimate.toPrecision(3),
      honest === null ? '-' : honest.f.toFixed(2),
      ...[honest?.p, honest?.holm, honest?.fdr, unequal?.p, naive?.p].map(pText),
      ...(permuted ? [own?.p, own?.family].map(pText) : []),
    ])
  const below = (pick: (feature: (typeof features)[number]) => number | undefined): number =>
    features.filter((feature) => (pick(feature) ?? 1) < 0.05).length
  return [
    `${of} (${columns.join(', ')}): ${features.length} features, ${rows} rows, ${batches.length} batches`,
    `p below 0.05: ${below(({ honest }) => honest?.p)} honest, ${below(({ naive }) => naive?.p)} naive` +
      `${permuted ? `, ${below(({ permuted: own }) => own?.p)} permuted` : ''}; after Holm ${below(({ honest }) => honest?.holm)}, at a false discovery rate of 5 % ${below(({ honest }) => honest?.fdr)}`,
    '',
    ...aligned([head, ...lines], 'right'),
    ...(features.length > MOST_LINES ? [`and ${features.length - MOST_LINES} more: --out or --json`] : []),
    '',
    'Report the honest test (one model with batch and covariates) or the permuted one. The naive one, after harmonization, takes estimates for measurements.',
    ...(out === undefined ? [] : [`${out}: all features`]),
  ]
}

function pText(p: number | undefined): string {
  return p === undefined ? '-' : p < 0.001 ? p.toExponential(1) : p.toFixed(3)
}
