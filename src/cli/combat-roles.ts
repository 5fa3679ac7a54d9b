/** What the commands that judge ComBat share: options that say which column is what, and the table read by them. */
import type { Argv } from 'yargs'
import type { Features, Note, SampleTable } from '../combat/data.ts'
import { chooseFeatures, featuresOf, type Roles, samplesOf } from '../combat/table.ts'
import { VARIANTS, type Variant } from '../combat/variants.ts'
import { type CellTable, readCells } from '../formats/tables/table.ts'
import { fitVariant, type VariantRequest } from './combat-run.ts'
import { NAMES } from './combat-shared.ts'
import type { CommonOptions } from './output.ts'

export interface RoleArguments extends CommonOptions {
  readonly batch: string
  readonly covariate: readonly string[]
  readonly categorical: readonly string[]
  readonly features: readonly string[]
  readonly id: string | undefined
}

/** Variants that need no people who came more than once. */
type Judged = Variant | 'covbat'
const JUDGED: readonly Judged[] = [...VARIANTS, 'covbat']

export interface VariantArguments {
  readonly variant: Judged
  readonly reference: string | undefined
}

export function roleOptions<T>(args: Argv<T>): Argv<T & RoleArguments> {
  return args
    .option('batch', { type: 'string', demandOption: true, describe: 'Column of batches: site, scanner' })
    .option('covariate', { ...NAMES, describe: 'Column whose effect is kept: age, sex (repeat the option)' })
    .option('categorical', { ...NAMES, describe: 'Covariate whose numbers are codes of names' })
    .option('features', {
      ...NAMES,
      describe: 'Columns of features, as a pattern with * [every other column of numbers]',
    })
    .option('id', {
      type: 'string',
      describe: 'Column of ids: not a feature, and no id may come twice',
    }) as Argv<T & RoleArguments>
}

export function variantOptions<T>(args: Argv<T>): Argv<T & VariantArguments> {
  return args
    .option('variant', {
      choices: JUDGED,
      default: 'eb' as const,
      describe: 'How location and scale are estimated',
    })
    .option('reference', { type: 'string', describe: 'Batch that the others are brought to' }) as Argv<
    T & VariantArguments
  >
}

export interface RoleTable {
  readonly table: CellTable
  readonly features: Features
  readonly samples: SampleTable
  readonly notes: readonly Note[]
}

/**
 * @param others columns that have a role of their own and are no features
 * @param subject column that says whose rows belong together
 */
export async function readRoles(
  path: string,
  options: RoleArguments,
  others: readonly string[] = [],
  subject: string | null = null,
): Promise<RoleTable> {
  const roles: Roles = {
    batch: options.batch,
    covariates: options.covariate,
    categorical: options.categorical,
    id: options.id ?? null,
    subject,
    features: options.features,
  }
  const table = await readCells(path)
  const samples = samplesOf(table, roles)
  const chosen = chooseFeatures(table, roles)
  const names = chosen.names.filter((name) => !others.includes(name))
  return { table, samples, features: featuresOf(table, names, samples.batch), notes: chosen.notes }
}

/** A request to fit without the options that only `fit` has. */
export function variantRequest({ variant, reference }: VariantArguments): VariantRequest {
  return {
    variant,
    compat: null,
    reference: reference ?? null,
    singleRow: 'mean-only',
    time: null,
    shrink: true,
    residual: null,
    share: null,
    components: null,
    smooth: null,
  }
}

/** Fits a model by the options of the command line. */
export function fitterOf(
  options: VariantArguments,
): (features: Features, samples: SampleTable) => ReturnType<typeof fitVariant> {
  const request = variantRequest(options)
  return (features, samples) => fitVariant(features, samples, request)
}
