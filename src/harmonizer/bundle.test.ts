import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LocalToneModel } from '../inference/local-tone-model.ts'
import { type BundleFiles, checkBundlePlace, readBundle, writeBundle } from './bundle.ts'
import { loadHarmonizer } from './harmonizer.ts'
import { MANIFEST_SCHEMA, type Manifest, type Steps } from './manifest.ts'
import { trainingEvidence } from './training-evidence.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attune-bundle-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const manifest: Omit<Manifest, 'files'> = {
  schema: MANIFEST_SCHEMA,
  rung: 2,
  sources: ['a'],
  target: 'b',
  steps: [{ kind: 'tone', referenceScale: 3, knots: [0, 1, 2], tones: { a: [0, 1, 3] } }],
  guards: {
    a: {
      scans: 1,
      median: [1, 2],
      p99: [2, 4],
      extentMm: [
        [1, 2],
        [1, 2],
        [1, 2],
      ],
      voxelMm: [1, 2],
      maskMl: [1, 2],
    },
  },
  training: {
    cohort: { name: 'c.tsv', sha256: '0'.repeat(64) },
    subjects: ['s1'],
    pairs: 1,
    seed: 1,
    engine: 'closed form',
    options: {},
  },
  versions: { attune: '0.1.0' },
}
const pass: LocalToneModel = {
  ...{ kind: 'local-tone', referenceScale: 3, knots: [0, 1], domains: ['*'], tones: { '*': [0, 1] } },
  bounds: { slopeRatio: 4, perMm: 0.06 },
}
const files: BundleFiles = {
  'card.md': '# to-b\n',
  'evidence.json': JSON.stringify({ schema: 'attune-training/1', loss: [], baselines: manifest.steps }),
  'network.onnx': Uint8Array.of(1, 2, 3),
}
const written = async (name: string): Promise<string> => {
  const path = join(folder, `${name}.harmonizer`)
  await writeBundle(path, manifest, files)
  return path
}
/** A copy whose manifest was edited as text. */
async function edited(name: string, change: (text: string) => string): Promise<string> {
  const path = join(folder, `${name}.harmonizer`)
  await cp(await written(`${name}-original`), path, { recursive: true })
  const file = join(path, 'manifest.json')
  await writeFile(file, change(await readFile(file, 'utf8')))
  return path
}

describe('a bundle', () => {
  it('comes back as it was written, its files checked', async () => {
    const bundle = await readBundle(await written('round-trip'))
    expect(bundle.name).toBe('round-trip')
    const { files: hashes, ...rest } = bundle.manifest
    expect(rest).toEqual(manifest)
    expect(Object.keys(hashes)).toEqual(['card.md', 'evidence.json', 'network.onnx'])
    expect([...bundle.files['network.onnx']!]).toEqual([1, 2, 3])
    expect(trainingEvidence(bundle).baselines).toEqual(manifest.steps)
  })

  it('has the same bytes when it is written again', async () => {
    const [one, two] = [await written('same-1'), await written('same-2')]
    const names = await readdir(one)
    expect(names.sort()).toEqual(['card.md', 'evidence.json', 'manifest.json', 'network.onnx'])
    for (const name of names) expect(await readFile(join(two, name))).toEqual(await readFile(join(one, name)))
  })

  it('leaves nothing temporary behind', async () => {
    await written('clean')
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it.each(['card.md', 'evidence.json', 'network.onnx'])('with a changed %s is not read', async (name) => {
    const path = await written(`changed-${name.replace('.', '-')}`)
    await writeFile(join(path, name), 'changed')
    await expect(readBundle(path)).rejects.toMatchObject({
      code: 'E_INPUT',
      message: expect.stringMatching(new RegExp(`${name} was changed: SHA-256`)),
    })
  })

  it('with a missing file, or no folder at all, is not read', async () => {
    const path = await written('missing')
    await rm(join(path, 'card.md'))
    await expect(readBundle(path)).rejects.toThrow(/card\.md cannot be read/)
    await expect(readBundle(join(folder, 'nothing.harmonizer'))).rejects.toThrow(
      /manifest\.json cannot be read/,
    )
  })

  it.each([
    [
      'newer',
      (t: string) => t.replace('attune-harmonizer/1', 'attune-harmonizer/2'),
      /reads "attune-harmonizer\/1"/,
    ],
    ['cut', (t: string) => t.slice(0, 100), /is not JSON/],
    ['misspelt', (t: string) => t.replace('"target"', '"tarqet"'), /tarqet/],
    [
      'falling',
      (t: string) => t.replace(/"a": \[\s*0,\s*1,\s*3/, '"a": [0, 1, 0.5'),
      /must start at 0 and increase/,
    ],
    ['escaping', (t: string) => t.replace('"card.md"', '"../card.md"'), /Invalid key.*card\.md/s],
    ['short', (t: string) => t.replace(/"a": \[\s*0,\s*1,\s*3/, '"a": [0, 1'), /one value per knot/],
  ])('with a %s manifest is refused by name', async (name, change, message) => {
    await expect(readBundle(await edited(name, change))).rejects.toThrow(message)
  })

  it.each([
    [
      'after a method that is no universal harmonizer',
      [...manifest.steps, pass],
      /only a universal harmonizer/,
    ],
    [
      'of named scanners',
      [pass, { ...pass, domains: ['a'], tones: { a: [0, 1] } }],
      /must be of any scanner/,
    ],
    ['beyond the third', [pass, pass, pass, pass], /at most 3 passes/],
    ['of too few values', [pass, { ...pass, tones: { '*': [0] } }], /one value per knot/],
  ])('takes no further pass %s', async (_, steps, message) => {
    const path = join(folder, 'passes.harmonizer')
    await expect(writeBundle(path, { ...manifest, steps: steps as unknown as Steps }, files)).rejects.toThrow(
      message,
    )
  })

  it('is named and guarded when it is loaded to be applied', async () => {
    const harmonizer = await loadHarmonizer(await written('loaded'))
    expect(harmonizer.sources).toEqual(['a'])
    expect(harmonizer.identity).toMatchObject({ name: 'loaded', method: 'tone', rung: 2, target: 'b' })
    expect(harmonizer.identity.sha256).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('its place', () => {
  it('must be named NAME.harmonizer', async () => {
    await expect(checkBundlePlace(join(folder, 'x'), false)).rejects.toThrow(/does not end in \.harmonizer/)
    await expect(checkBundlePlace(join(folder, '.harmonizer'), false)).rejects.toThrow(/NAME/)
  })

  it('is never taken from something else, and from a bundle only when asked', async () => {
    const path = await written('taken')
    await expect(writeBundle(path, manifest, files)).rejects.toThrow(/exists.*--overwrite/s)
    await writeBundle(path, { ...manifest, target: 'c' }, files, true)
    expect((await readBundle(path)).manifest.target).toBe('c')
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([])
    const foreign = join(folder, 'photos.harmonizer')
    await cp(path, foreign, { recursive: true })
    await rm(join(foreign, 'manifest.json'))
    await expect(writeBundle(foreign, manifest, files, true)).rejects.toThrow(/is not a bundle/)
    expect(await readdir(foreign)).toContain('card.md')
  })
})
