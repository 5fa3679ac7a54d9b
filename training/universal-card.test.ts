import { expect, it } from 'vitest'
import { readBundle } from '../src/harmonizer/bundle.ts'
import { shippedBundle } from '../src/harmonizer/shipped.ts'
import { universalCard } from './universal-card.ts'
import { readUniversalRun } from './universal-run.ts'

const run = await readUniversalRun('universal-t1w')
const { manifest, files } = await readBundle(shippedBundle('universal') as string)

it('of the bundle that ships is what its run and its manifest say', () => {
  expect(Buffer.from(files['card.md'] ?? '').toString('utf8')).toBe(universalCard(run, manifest))
})

it('names what another contrast is brought to, and the command for it', async () => {
  const other = await readUniversalRun('universal-t2w')
  const card = universalCard(other, manifest)
  expect(card).toMatch(
    /Brings T2-weighted images.*attune apply universal-t2w.harmonizer IN.nii.gz.*turbo spin echo at 3 T/s,
  )
  expect(card).not.toContain('MPRAGE')
  expect(card).not.toContain('too bright')
})

it('says what passes follow one another, and nothing of them where there is one', () => {
  expect(universalCard(run, manifest)).toMatch(/2 such passes follow one another/)
  expect(universalCard({ ...run, passes: 1 }, manifest)).not.toMatch(/passes follow/)
})

it('says which pass is one curve for the whole image, where there is one', () => {
  expect(universalCard(run, manifest)).toMatch(/last pass \(`curves-3.onnx`\) is one curve/)
  const { tone: _, ...without } = run
  expect(universalCard(without, manifest)).not.toMatch(/The last pass/)
})
