import { expect, it } from 'vitest'
import type { Evidence } from '../evidence/evidence.ts'
import { type Selection, selectionSchema } from '../evidence/selection.ts'
import { ladderLines, ladderSection, ladderText } from './ladder.ts'

const selection: Selection = {
  kind: 'leave-one-out',
  travelers: 3,
  folds: 3,
  scans: 6,
  limit: { rung: 4, reason: '3 traveling subjects are too few for a standard error' },
  floor: 0.021,
  rungs: [
    {
      method: 'zscore',
      rung: 1,
      folds: 3,
      error: 0.039,
      standardError: 0.001,
      gates: [{ id: 'noise', status: 'fail', finding: 'amplified' }],
      status: 'passed-over',
      reason: 'fails a gate: <b>amplified</b>',
    },
    { method: 'tone', rung: 2, folds: 3, error: 0.03, gates: [], status: 'chosen', reason: 'least error' },
    { method: 'local-tone', rung: 4, folds: 0, gates: [], status: 'passed-over', reason: 'not trained' },
  ],
  remarks: ['One scan was left out.'],
}
const evidence = { selection } as unknown as Evidence

it('fits its schema', () => {
  expect(selectionSchema.parse(JSON.parse(JSON.stringify(selection)))).toEqual(selection)
  expect(selectionSchema.safeParse({ ...selection, rungs: [] }).success).toBe(false)
})

it('shows every rung with its error, the gates it failed, and why', () => {
  const [head, zscore, tone, network, note, remark] = ladderText(selection).split('\n')
  expect(head).toMatch(/^Method +Rung +Error, % of range +Gates failed +Why$/)
  expect(zscore).toMatch(/^zscore +1 +3\.90 % ± 0\.10 % +noise +passed over: fails a gate/)
  expect(tone).toMatch(/^tone +2 +3\.00 % +– +chosen: least error$/)
  expect(network).toMatch(/^local-tone +4 +– +– +passed over: not trained$/)
  expect(note).toMatch(/6 scans .*3 folds.*Rung 4 was the limit.*scanned twice differs by 2\.10 %/)
  expect(remark).toBe('One scan was left out.')
})

it('says in the report that it was chosen on training subjects, and escapes what it shows', () => {
  const { markup } = ladderSection(evidence)!
  expect(markup).toContain('Why this rung')
  expect(markup).toContain('on the training subjects alone')
  expect(markup).toContain('&#60;b&#62;amplified')
  expect(markup).not.toContain('<b>')
  const lines = ladderLines(evidence, (text) => text.replaceAll('<', '\\<')).join('\n')
  expect(lines).toMatch(/\| passed over: fails a gate: \\<b>/)
})

it('says nothing where the user named the method', () => {
  expect(ladderSection({} as Evidence)).toBeUndefined()
  expect(ladderLines({} as Evidence, String)).toEqual([])
})
