/** `attune combat`: files in, files out; in between, src/combat. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { applyCombat } from '../combat/apply.ts'
import { balanceNotes } from '../combat/balance.ts'
import { type BatchStarts, fittedBatches, startedBatches } from '../combat/batch-starts.ts'
import { COVBAT_SHARE, type ComponentChoice, fitCovbat } from '../combat/covbat.ts'
import { type Features, listed, type Note, type SampleTable } from '../combat/data.ts'
import { fitCombat } from '../combat/fit.ts'
import { fitLongitudinal } from '../combat/longitudinal.ts'
import { type CombatModel, parseCombatModel } from '../combat/model.ts'
import { estimateNewBatches, LEAST_ROWS_OF_NEW_BATCH, type NewBatch } from '../combat/new-batch.ts'
import { type AnyVariant, isRepeated } from '../combat/repeated.ts'
import type { SmoothOptions } from '../combat/smooth.ts'
import {
  biologyWithoutRole,
  chooseFeatures,
  codeLikeCovariates,
  featuresOf,
  idLikeFeatures,
  type Roles,
  requireUniqueIds,
  rowsWith,
  samplesFor,
  samplesOf,
} from '../combat/table.ts'
import { fitTraveling } from '../combat/traveling.ts'
import type { Compat } from '../combat/variants.ts'
import { ConfigError, InputError } from '../errors.ts'
import { requireWritable, writeFileAtomic } from '../files.ts'
import { type CellTable, readCells, writeCells } from '../formats/tables/table.ts'
import { packageVersion } from '../package-root.ts'

export interface VariantRequest {
  readonly variant: AnyVariant
  readonly compat: Compat
  readonly reference: string | null
  readonly singleRow: 'mean-only' | 'refuse'
  /** Column of time: one more covariate, of `longitudinal`. */
  readonly time: string | null
  readonly shrink: boolean
  readonly residual: 'reml' | 'msr' | null
  /** Of the variance, or how many: components that `covbat` harmonizes. */
  readonly share: number | null
  readonly components: number | null
  readonly smooth: SmoothOptions | null
}

export interface FitRequest extends VariantRequest {
  readonly table: string
  readonly roles: Roles
  readonly out: string
  readonly output: string | undefined
  /** Batches that begin at a date. */
  readonly starts: BatchStarts | null
}

interface Fitted {
  readonly model: CombatModel
  /** Of the table, the fit and the application. */
  readonly notes: readonly Note[]
  /** How many features the table has. */
  readonly chosen: number
}

export async function fitTable({
  table: path,
  roles,
  out,
  output,
  starts,
  ...options
}: FitRequest): Promise<Fitted> {
  requireOwnOptions(options, roles)
  await requireOutputs([path], [out, output])
  const table = await readCells(path)
  const all = rolesOfAll(roles, starts === null ? [] : [starts.dateColumn], options)
  const given = samplesOf(table, all)
  const samples =
    starts === null ? given : { ...given, batch: fittedBatches(given.batch, roles.batch, starts, table) }
  const { names, notes } = chooseFeatures(table, all)
  const features = featuresOf(table, names, samples.batch)
  const fitted = fitVariant(features, samples, options)
  // Travelers tell people from scanners, whoever the people of a site are.
  const balance =
    options.variant === 'traveling' ? [] : balanceNotes(samples, biologyWithoutRole(table, all), names)
  const model = {
    ...fitted,
    ...(starts === null ? {} : { starts }),
    notes: [...fitted.notes, ...balance],
  }
  if (output !== undefined)
    await writeHarmonized(output, table, features, applyCombat(model, features, samples).values)
  await writeModel(out, model)
  return {
    model,
    notes: [...notes, ...codeLikeCovariates(samples), ...idLikeFeatures(features), ...model.notes],
    chosen: names.length,
  }
}

/** With the columns of other options; a covariate that is named as smooth or as time, too, is one. */
export function rolesOfAll(
  roles: Roles,
  others: readonly string[],
  { time, smooth }: Pick<VariantRequest, 'time' | 'smooth'>,
): Roles {
  const own = [...(smooth?.columns ?? []), ...(time === null ? [] : [time])]
  const covariates = [...roles.covariates.filter((name) => !own.includes(name)), ...own]
  return { ...roles, covariates, others }
}

export function fitVariant(features: Features, samples: SampleTable, options: VariantRequest): CombatModel {
  const { variant, compat, reference, singleRow, shrink, residual, smooth } = options
  const software = `attune ${packageVersion()}`
  switch (variant) {
    case 'traveling':
      return fitTraveling(features, samples, { shrink, reference, software })
    case 'longitudinal':
      return fitLongitudinal(features, samples, {
        method: residual ?? 'reml',
        reference,
        singleRow,
        software,
      })
    case 'covbat':
      return fitCovbat(features, samples, { ...covbatOf(options), compat, reference, singleRow, software })
    default:
      return fitCombat(features, samples, {
        variant,
        compat,
        reference,
        singleRow,
        ...(smooth === null ? {} : { smooth }),
        software,
      })
  }
}

function covbatOf({ share, components }: VariantRequest): { readonly components: ComponentChoice } {
  if (share !== null && components !== null)
    throw new ConfigError(
      '--covbat-variance and --covbat-components are both given.',
      'Leave one of them out.',
    )
  return { components: components === null ? { share: share ?? COVBAT_SHARE } : { count: components } }
}

/** @throws {ConfigError} for options that say nothing to the variant, and for a variant without its column of subjects */
export function requireOwnOptions(options: VariantRequest, { subject = null }: Roles): void {
  const { variant, time, shrink, residual, compat, share, components, smooth } = options
  if (smooth !== null && isRepeated(variant))
    throw new ConfigError(
      `--smooth ${smooth.columns.join(', ')}: --variant ${variant} estimates levels of people, which a curve over ${listed(smooth.columns)} would have to be told from.`,
      'Name the column with --covariate: a straight line.',
    )
  if (smooth !== null && variant === 'covbat')
    throw new ConfigError(
      `--smooth ${smooth.columns.join(', ')} does not go with --variant covbat.`,
      'Name the column with --covariate: a straight line.',
    )
  if (isRepeated(variant) && subject === null)
    throw new ConfigError(
      `--variant ${variant} has to know whose scans belong together.`,
      'Name the column: --subject COLUMN.',
    )
  const idle = [
    ...(subject !== null && !isRepeated(variant) ? ['--subject'] : []),
    ...(time !== null && variant !== 'longitudinal' ? ['--time'] : []),
    ...(!shrink && variant !== 'traveling' ? ['--no-eb'] : []),
    ...(residual !== null && variant !== 'longitudinal' ? ['--residual'] : []),
    ...(share !== null && variant !== 'covbat' ? ['--covbat-variance'] : []),
    ...(components !== null && variant !== 'covbat' ? ['--covbat-components'] : []),
    ...(compat !== null && isRepeated(variant) ? ['--compat'] : []),
  ]
  if (idle.length > 0)
    throw new ConfigError(
      `${idle.join(', ')} ${idle.length === 1 ? 'has' : 'have'} no meaning for --variant ${variant}.`,
      variant === 'eb' && idle.includes('--no-eb')
        ? 'Use --variant no-eb.'
        : 'Leave it out, or name the variant that you mean.',
    )
}

export interface ApplyRequest {
  readonly model: string
  readonly table: string
  readonly output: string
  readonly id: string | null
  readonly newBatch: 'refuse' | 'estimate'
  /** Rows that a new batch needs. */
  readonly least: number | undefined
  readonly newModel: string | undefined
}

export interface AppliedTable {
  readonly rows: number
  readonly features: number
  readonly newBatches: readonly NewBatch[]
  readonly notes: readonly Note[]
}

export async function applyTable(request: ApplyRequest): Promise<AppliedTable> {
  const { output, newBatch, least = LEAST_ROWS_OF_NEW_BATCH, newModel } = request
  if (!Number.isInteger(least) || least < 2)
    throw new ConfigError(`--new-batch-rows is ${least}.`, 'Give a whole number of 2 and more.')
  if (newModel !== undefined && newBatch !== 'estimate')
    throw new ConfigError(
      '--new-model is given without --new-batch estimate.',
      'Without it the model does not change.',
    )
  await requireOutputs([request.model, request.table], [output, newModel])
  const frozen = await readCombatModel(request.model)
  const table = await readCells(request.table)
  const given = samplesFor(table, frozen.batchColumn, frozen.covariates, frozen.repeated?.subjectColumn)
  const samples =
    frozen.starts === undefined
      ? given
      : { ...given, batch: startedBatches(given.batch, given.batchName, frozen.starts, table) }
  if (request.id !== null) requireUniqueIds(table, request.id)
  const features = featuresOf(table, frozen.features, samples.batch)
  const { model, added, notes } = extended(frozen, features, samples, newBatch, least)
  const applied = applyCombat(model, features, samples)
  await writeHarmonized(output, table, features, applied.values)
  if (newModel !== undefined) await writeModel(newModel, model)
  return {
    rows: features.rows,
    features: features.names.length,
    newBatches: added,
    notes: [...notes, ...applied.notes],
  }
}

function extended(
  model: CombatModel,
  features: Features,
  samples: SampleTable,
  newBatch: 'refuse' | 'estimate',
  least: number,
): ReturnType<typeof estimateNewBatches> {
  return newBatch === 'estimate'
    ? estimateNewBatches(model, features, samples, least)
    : { model, added: [], notes: [] }
}

/** @throws {InputError} when the file is missing, no JSON, or no ComBat model */
export async function readCombatModel(path: string): Promise<CombatModel> {
  let input: unknown
  try {
    input = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const reason =
      code === 'ENOENT' ? 'does not exist' : cause instanceof SyntaxError ? 'is not JSON' : String(cause)
    throw new InputError(`${path}: ${reason}.`, 'Give a file that attune combat fit wrote.', { cause })
  }
  return parseCombatModel(input, path)
}

export function writeModel(path: string, model: object): Promise<void> {
  return writeFileAtomic(path, `${JSON.stringify(model)}\n`)
}

/** In the form of the name: tabs for .tsv, commas for .csv, else as the table itself. */
export function writeHarmonized(
  path: string,
  table: CellTable,
  features: Features,
  values: Float64Array,
): Promise<void> {
  const delimiter = path.endsWith('.tsv') ? '\t' : path.endsWith('.csv') ? ',' : table.delimiter
  return writeCells(path, table.columns, rowsWith(table, features, values), delimiter)
}

export async function requireOutputs(
  inputs: readonly string[],
  outputs: readonly (string | undefined)[],
): Promise<void> {
  const places = inputs.map((path) => resolve(path))
  for (const path of outputs) {
    if (path === undefined) continue
    if (places.includes(resolve(path)))
      throw new ConfigError(
        `${path} would be overwritten: it is read, or written twice.`,
        'Give another name.',
      )
    places.push(resolve(path))
    await requireWritable(path)
  }
}
