/** `attune combat` with several columns of batches: files in, files out; in between, src/combat/steps.ts. */
import { readFile } from 'node:fs/promises'
import { balanceNotes } from '../combat/balance.ts'
import { type BatchStart, fittedBatches, parseStarts, startedBatches } from '../combat/batch-starts.ts'
import type { Note, SampleTable } from '../combat/data.ts'
import { type Explanation, explainCombat } from '../combat/explain.ts'
import { explainSteps, type StepsExplanation } from '../combat/explain-steps.ts'
import type { CombatModel } from '../combat/model.ts'
import { LEAST_ROWS_OF_NEW_BATCH } from '../combat/new-batch.ts'
import { isRepeated } from '../combat/repeated.ts'
import { SMOOTH_BASIS, type SmoothOptions } from '../combat/smooth.ts'
import {
  applySteps,
  type BatchColumn,
  type CombatSteps,
  fitSteps,
  isSteps,
  onceEach,
  parseCombatSteps,
} from '../combat/steps.ts'
import {
  biologyWithoutRole,
  chooseFeatures,
  codeLikeCovariates,
  featuresOf,
  idLikeFeatures,
  requireUniqueIds,
  samplesFor,
  samplesOf,
} from '../combat/table.ts'
import { ConfigError } from '../errors.ts'
import { type CellTable, readCells } from '../formats/tables/table.ts'
import { packageVersion } from '../package-root.ts'
import {
  type AppliedTable,
  type ApplyRequest,
  applyTable,
  type FitRequest,
  fitTable,
  readCombatModel,
  requireOutputs,
  requireOwnOptions,
  rolesOfAll,
  writeHarmonized,
  writeModel,
} from './combat-run.ts'

export interface AnyFitRequest extends Omit<FitRequest, 'starts' | 'smooth'> {
  /** Columns of batches, the outermost first where they are nested. */
  readonly columns: readonly string[]
  readonly nested: boolean
  /** `A@2021-06-01`. */
  readonly batchFrom: readonly string[]
  readonly dateColumn: string | null
  /** As the command line has it. */
  readonly smooth: SmoothWords
}

interface SmoothWords {
  readonly columns: readonly string[]
  readonly penalty: string | undefined
  readonly basis: number | undefined
}

interface StepsRequest extends Omit<FitRequest, 'starts'> {
  readonly columns: readonly string[]
  readonly nested: boolean
  readonly starts: ReadonlyMap<string, readonly BatchStart[]>
  readonly dateColumn: string | null
}

interface FittedSteps {
  readonly model: CombatSteps
  /** Of the table and the steps. */
  readonly notes: readonly Note[]
  /** How many features the table has. */
  readonly chosen: number
}

/** One column of batches, or several. @throws {ConfigError} for options that do not go together */
export async function combatFitAny({
  columns,
  nested,
  batchFrom,
  dateColumn,
  smooth: words,
  ...request
}: AnyFitRequest): Promise<Omit<FittedSteps, 'model'> & { readonly model: CombatModel | CombatSteps }> {
  if (batchFrom.length > 0 !== (dateColumn !== null))
    throw new ConfigError(
      dateColumn === null
        ? `--batch-from ${batchFrom[0]} has to know when each row was measured.`
        : `--date ${dateColumn} is for --batch-from, which is not given.`,
      dateColumn === null ? 'Name the column of dates: --date COLUMN.' : 'Give both or none.',
    )
  const smooth = smoothOptions(words)
  const starts = parseStarts(batchFrom, columns)
  if (columns.length > 1 || nested)
    return await combatFitSteps({ ...request, columns, nested, starts, dateColumn, smooth })
  const own = starts.get(columns[0] ?? '')
  return await fitTable({
    ...request,
    smooth,
    starts: own === undefined || dateColumn === null ? null : { dateColumn, starts: own },
  })
}

function smoothOptions({ columns, penalty, basis }: SmoothWords): SmoothOptions | null {
  if (columns.length === 0) {
    if (penalty === undefined && basis === undefined) return null
    throw new ConfigError(
      `${penalty === undefined ? '--smooth-basis' : '--smooth-penalty'} is given, and no column has a smooth effect.`,
      'Name it: --smooth COLUMN.',
    )
  }
  const named = penalty === undefined || penalty === 'reml' || penalty === 'gcv'
  return { columns, penalty: named ? (penalty ?? 'reml') : Number(penalty), basis: basis ?? SMOOTH_BASIS }
}

async function combatFitSteps({
  table: path,
  roles,
  out,
  output,
  columns: names,
  nested,
  starts,
  dateColumn,
  ...options
}: StepsRequest): Promise<FittedSteps> {
  const { variant } = options
  if (isRepeated(variant) || variant === 'covbat')
    throw new ConfigError(
      `--variant ${variant} takes one column of batches, and ${names.length} are named.`,
      'Put them together in one column of the table.',
    )
  requireOwnOptions(options, roles)
  await requireOutputs([path], [out, output])
  const table = await readCells(path)
  const others = [...names.slice(1), ...(dateColumn === null ? [] : [dateColumn])]
  const all = rolesOfAll(roles, others, options)
  const samples = samplesOf(table, all)
  const columns = names.map((name): BatchColumn => {
    const { batch } = samplesFor(table, name, [])
    const own = { dateColumn: dateColumn ?? '', starts: starts.get(name) ?? [] }
    return { name, batch: own.starts.length === 0 ? batch : fittedBatches(batch, name, own, table) }
  })
  const chosen = chooseFeatures(table, all)
  const features = featuresOf(table, chosen.names, samples.batch)
  const fitted = fitSteps(features, samples, columns, nested, {
    variant,
    compat: options.compat,
    reference: options.reference,
    singleRow: options.singleRow,
    ...(options.smooth === null ? {} : { smooth: options.smooth }),
    software: `attune ${packageVersion()}`,
  })
  const model: CombatSteps = {
    ...fitted.model,
    columns: names.map((name) => ({ name, starts: starts.get(name) ?? [] })),
    dateColumn,
    steps: fitted.model.steps.map((step, k) => ({
      ...step,
      notes: [...step.notes, ...balanceOf(table, all, samples, columns, nested, k, chosen.names)],
    })),
  }
  if (output !== undefined) await writeHarmonized(output, table, features, fitted.values)
  await writeModel(out, model)
  return {
    model,
    notes: onceEach([
      ...chosen.notes,
      ...codeLikeCovariates(samples),
      ...idLikeFeatures(features),
      ...model.steps.flatMap(({ notes }) => notes),
    ]),
    chosen: chosen.names.length,
  }
}

/** Of one step: the column that it takes out. Within an outer batch, people are those of one place. */
function balanceOf(
  table: CellTable,
  roles: FitRequest['roles'],
  samples: SampleTable,
  columns: readonly BatchColumn[],
  nested: boolean,
  step: number,
  features: readonly string[],
): readonly Note[] {
  const column = columns[nested ? 0 : step]
  if (column === undefined || (nested && step !== columns.length - 1)) return []
  const own = { ...samples, batchName: column.name, batch: column.batch }
  return balanceNotes(own, biologyWithoutRole(table, roles), features)
}

/** Of either kind of model. */
export async function combatApplyAny(request: ApplyRequest): Promise<AppliedTable> {
  const input = await stepsIn(request.model)
  if (input === null) return await applyTable(request)
  const { output, newBatch, least = LEAST_ROWS_OF_NEW_BATCH, newModel } = request
  await requireOutputs([request.model, request.table], [output, newModel])
  const model = parseCombatSteps(input, request.model)
  const table = await readCells(request.table)
  const columns = model.columns.map(({ name, starts }): BatchColumn => {
    const { batch } = samplesFor(table, name, [])
    const own = { dateColumn: model.dateColumn ?? '', starts }
    return { name, batch: starts.length === 0 ? batch : startedBatches(batch, name, own, table) }
  })
  const [first] = model.steps
  const samples = samplesFor(table, model.columns[0]?.name ?? '', first?.covariates ?? [])
  if (request.id !== null) requireUniqueIds(table, request.id)
  const features = featuresOf(table, first?.features ?? [], samples.batch)
  const applied = applySteps(model, features, samples, columns, newBatch === 'estimate' ? least : null)
  await writeHarmonized(output, table, features, applied.values)
  if (newModel !== undefined) await writeModel(newModel, applied.model)
  return {
    rows: features.rows,
    features: features.names.length,
    newBatches: applied.added,
    notes: applied.notes,
  }
}

/** Of either kind of model. */
export async function explainedModel(path: string): Promise<Explanation | StepsExplanation> {
  const input = await stepsIn(path)
  return explained(input === null ? await readCombatModel(path) : parseCombatSteps(input, path))
}

export function explained(model: CombatModel | CombatSteps): Explanation | StepsExplanation {
  return 'steps' in model ? explainSteps(model) : explainCombat(model)
}

/** What a file holds that says it is a model of several steps; null for any other, which `readCombatModel` judges. */
async function stepsIn(path: string): Promise<unknown> {
  try {
    const input: unknown = JSON.parse(await readFile(path, 'utf8'))
    return isSteps(input) ? input : null
  } catch {
    return null
  }
}
