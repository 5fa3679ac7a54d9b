/**
 * Several columns of batches, one ComBat after the other. In sequence: each column in the order given, on what the ones before left (Nested
 * ComBat). Within each other: the innermost first, each brought to the batch around it; the outermost last.
 *
 * @see Horng et al., Sci Rep 12:4493 (2022), doi:10.1038/s41598-022-08412-9
 */
import * as z from 'zod'
import { ConfigError, InputError } from '../errors.ts'
import { applyCombat } from './apply.ts'
import type { BatchStart } from './batch-starts.ts'
import { type Features, levelsOf, type Note, type SampleTable } from './data.ts'
import { type FitOptions, fitCombat } from './fit.ts'
import { type CombatModel, parseCombatModel } from './model.ts'
import { estimateNewBatches, type NewBatch } from './new-batch.ts'

/** Changes when the meaning of a field does. */
const COMBAT_STEPS_VERSION = 1

export interface CombatSteps {
  readonly kind: 'combat-steps'
  readonly version: typeof COMBAT_STEPS_VERSION
  readonly software: string
  /** Whether each column lies within the one before. */
  readonly nested: boolean
  /** Columns of batches as they were given, the outermost first where they are nested, and which of their batches begin at a date. */
  readonly columns: readonly { readonly name: string; readonly starts: readonly BatchStart[] }[]
  readonly dateColumn: string | null
  /** In the order in which they are applied. */
  readonly steps: readonly CombatModel[]
}

/** One column of batches. */
export interface BatchColumn {
  readonly name: string
  readonly batch: readonly string[]
}

/** What is the batch of one step. */
interface Step {
  readonly samples: SampleTable
  /** Where the step brings batches to those around them. */
  readonly within: readonly string[] | null
}

/** Batches of each step, in the order of application. */
export function stepsOf(
  samples: SampleTable,
  columns: readonly BatchColumn[],
  nested: boolean,
): readonly Step[] {
  if (!nested)
    return columns.map(({ name, batch }) => ({
      samples: { ...samples, batchName: name, batch },
      within: null,
    }))
  const depths = columns.map((_, depth) => ({
    name: columns
      .slice(0, depth + 1)
      .map(({ name }) => name)
      .join('/'),
    batch: samples.batch.map((__, row) => pathOf(columns.slice(0, depth + 1), row)),
  }))
  return depths
    .map(({ name, batch }, depth) => ({
      samples: { ...samples, batchName: name, batch },
      within: depths[depth - 1]?.batch ?? null,
    }))
    .toReversed()
}

/** `A/Prisma`; a slash within a name is written %2F, so that no two paths are the same. */
function pathOf(columns: readonly BatchColumn[], row: number): string {
  return columns
    .map(({ batch }) => (batch[row] ?? '').replaceAll('%', '%25').replaceAll('/', '%2F'))
    .join('/')
}

export interface StepsFit {
  readonly model: CombatSteps
  /** The harmonized table, as `Features.values`. */
  readonly values: Float64Array
}

/**
 * @param samples its batches are not used
 * @throws {ConfigError} for less than two columns, a reference, columns that say the same, and nesting where there is none
 * @throws as `fitCombat`, for any step
 */
export function fitSteps(
  features: Features,
  samples: SampleTable,
  columns: readonly BatchColumn[],
  nested: boolean,
  options: Omit<FitOptions, 'within'>,
): StepsFit {
  requireColumns(columns, nested, options, samples)
  const steps: CombatModel[] = []
  let values = features.values
  for (const step of stepsOf(samples, columns, nested)) {
    const here = { ...features, values }
    const model = fitCombat(here, step.samples, {
      ...options,
      ...(step.within === null ? {} : { within: step.within }),
    })
    values = applyCombat(model, here, step.samples).values
    steps.push(model)
  }
  return {
    model: {
      kind: 'combat-steps',
      version: COMBAT_STEPS_VERSION,
      software: options.software,
      nested,
      columns: columns.map(({ name }) => ({ name, starts: [] })),
      dateColumn: null,
      steps,
    },
    values,
  }
}

function requireColumns(
  columns: readonly BatchColumn[],
  nested: boolean,
  { reference }: Pick<FitOptions, 'reference'>,
  { source }: SampleTable,
): void {
  if (columns.length < 2)
    throw new ConfigError(
      `${source}: there is one column of batches, and ${nested ? 'nesting' : 'a sequence'} takes two and more.`,
      'Name them from the outside to the inside: --batch site --batch scanner.',
    )
  if (reference !== null)
    throw new ConfigError(
      `The reference "${reference}" stays as it is in one column of batches, and is changed by the others.`,
      'Leave --reference out, or harmonize one column.',
    )
  const paths = columns.map((_, depth) =>
    columns[0]?.batch.map((__, row) => pathOf(columns.slice(nested ? 0 : depth, depth + 1), row)),
  )
  columns.forEach(({ name }, depth) => {
    const before = paths.slice(0, depth).findIndex((other) => sameParts(other ?? [], paths[depth] ?? []))
    if (before >= 0)
      throw new ConfigError(
        `${source}: "${name}" ${nested ? 'has one value within each' : 'divides the rows as'} "${columns[before]?.name}" does.`,
        'Leave one of these columns out.',
      )
  })
}

function sameParts(a: readonly string[], b: readonly string[]): boolean {
  const pairs = levelsOf(a.map((name, row) => JSON.stringify([name, b[row]]))).length
  return pairs === levelsOf(a).length && pairs === levelsOf(b).length
}

export interface StepsApplied {
  readonly values: Float64Array
  /** With new batches, where they were to be estimated. */
  readonly model: CombatSteps
  readonly added: readonly NewBatch[]
  readonly notes: readonly Note[]
}

/**
 * @param columns those of the model, in its order
 * @param least   rows that a new batch needs; null: new batches are refused
 * @throws as `applyCombat` and `estimateNewBatches`, and {ConfigError} for new batches of a nested model
 */
export function applySteps(
  model: CombatSteps,
  features: Features,
  samples: SampleTable,
  columns: readonly BatchColumn[],
  least: number | null,
): StepsApplied {
  if (least !== null && model.nested)
    throw new ConfigError(
      '--new-batch estimate takes a new batch for one of all, and this model has batches within others.',
      'Fit again with the new rows.',
    )
  const added: NewBatch[] = []
  const notes: Note[] = []
  let values = features.values
  const steps = stepsOf(samples, columns, model.nested).map((step, k) => {
    const here = { ...features, values }
    let own = model.steps[k] as CombatModel
    if (least !== null) {
      const extended = estimateNewBatches(own, here, step.samples, least)
      own = extended.model
      added.push(...extended.added)
      notes.push(...extended.notes)
    }
    const applied = applyCombat(own, here, step.samples)
    values = applied.values
    notes.push(...applied.notes)
    return own
  })
  return { values, model: { ...model, steps }, added, notes: onceEach(notes) }
}

/** Every step notes what it sees; covariates beyond their range are the same for all. */
export function onceEach(notes: readonly Note[]): readonly Note[] {
  const seen = new Set<string>()
  return notes.filter(({ text }) => !seen.has(text) && seen.add(text))
}

const schema = z.strictObject({
  kind: z.literal('combat-steps'),
  version: z.literal(COMBAT_STEPS_VERSION),
  software: z.string(),
  nested: z.boolean(),
  columns: z
    .array(
      z.strictObject({
        name: z.string(),
        starts: z.array(z.strictObject({ batch: z.string(), from: z.iso.date() })),
      }),
    )
    .min(2),
  dateColumn: z.string().nullable(),
  steps: z.array(z.unknown()),
})

/** Whether a file says that it holds several steps; what it holds is then for `parseCombatSteps` to judge. */
export function isSteps(input: unknown): boolean {
  return z.looseObject({ kind: z.literal('combat-steps') }).safeParse(input).success
}

/** @throws {InputError} when it is no model of several steps, or one of its steps is none */
export function parseCombatSteps(input: unknown, source: string): CombatSteps {
  const result = schema.safeParse(input)
  if (!result.success)
    throw new InputError(
      `${source}: is not a ComBat model of several columns:\n${z.prettifyError(result.error)}`,
      'Give a file that attune combat fit wrote, with the version of attune that wrote it.',
    )
  const steps = result.data.steps.map((step, k) => parseCombatModel(step, `${source}, step ${k + 1}`))
  if (steps.length !== result.data.columns.length)
    throw new InputError(
      `${source}: has ${result.data.columns.length} columns of batches and ${steps.length} steps.`,
      'The file was changed after attune wrote it: fit again.',
    )
  return { ...result.data, steps }
}
