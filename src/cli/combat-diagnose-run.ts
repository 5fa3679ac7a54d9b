/** `attune combat diagnose`: tables and a model in, diagnostics.json and diagnostics.html out. */
import { join } from 'node:path'
import { applyCombat } from '../combat/apply.ts'
import { balanceNotes } from '../combat/balance.ts'
import type { Features, SampleTable } from '../combat/data.ts'
import { diagnoseCombat } from '../combat/diagnose.ts'
import type { CombatModel } from '../combat/model.ts'
import { biologyWithoutRole, cleanNames, featuresOf, samplesFor } from '../combat/table.ts'
import { ConfigError, InputError } from '../errors.ts'
import type { CombatDiagnostics, Probe } from '../evidence/combat-diagnostics.ts'
import { writeFileAtomic } from '../files.ts'
import { type CellTable, readCells } from '../formats/tables/table.ts'
import { median } from '../kernels/median.ts'
import { packageVersion } from '../package-root.ts'
import { aligned } from '../report/aligned.ts'
import { renderDiagnostics } from '../report/combat-page.ts'
import { type RoleArguments, readRoles } from './combat-roles.ts'
import { readCombatModel, requireOutputs } from './combat-run.ts'

interface DiagnoseRequest extends RoleArguments {
  readonly before: string
  readonly after: string | undefined
  readonly model: string | undefined
  readonly label: string | undefined
  readonly subject: string | undefined
  readonly out: string
}

export async function combatDiagnoseRun(
  request: DiagnoseRequest,
): Promise<{ readonly diagnostics: CombatDiagnostics; readonly files: readonly string[] }> {
  const { label, subject, out } = request
  const files = ['diagnostics.html', 'diagnostics.json'].map((name) => join(out, name))
  const inputs = [request.before, request.after, request.model].filter((path) => path !== undefined)
  await requireOutputs(inputs, files)
  const model = request.model === undefined ? null : await readCombatModel(request.model)
  const person = subject ?? model?.repeated?.subjectColumn ?? null
  const own = await readRoles(request.before, request, label === undefined ? [] : [label], person)
  const { table, samples, notes } = own
  const before = model === null ? own.features : featuresOf(table, model.features, samples.batch)
  if (model !== null && model.batchColumn !== request.batch)
    throw new ConfigError(
      `${request.model}: was fitted with batches of "${model.batchColumn}", not "${request.batch}".`,
      `Name the same column: --batch ${model.batchColumn}.`,
    )
  const harmonized =
    request.after !== undefined
      ? {
          features: await sameRows(request.after, table, before, samples, request.id),
          from: 'table' as const,
        }
      : model === null
        ? null
        : { features: appliedTo(table, before, model), from: 'model' as const }
  const roles = {
    batch: request.batch,
    covariates: [...request.covariate, ...(label === undefined ? [] : [label])],
    categorical: request.categorical,
    id: request.id ?? null,
    subject: person,
    features: request.features,
  }
  const balance =
    model?.variant === 'traveling' // travelers tell people from scanners, whoever the people of a site are
      ? []
      : balanceNotes(samples, biologyWithoutRole(table, roles), before.names)
  const diagnostics = diagnoseCombat({
    before,
    after: harmonized,
    samples,
    model,
    label: label === undefined ? null : { name: label, values: cleanNames(table, label) },
    software: `attune ${packageVersion()}`,
    notes: [...notes, ...balance],
  })
  await writeFileAtomic(join(out, 'diagnostics.json'), `${JSON.stringify(diagnostics)}\n`)
  await writeFileAtomic(join(out, 'diagnostics.html'), renderDiagnostics(diagnostics))
  return { diagnostics, files }
}

function appliedTo(table: CellTable, before: Features, model: CombatModel): Features {
  const own = samplesFor(table, model.batchColumn, model.covariates, model.repeated?.subjectColumn)
  return { ...before, values: applyCombat(model, before, own).values }
}

/** @throws {InputError} when the harmonized table has other rows: another number, or other batches or ids in their places */
async function sameRows(
  path: string,
  table: CellTable,
  { names }: Features,
  { batch, batchName }: SampleTable,
  id: string | undefined,
): Promise<Features> {
  const after = await readCells(path)
  if (after.rows.length !== table.rows.length)
    throw new InputError(
      `${path}: has ${after.rows.length} rows, ${table.source} has ${table.rows.length}.`,
      'Give the harmonized table of the same rows, in the same order.',
    )
  for (const column of [batchName, ...(id === undefined ? [] : [id])]) {
    const [own, other] = [cleanNames(table, column), cleanNames(after, column)]
    const row = own.findIndex((name, k) => name !== other[k])
    if (row >= 0)
      throw new InputError(
        `${path}: "${column}" on line ${after.lines[row]} is not what ${table.source} has on line ${table.lines[row]}.`,
        'Give the harmonized table of the same rows, in the same order.',
      )
  }
  return featuresOf(after, names, batch)
}

export function diagnosisText(
  { batch, sites, siteVariance, siteProbe, effects, separation, harmonized }: CombatDiagnostics,
  files: readonly string[],
): readonly string[] {
  const two = (value: number | null | undefined): string =>
    value === null || value === undefined ? '-' : value.toFixed(2)
  const percent = (value: number | undefined): string =>
    value === undefined || Number.isNaN(value) ? '-' : `${(100 * value).toFixed(1)} %`
  const accuracy = (probe: Probe | null): string =>
    probe === null
      ? '-'
      : `${percent(probe.balancedAccuracy)} (chance ${percent(probe.chance.low)} to ${percent(probe.chance.high)})`
  const share = (which: 'before' | 'after'): string =>
    percent(median(siteVariance.flatMap((row) => row[which]?.location ?? [])))
  const ratio = (which: 'before' | 'after'): string =>
    two(median(separation?.fisher.flatMap((row) => row[which] ?? []) ?? []))
  const lines = [
    ['', 'before', ...(harmonized === null ? [] : ['after'])],
    [`variance by ${batch}, median`, share('before'), ...(harmonized === null ? [] : [share('after')])],
    [
      `${batch} named by a classifier`,
      accuracy(siteProbe.before),
      ...(harmonized === null ? [] : [accuracy(siteProbe.after)]),
    ],
    ...(separation === null
      ? []
      : [
          [
            `Fisher ratio of ${separation.label}, median`,
            ratio('before'),
            ...(harmonized === null ? [] : [ratio('after')]),
          ],
        ]),
  ]
  return [
    ...aligned(lines),
    ...(harmonized === null
      ? []
      : effects.map(({ column, kept }) => `effect of ${column} kept: ${two(kept)} of before`)),
    '',
    ...aligned(
      [
        [batch, 'rows', 'smallest shift, SD', 'smallest slope', 'smallest difference'],
        ...sites.map(({ name, rows, smallestShift, smallestSlope, smallestDifference }) => [
          name,
          String(rows),
          two(smallestShift),
          two(smallestSlope),
          two(smallestDifference),
        ]),
      ],
      'right',
    ),
    '',
    `${files[0]}: the page; ${files[1]}: the same as data`,
  ]
}
