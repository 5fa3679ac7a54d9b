/** `attune combat crossfit`: a table in, honest classifiers and a table harmonized fold by fold out. */
import { type Crossfitted, crossfitCombat, type Way } from '../combat/crossfit.ts'
import type { Note } from '../combat/data.ts'
import { cleanNames } from '../combat/table.ts'
import { ConfigError } from '../errors.ts'
import { writeFileAtomic } from '../files.ts'
import { packageVersion } from '../package-root.ts'
import { aligned } from '../report/aligned.ts'
import { fitterOf, type RoleArguments, readRoles, type VariantArguments } from './combat-roles.ts'
import { requireOutputs, writeHarmonized } from './combat-run.ts'

interface CrossfitRequest extends RoleArguments, VariantArguments {
  readonly table: string
  readonly label: string | undefined
  readonly subject: string | undefined
  readonly folds: number
  readonly seed: number
  readonly out: string
  readonly output: string | undefined
}

/** What `--out` holds. */
interface CrossfitFile extends Pick<Crossfitted, 'predicted' | 'ways' | 'notes'> {
  readonly kind: 'combat-crossfit'
  readonly version: 1
  readonly software: string
  readonly variant: string
  readonly batch: string
  readonly covariates: readonly string[]
  readonly folds: number
  readonly seed: number
  readonly features: number
  readonly rows: number
  /** Rows of each fold. */
  readonly foldRows: readonly number[]
}

export async function combatCrossfitRun(
  request: CrossfitRequest,
): Promise<{ readonly result: CrossfitFile; readonly notes: readonly Note[] }> {
  const { label, subject, folds, seed, out, output, variant } = request
  if (!Number.isInteger(seed)) throw new ConfigError(`--seed is ${seed}.`, 'Give a whole number.')
  await requireOutputs([request.table], [out, output])
  const { table, features, samples, notes } = await readRoles(
    request.table,
    request,
    label === undefined ? [] : [label],
    subject ?? null,
  )
  const found = crossfitCombat(features, samples, {
    folds,
    seed,
    fit: fitterOf(request),
    label: label === undefined ? null : { name: label, values: cleanNames(table, label) },
  })
  const result: CrossfitFile = {
    kind: 'combat-crossfit',
    version: 1,
    software: `attune ${packageVersion()}`,
    variant,
    batch: request.batch,
    covariates: request.covariate,
    folds,
    seed,
    features: features.names.length,
    rows: features.rows,
    foldRows: Array.from({ length: folds }, (_, fold) => found.foldOf.filter((own) => own === fold).length),
    predicted: found.predicted,
    ways: found.ways,
    notes: found.notes,
  }
  if (output !== undefined) await writeHarmonized(output, table, features, found.values)
  await writeFileAtomic(out, `${JSON.stringify(result)}\n`)
  return { result, notes: [...notes, ...found.notes] }
}

const WORDS: Readonly<Record<Way, string>> = {
  none: 'not harmonized',
  inside: 'fitted in training folds',
  fresh: 'fitted on other people',
  all: 'fitted on all rows (leaks)',
  'all-with-label': 'on all rows, class kept (leaks)',
}

export function crossfitText(
  { predicted, ways, folds, rows, features }: CrossfitFile,
  { out, output }: { readonly out: string; readonly output: string | undefined },
): readonly string[] {
  const percent = (value: number): string => `${(100 * value).toFixed(1)} %`
  const lines = ways.map(({ way, probe }) => [
    WORDS[way],
    percent(probe.balancedAccuracy),
    `${percent(probe.interval.low)} to ${percent(probe.interval.high)}`,
    `${percent(probe.chance.low)} to ${percent(probe.chance.high)}`,
    probe.p.toFixed(3),
    ...(probe.area === null ? [] : [probe.area.value.toFixed(3)]),
  ])
  const head = [
    'harmonized',
    'balanced accuracy',
    '95 % interval',
    'chance',
    'p',
    ...(ways[0]?.probe.area ? ['AUC'] : []),
  ]
  return [
    `${predicted} predicted from ${features} features of ${rows} rows, ${folds} folds`,
    '',
    ...aligned([head, ...lines], 'right'),
    '',
    'Report the line "fitted in training folds": the others do not hold for new people.',
    `${out}: the same as data`,
    ...(output === undefined ? [] : [`${output}: each row harmonized by the model that did not see it`]),
  ]
}
