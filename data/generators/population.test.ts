import { expect, it } from 'vitest'
import { random } from '../../src/kernels/random.ts'
import { changesOf, drawParticipant, POPULATION, siteScore, summed } from './population.ts'

const many = (score: number, confounding: number) => {
  const own = random(3)
  const population = { ...POPULATION, prevalence: 0.3, confounding }
  return Array.from({ length: 20_000 }, () => drawParticipant(own, population, score))
}
const share = (people: ReturnType<typeof many>): number =>
  people.filter(({ group }) => group === 'patient').length / people.length
const age = (people: ReturnType<typeof many>): number =>
  people.reduce((sum, person) => sum + person.age, 0) / people.length

it('without confounding every site has the same ages and prevalence', () => {
  for (const score of [-1, 0, 1]) {
    expect(share(many(score, 0))).toBeCloseTo(0.3, 1.7)
    expect(Math.abs(age(many(score, 0)) - 50)).toBeLessThan(0.5)
  }
})
it('confounding shifts mean age and prevalence of a site as stated', () => {
  const people = many(1, 0.6)
  expect(Math.abs(age(people) - (50 + 0.6 * 30))).toBeLessThan(0.5)
  expect(share(people)).toBeCloseTo(0.3 + 0.6 * 0.3, 1.7)
  expect(share(many(-1, 1))).toBe(0)
})
it('sites stand evenly from -1 to 1', () => {
  expect([0, 1, 2].map((i) => siteScore(i, 3))).toEqual([-1, 0, 1])
  expect(siteScore(0, 1)).toBe(0)
})
it('effects of age and group on one region add up', () => {
  const population = {
    ...POPULATION,
    ageEffects: [{ region: 'hippocampus', percent: -0.5 }],
    groupEffects: [{ region: 'hippocampus', percent: -10 }],
  } as const
  const person = { age: 70, sex: 'F', group: 'patient' } as const
  expect(summed(changesOf(person, population))).toEqual([{ region: 'hippocampus', percent: -20 }])
  expect(summed(changesOf({ ...person, age: 50, group: 'control' }, population))).toEqual([])
})
