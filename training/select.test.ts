import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Selection } from '../src/evidence/selection.ts'
import { writeNifti } from '../src/formats/nifti/write.ts'
import { readBundle } from '../src/harmonizer/bundle.ts'
import { trainingEvidence } from '../src/harmonizer/training-evidence.ts'
import { temporaryFolder } from '../test/fixtures/nifti.ts'
import { head } from '../test/head.ts'
import type { TrainProgress } from './fit.ts'
import { type TrainOptions, train } from './train.ts'

const folder = await temporaryFolder()

interface Scanner {
  readonly tissues: readonly [number, number, number]
  readonly noise: number
}
const REFERENCE: Scanner = { tissues: [900, 2600, 4200], noise: 60 }
const GAIN: Scanner = { tissues: [300, 2600 / 3, 1400], noise: 20 }
/** Grey matter is nearer to fluid than on the reference, which no gain can mend; with so little noise that a curve may steepen it. */
const TONE: Scanner = { tissues: [150, 195, 330], noise: 1.5 }

/** Everyone was scanned on `a` and on `b`, the target, unless `domains` says otherwise. */
async function cohortOf(
  name: string,
  people: readonly number[],
  source: Scanner,
  change: { readonly family?: string; readonly domains?: Readonly<Record<number, string>> } = {},
): Promise<string> {
  const rows = ['subject\tdomain\timage\tfamily']
  for (const person of people)
    for (const domain of change.domains?.[person] ?? 'ab') {
      const image = `${name}-${person}${domain}.nii`
      const seed = person * 7 + domain.charCodeAt(0)
      await writeNifti(
        join(folder, image),
        head({ voxel: 7, seed, person, ...(domain === 'a' ? source : REFERENCE) }),
      )
      rows.push(`s${person}\t${domain}\t${image}\t${change.family ?? 'n/a'}`)
    }
  const path = join(folder, `${name}.tsv`)
  await writeFile(path, `${rows.join('\n')}\n`)
  return path
}

const options = (cohort: string, change: Partial<TrainOptions> = {}): TrainOptions => ({
  cohort,
  target: 'b',
  method: 'auto',
  out: cohort.replace('.tsv', '.harmonizer'),
  maxRung: 2,
  ...change,
})
const chosenIn = ({ rungs }: Selection) => rungs.filter(({ status }) => status === 'chosen')
const rowOf = (selection: Selection, method: string) => selection.rungs.find((row) => row.method === method)!

describe('auto', () => {
  it('takes gain and offset where nothing else differs, and writes down why', async () => {
    const { path, selection } = await train(options(await cohortOf('gain', [1, 2, 3, 4], GAIN)))
    expect(chosenIn(selection!)).toMatchObject([{ rung: 1 }])
    expect(selection).toMatchObject({ kind: 'leave-one-out', travelers: 4, folds: 4, scans: 4 })
    expect(rowOf(selection!, 'identity').reason).toMatch(
      /^leaves \d+\.\d+ %, more than one standard error above/,
    )
    expect(rowOf(selection!, 'local-tone')).toMatchObject({ status: 'passed-over', folds: 0 })
    expect(rowOf(selection!, 'local-tone').reason).toMatch(/rung 2 is the limit/)
    const bundle = await readBundle(path)
    expect(trainingEvidence(bundle).selection).toEqual(selection)
    expect(bundle.manifest.steps[0].kind).toBe(chosenIn(selection!)[0]!.method)
    const card = await readFile(join(path, 'card.md'), 'utf8')
    expect(card).toMatch(/## Why this method.*\| 0 \| `identity` \| .*passed over: leaves/s)
    expect(existsSync(`${path}.folds`)).toBe(false)
  })

  it('takes a curve where contrast differs, and the same bundle as when it is named', async () => {
    const cohort = await cohortOf('tone', [1, 2, 3, 4], TONE)
    const { path, selection, manifest } = await train(options(cohort))
    const [{ method } = { method: '' }] = chosenIn(selection!)
    expect(chosenIn(selection!)).toMatchObject([{ rung: 2 }])
    const named = await train(
      options(cohort, { method: method as 'tone', uncertainty: true, out: join(folder, 'n.harmonizer') }),
    )
    expect(named.manifest).toEqual(manifest)
    expect(named.selection).toBeUndefined()
    expect(existsSync(path)).toBe(true)
  })

  it('takes nothing done where scanners are the same', async () => {
    const { selection } = await train(options(await cohortOf('same', [1, 2, 3, 4], REFERENCE)))
    expect(chosenIn(selection!)).toMatchObject([{ method: 'identity' }])
    expect(rowOf(selection!, 'tone').reason).toMatch(/fails a gate: nearer|not needed/)
  })

  it('stops at rung 2 with one person, scored on themselves', async () => {
    const cohort = await cohortOf('one', [1], TONE)
    const { selection } = await train({
      cohort,
      target: 'b',
      method: 'auto',
      out: join(folder, 'one.harmonizer'),
    })
    expect(selection).toMatchObject({ kind: 'within-subject', travelers: 1, folds: 0, limit: { rung: 2 } })
    expect(chosenIn(selection!)).toMatchObject([{ method: 'tone', folds: 0 }])
    expect(rowOf(selection!, 'tone').standardError).toBeUndefined()
    expect(rowOf(selection!, 'histogram').reason).toMatch(/one person's tissue volumes/)
    expect(rowOf(selection!, 'local-tone').reason).toMatch(/one traveling subject/)
    for (const method of ['kde', 'whitestripe'] as const)
      expect(rowOf(selection!, method)).toMatchObject({
        status: 'passed-over',
        reason: expect.stringMatching(/one person does not show/),
      })
  })

  it('takes relatives for one person', async () => {
    const cohort = await cohortOf('family', [1, 2, 3], TONE, { family: 'x' })
    const { selection } = await train(options(cohort, { maxRung: 2 }))
    expect(selection).toMatchObject({ kind: 'within-subject', travelers: 1 })
  })

  it('refuses a choice without pairs, and says what can be named', async () => {
    const cohort = await cohortOf('unpaired', [1, 2], GAIN, { domains: { 1: 'a', 2: 'b' } })
    await expect(train(options(cohort))).rejects.toThrow(
      /no subject has scans of both.*nothing to tell.*`lsq`/s,
    )
    expect(existsSync(join(folder, 'unpaired.harmonizer'))).toBe(false)
  })

  it('refuses where whatever would help does harm: contrast inverted on the source', async () => {
    const inverted: Scanner = { tissues: [330, 200, 120], noise: 5 }
    const cohort = await cohortOf('inverted', [1, 2, 3], inverted)
    await expect(train(options(cohort))).rejects.toThrow(
      /without failing a gate.*tone: fails a gate.*--method/s,
    )
    expect(existsSync(join(folder, 'inverted.harmonizer'))).toBe(false)
  })

  it('keeps folds that are done when it is interrupted, and gives the same bytes when resumed', async () => {
    const cohort = await cohortOf('resumed', [1, 2, 3, 4], GAIN)
    const out = join(folder, 'resumed.harmonizer')
    const folds = (events: readonly TrainProgress[]) => {
      let fold = -1
      const scored: number[] = []
      for (const event of events) {
        if (event.stage === 'fold') fold = event.done
        if (event.stage === 'scores') scored.push(fold)
      }
      return [...new Set(scored)]
    }
    const stop = new TypeError('killed')
    await expect(
      train(options(cohort, { out }), (event) => {
        if (event.stage === 'fold' && event.done === 2) throw stop
      }),
    ).rejects.toBe(stop)
    expect(await readdir(`${out}.folds`)).toHaveLength(2)
    const events: TrainProgress[] = []
    await train(options(cohort, { out, resume: true }), (event) => events.push(event))
    expect(folds(events)).toEqual([2, 3])
    const earlier = await readFile(join(out, 'manifest.json'), 'utf8')
    await train(options(cohort, { out, overwrite: true }))
    expect(await readFile(join(out, 'manifest.json'), 'utf8')).toBe(earlier)
  })
})
