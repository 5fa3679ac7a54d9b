/** Who the heads are: age, sex and group, how much of the anatomy follows from them, and how they are spread over sites. */
import type { Random } from '../../src/kernels/random.ts'
import type { RegionChange, RegionName } from './region-change.ts'

export interface RegionEffect {
  readonly region: RegionName
  /** Change of its volume in percent: per year of age from the middle of the age range, or of patients against controls. */
  readonly percent: number
}

export interface Population {
  /** Ages are drawn evenly from it, years. */
  readonly ages: readonly [youngest: number, oldest: number]
  /** Share of patients. */
  readonly prevalence: number
  /**
   * How much age and group go with the site, 0 to 1. Sites stand at scores z from -1 (first) to 1 (last): the mean age of a site is the middle of
   * the range + confounding z half the range, its share of patients prevalence + confounding z min(prevalence, 1 - prevalence).
   */
  readonly confounding: number
  readonly ageEffects: readonly RegionEffect[]
  readonly groupEffects: readonly RegionEffect[]
}

export const POPULATION: Population = {
  ages: [20, 80],
  prevalence: 0.5,
  confounding: 0,
  ageEffects: [],
  groupEffects: [],
}

export interface Participant {
  /** Years, to a tenth. */
  readonly age: number
  readonly sex: 'F' | 'M'
  readonly group: 'control' | 'patient'
}

/** Score of site `index` of `count`, from -1 to 1; 0 where there is one. */
export function siteScore(index: number, count: number): number {
  return count === 1 ? 0 : (2 * index) / (count - 1) - 1
}

/** @param score of the participant's site; 0 where all sites see everyone */
export function drawParticipant(random: Random, population: Population, score: number): Participant {
  const { ages, prevalence, confounding } = population
  const [youngest, oldest] = ages
  const place = (1 - confounding) * random.uniform() + (confounding * (score + 1)) / 2
  const share = prevalence + confounding * score * Math.min(prevalence, 1 - prevalence)
  return {
    age: Math.round(10 * (youngest + place * (oldest - youngest))) / 10,
    group: random.uniform() < share ? 'patient' : 'control',
    sex: random.uniform() < 0.5 ? 'F' : 'M',
  }
}

/** What age, group and `everyone`'s changes do to each region: their percentages add up. */
export function changesOf(
  { age, group }: Participant,
  { ages, ageEffects, groupEffects }: Population,
): readonly RegionChange[] {
  const years = age - (ages[0] + ages[1]) / 2
  return [
    ...ageEffects.map(({ region, percent }) => ({ region, percent: percent * years })),
    ...(group === 'patient' ? groupEffects : []),
  ]
}

/** One change for each region. */
export function summed(changes: readonly RegionChange[]): readonly RegionChange[] {
  const total = new Map<string, RegionChange>()
  for (const change of changes) {
    const key = JSON.stringify(change.region)
    total.set(key, { ...change, percent: change.percent + (total.get(key)?.percent ?? 0) })
  }
  return [...total.values()].filter(({ percent }) => percent !== 0)
}
