/**
 * Traveling-subject ComBat: people who were scanned on several scanners tell what belongs to the scanner from what belongs to the people of
 * a site, which no table of ordinary people can.
 *
 *     x = level of the person + covariates * slopes + sd * location of the scanner + root(scale of the scanner) * e
 *
 * @see Yamashita et al., PLoS Biol 17(4):e3000042 (2019), doi:10.1371/journal.pbio.3000042
 * @see Maikusa et al., Hum Brain Mapp 42:5278-5287 (2021), doi:10.1002/hbm.25615
 */
import { RefusedError, UnfittableError } from '../errors.ts'
import { shrinkByErrorsInPlace } from '../kernels/empirical-bayes.ts'
import {
  fitPaired,
  type PairedEstimates,
  pairedDesign,
  repeatedRows,
  varianceSolver,
} from '../kernels/paired-effects.ts'
import { type Coding, codedColumns, codingOf, columnNames } from './coding.ts'
import { counted, type Features, levelsOf, listed, type Note, type SampleTable } from './data.ts'
import { indicesOf } from './design.ts'
import { effectOf, modelOf, part, passedThrough, REASONS, requireFinite } from './fit.ts'
import { leaveTravelersOut } from './left-out.ts'
import { type BatchEffect, type CombatModel, toPerFeature } from './model.ts'
import { partsOf, peopleAmong, peopleOf, travelersOf } from './repeated.ts'

/**
 * Travelers at a scanner, or repeated scans there, from which its own noise is estimated; below, the noise of all scanners counts as one.
 * Chosen: a variance from 6 values (5 degrees of freedom) has a standard error of 63 %, which is already as much as scanners differ.
 */
const LEAST_FOR_SCALE = 6

const OWN_REASONS = {
  ...REASONS,
  explained: 'does not change within anyone: it belongs to people, not to scans',
  confounded: 'lacks so many values that travelers do not connect all batches in the rest',
}

export interface TravelingOptions {
  /** Whether features are drawn together. */
  readonly shrink: boolean
  readonly reference: string | null
  readonly software: string
}

/**
 * @throws {InputError} for rows without batch, subject or covariate, and infinite values
 * @throws {UnfittableError} without travelers, for one batch, an unknown reference, features of which none can be fitted
 * @throws {RefusedError} when travelers do not connect all batches, or a covariate changes with the scanner only
 */
export function fitTraveling(
  features: Features,
  samples: SampleTable,
  { shrink, reference, software }: TravelingOptions,
): CombatModel {
  requireFinite(features, samples)
  const { source, batch, batchName } = samples
  const { personOf, count: people } = peopleOf(samples)
  const batches = levelsOf(batch)
  const at = reference === null ? -1 : batches.indexOf(reference)
  if (reference !== null && at < 0)
    throw new UnfittableError(
      `${source}: the reference "${reference}" is no ${batchName}; there are ${listed(batches, 20)}.`,
      'Name one of these.',
    )
  const groupOf = indicesOf(batch, batches)
  const travelers = travelersOf(personOf, groupOf, people)
  requireConnected(samples, batches, groupOf, travelers)
  const { codings, kept } = ownCodings(samples, personOf)
  const notes: Note[] = kept.length === 0 ? [] : [keptNote(kept)]
  const columns = codedColumns(codings, samples)
  const always = (): boolean => true
  const repeaters = repeatedRows(personOf, always)
  const design = pairedDesign(repeaters, personOf, groupOf, batches.length, columns)
  if (design === null)
    throw new RefusedError(
      `${source}: ${listed(columnNames(codings), 10)} cannot be told from ${batchName} within the people who were scanned more than once.`,
      'Leave the covariate out: its effect between people stays with their own levels in any case.',
    )
  const scaled = batches.map((_, g) => enoughForScale(g, repeaters, personOf, groupOf))
  const solver = scaled.includes(true) ? varianceSolver(design, batches.length) : null
  const estimate = (usable: (row: number) => boolean, withScale: boolean): PairedEstimates =>
    fitPaired(
      features.values,
      personOf,
      groupOf,
      batches.length,
      columns,
      usable,
      at,
      withScale ? solver : null,
    )
  const estimates = estimate(always, true)
  if (at >= 0) relateScales(estimates, at)
  const fitted = estimates.state.filter((state) => state === 0).length
  notes.push(...passedThrough(estimates.state, features.names, OWN_REASONS))
  if (fitted === 0)
    throw new UnfittableError(
      `${source}: none of ${counted(features.names.length, 'feature')} can be harmonized.\n${notes.map(({ text }) => `  ${text}`).join('\n')}`,
      'Check that the columns hold measurements of the travelers.',
    )
  const drawn = shrink && fitted > 1 && design.freedom > 0
  if (shrink && !drawn)
    notes.push({
      code: 'no-empirical-bayes',
      text:
        design.freedom > 0
          ? 'One feature: it is fitted by itself, without empirical Bayes.'
          : 'The travelers leave no degree of freedom, so that their noise is unknown: locations are taken as measured, without empirical Bayes. Add travelers or repeats.',
    })
  notes.push(...scaleNotes(batchName, batches, scaled, solver !== null, estimates))
  const freedom = (g: number): number => solver?.freedom[g] ?? 0
  const effects = batches.map((name, g) =>
    scannerEffect(name, g, batch, estimates, scaled[g] === true, freedom(g), drawn, g === at),
  )
  const leftOut = leaveTravelersOut(features, samples, batches, groupOf, personOf, travelers, (usable) => {
    const rest = estimate(usable, false)
    const locations = batches.map(
      (name, g) => scannerEffect(name, g, batch, rest, false, 0, drawn, g === at).location,
    )
    return { locations, variance: rest.variance, slopes: rest.slopes, columns }
  })
  if (leftOut === null)
    notes.push({
      code: 'no-left-out-evidence',
      text: 'No traveler could be left out and the scanners still be connected by the others: there is no evidence of how well this works on people who were not in the fit.',
    })
  const found = { codings, estimates, batches: effects, notes }
  return {
    ...modelOf({ variant: 'traveling', compat: null, reference, software }, features, samples, found),
    repeated: {
      subjectColumn: samples.subject?.column ?? '',
      people,
      repeaters: peopleAmong(repeaters, personOf),
      travelers: travelers.length,
      shrunk: drawn,
      method: null,
      reliability: Array.from(estimates.mean, (mean) => (Number.isNaN(mean) ? null : 1)),
      within: toPerFeature(estimates.within),
      effects: effects.map(({ location }) => location),
      leftOut,
    },
  }
}

/** @throws {RefusedError} when batches fall into parts between which nobody traveled */
function requireConnected(
  { source, batch, batchName, subject }: SampleTable,
  batches: readonly string[],
  groupOf: Int32Array,
  travelers: readonly number[],
): void {
  if (batches.length < 2 || travelers.length === 0)
    throw new UnfittableError(
      `${source}: ${batches.length < 2 ? `"${batchName}" is "${batches[0] ?? ''}" in every row` : `nobody ("${subject?.column}") was scanned at two and more ${batchName}s`}.`,
      'This variant learns from people who were scanned on several scanners. For others there is --variant eb.',
    )
  const parts = partsOf(batches.length, groupOf, subject?.of ?? [])
  const different = levelsOf(parts.map(String))
  if (different.length < 2) return
  const named = different.map((part) => {
    const own = batches.filter((_, g) => String(parts[g]) === part)
    const rows = batch.filter((name) => own.includes(name)).length
    return `${listed(own)} (${counted(rows, 'row')})`
  })
  throw new RefusedError(
    `${source}: nobody was scanned both at ${named.join(' and at ')}: what differs between these cannot be told from their people.`,
    `Leave the rows of such a ${batchName} out, or scan travelers there.`,
  )
}

/** Covariates that change within people are estimated; those that do not belong to the people's own levels, and stay with them. */
function ownCodings(
  samples: SampleTable,
  personOf: Int32Array,
): { readonly codings: readonly Coding[]; readonly kept: readonly string[] } {
  const changes = samples.covariates.filter(({ values }) => {
    const first = new Map<number, number | string>()
    return [...personOf].some((person, row) => {
      const value = values[row] ?? ''
      const before = first.get(person)
      if (before === undefined) first.set(person, value)
      return before !== undefined && !Object.is(before, value)
    })
  })
  return {
    codings: codingOf({ ...samples, covariates: changes }),
    kept: samples.covariates.filter((covariate) => !changes.includes(covariate)).map(({ name }) => name),
  }
}

function keptNote(kept: readonly string[]): Note {
  return {
    code: 'covariate-of-people',
    text: `${listed(kept, 10)} ${kept.length === 1 ? 'does' : 'do'} not change within anyone, and so ${kept.length === 1 ? 'stays' : 'stay'} with the people's own levels: nothing has to be estimated for it.`,
  }
}

function enoughForScale(
  group: number,
  repeaters: Int32Array,
  personOf: Int32Array,
  groupOf: Int32Array,
): boolean {
  const here = repeaters.filter((row) => groupOf[row] === group)
  const people = peopleAmong(here, personOf)
  return people >= LEAST_FOR_SCALE || here.length - people >= LEAST_FOR_SCALE
}

function scaleNotes(
  batchName: string,
  batches: readonly string[],
  scaled: readonly boolean[],
  solved: boolean,
  { state, scale, features }: PairedEstimates,
): readonly Note[] {
  const pooled = batches.filter((_, g) => !scaled[g])
  if (pooled.length === batches.length || solved === false)
    return [
      {
        code: 'pooled-scale',
        text:
          pooled.length === batches.length
            ? `Locations alone are taken out: no ${batchName} has ${LEAST_FOR_SCALE} travelers or ${LEAST_FOR_SCALE} repeated scans, from which its own noise could be estimated.`
            : `Locations alone are taken out: people with one scan at each of two ${batchName}s do not show which of the two is noisier. Repeated scans or a third ${batchName} would.`,
      },
    ]
  const notes: Note[] =
    pooled.length === 0
      ? []
      : [
          {
            code: 'pooled-scale',
            text: `Fewer than ${LEAST_FOR_SCALE} travelers and repeated scans at ${listed(pooled)}: the noise there counts as that of all, and the location alone is taken out.`,
            batches: pooled,
          },
        ]
  batches.forEach((batch, g) => {
    if (!scaled[g]) return
    const without = [...state.keys()].filter((f) => state[f] === 0 && Number.isNaN(scale[g * features + f]))
    if (without.length > 0)
      notes.push({
        code: 'no-scale-in-batch',
        text: `The noise of ${counted(without.length, 'feature')} at ${batchName} ${batch} could not be told from that of the others; the location alone is taken out there.`,
        batches: [batch],
      })
  })
  return notes
}

/** Noise over that of the reference, where it is known. */
function relateScales({ features, scale }: PairedEstimates, reference: number): void {
  const own = part(scale, reference, features).slice()
  for (let k = 0; k < scale.length; k++) {
    const to = own[k % features] ?? Number.NaN
    if (!Number.isNaN(to)) scale[k] = (scale[k] ?? Number.NaN) / to
  }
}

function scannerEffect(
  name: string,
  g: number,
  batch: readonly string[],
  { features, location, error, scale, mean }: PairedEstimates,
  scaled: boolean,
  freedom: number,
  shrink: boolean,
  isReference: boolean,
): BatchEffect {
  const measured = part(location, g, features)
  const measuredScale = scaled ? part(scale, g, features) : new Float64Array(features).fill(Number.NaN)
  const own = measured.slice()
  const ownScale = measuredScale.slice()
  const prior =
    shrink && !isReference
      ? shrinkByErrorsInPlace(own, part(error, g, features), ownScale, freedom)
      : {
          locationMean: Number.NaN,
          locationVariance: Number.NaN,
          scaleMean: Number.NaN,
          scaleVariance: Number.NaN,
        }
  for (let f = 0; f < features; f++)
    if (!Number.isNaN(mean[f]) && (isReference || Number.isNaN(ownScale[f]))) ownScale[f] = 1
  const rows = batch.filter((other) => other === name).length
  return effectOf(
    name,
    rows,
    prior,
    { location: measured, scale: measuredScale },
    { location: own, scale: ownScale },
  )
}
