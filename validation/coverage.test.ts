import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Evidence } from '../src/evidence/evidence.ts'
import { parseEvidence } from '../src/evidence/schema.ts'
import { type UncertaintyResult, uncertaintyResultSchema } from '../src/evidence/uncertainty.ts'
import { loadHarmonizer } from '../src/harmonizer/harmonizer.ts'
import { renderMarkdown } from '../src/report/markdown.ts'
import { toFloat32 } from '../src/volume/volume.ts'
import { temporaryFolder } from '../test/fixtures/nifti.ts'
import { gainCohort, scanWithGain } from '../test/gain-cohort.ts'
import { train } from '../training/train.ts'
import { pairedFidelity } from './paired-fidelity.ts'
import { uncertaintyGates } from './uncertainty-gates.ts'

const row = (place: string, covered: number, share = 0.2) => ({
  ...{ place, covered, share, people: 6, halfWidth: 0.05, error: 0.02 },
})
const good: UncertaintyResult = {
  ...{ level: 0.9, calibratedOn: 6, calibrated: true, people: 6, families: 6 },
  rows: [row('overall', 0.9), row('tissue 1', 0.88), row('edges', 0.86), row('lesions', 0.81)],
  ...{ spearman: 0.35, rescan: 0.02 },
}
const statuses = (found: UncertaintyResult) => uncertaintyGates(found).map(({ status }) => status)

describe('what is asked of a map', () => {
  it('is 87 to 93 % overall, 80 % everywhere, and a rank correlation of 0.3', () => {
    expect(statuses(good)).toEqual(['pass', 'pass', 'pass'])
    for (const [covered, status] of [
      [0.869, 'fail'],
      [0.87, 'pass'],
      [0.93, 'pass'],
      [0.931, 'fail'],
    ] as const)
      expect(statuses({ ...good, rows: [row('overall', covered)] })[0]).toBe(status)
    expect(statuses({ ...good, rows: [row('overall', 0.9), row('edges', 0.799)] })[1]).toBe('fail')
    expect(statuses({ ...good, spearman: 0.29 })[2]).toBe('fail')
  })

  it('counts a tissue from 1 % of the mask on, and lesions however small', () => {
    const judged = (place: string, share: number) =>
      statuses({ ...good, rows: [row('overall', 0.9), row('edges', 0.9), row(place, 0.5, share)] })[1]
    expect(judged('tissue 13', 0.009)).toBe('pass')
    expect(judged('tissue 13', 0.01)).toBe('fail')
    expect(judged('lesions', 0.0001)).toBe('fail')
  })

  it('is not asked of a map that says it is uncalibrated, nor judged on few people', () => {
    const open = ['not-evaluated', 'not-evaluated', 'not-evaluated']
    const few = uncertaintyGates({ ...good, calibrated: false, calibratedOn: 3 })
    expect(few.map(({ status }) => status)).toEqual(open)
    expect(few[0]!.finding).toMatch(/overall 90 %.*uncalibrated: 3 people/)
    expect(statuses({ ...good, people: 4 })).toEqual(open)
  })

  it('is not met by what could not be measured', () => {
    const { spearman: _, ...without } = good
    expect(statuses({ ...without, rows: [] })).toEqual(['not-evaluated', 'not-evaluated', 'not-evaluated'])
  })

  it('passes the schema of evidence as it is', () => {
    expect(uncertaintyResultSchema.parse(JSON.parse(JSON.stringify(good)))).toEqual(good)
  })
})

describe('a study of a harmonizer that makes maps', async () => {
  const folder = await temporaryFolder()
  let evidence: Evidence
  let bundle = ''
  const tested = [21, 22, 23, 24, 25]
  beforeAll(async () => {
    const cohort = await gainCohort(join(folder, 'cohort'), [1, 2, 3, 4, 5, 6, ...tested])
    bundle = join(folder, 't.harmonizer')
    const excludeSubjects = tested.map((person) => `s${person}`)
    await train({ cohort, target: 't', method: 'tone', out: bundle, uncertainty: true, excludeSubjects })
    evidence = await pairedFidelity({ bundle, cohort, command: 'test', date: '2026-01-01', attune: '0' })
  }, 60_000)

  it('counts what lies within, as one would voxel by voxel', async () => {
    const harmonizer = await loadHarmonizer(bundle)
    const { uncertainty } = evidence
    const shares: number[] = []
    for (const person of tested) {
      const {
        volume,
        mask,
        uncertainty: found,
      } = await harmonizer.apply(scanWithGain(person, 'a'), {
        ...{ domain: 'a', uncertainty: true },
      })
      const [out, half, y] = [volume, found!.map, scanWithGain(person, 't')].map(toFloat32)
      const inside = [...mask.keys()].filter((i) => mask[i] !== 0 && y![i]! > 300)
      shares.push(inside.filter((i) => Math.abs(y![i]! - out![i]!) <= half![i]!).length / inside.length)
    }
    const [overall] = uncertainty!.rows
    expect(overall).toMatchObject({ place: 'overall', people: 5 })
    // the study's mask is the overlap of both foregrounds; the one here is that of the source where the target is bright
    expect(overall!.covered).toBeCloseTo(shares.reduce((sum, share) => sum + share, 0) / 5, 1)
    expect(uncertainty).toMatchObject({ people: 5, families: 5, calibratedOn: 6, calibrated: true })
    expect(uncertainty!.rows.map(({ place }) => place)).toEqual([
      ...['overall', 'tissue 1', 'tissue 2', 'tissue 3', 'edges'],
    ])
    expect(uncertainty!.rescan).toBeUndefined()
  })

  it('is evidence, judged by gates and shown in the report', () => {
    expect(parseEvidence(JSON.parse(JSON.stringify(evidence)), 'evidence.json')).toEqual(evidence)
    const ids = evidence.gates.map(({ id }) => id)
    expect(ids.slice(-3)).toEqual(['coverage', 'coverage-places', 'width-error'])
    expect(evidence.gates.slice(-3).every(({ status }) => status !== 'not-evaluated')).toBe(true)
    expect(renderMarkdown(evidence)).toMatch(/How far may a voxel be off\?.*6 people left out.*Edges/s)
  })
})
