/** A declared translation from training to validation, and what it refuses. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { writeNifti } from '../src/formats/nifti/write.ts'
import { readTable } from '../src/formats/tables/table.ts'
import { applyCohort } from '../src/harmonizer/apply-cohort.ts'
import { applyFile } from '../src/harmonizer/apply-file.ts'
import { type Harmonizer, loadHarmonizer } from '../src/harmonizer/harmonizer.ts'
import { renderHtml } from '../src/report/html.ts'
import { renderMarkdown } from '../src/report/markdown.ts'
import { summaryText } from '../src/report/summary.ts'
import { tsv, writeDataset } from '../test/fixtures/bids.ts'
import { temporaryFolder } from '../test/fixtures/nifti.ts'
import { head } from '../test/head.ts'
import { pairedFidelity } from '../validation/paired-fidelity.ts'
import { type TrainOptions, train } from './train.ts'

const folder = await temporaryFolder()
const at = (name: string): string => join(folder, name)
/** Fluid, grey and white matter. In PDw and T2w fluid is brightest; in T1w white matter is. */
const LOOKS: Readonly<Record<string, readonly [number, number, number]>> = {
  T1w: [120, 300, 450],
  T2w: [700, 320, 200],
  PDw: [520, 450, 380],
  FLAIR: [100, 330, 260],
}
const scan = (person: number, contrast: string, seed: number): ReturnType<typeof head> =>
  head({ seed: 10 * person + seed, person, tissues: LOOKS[contrast] as [number, number, number], noise: 6 })

/** Three people scanned in two contrasts, on `a` and `b`. */
async function cohortOf(label: string, from: string, to: string): Promise<string> {
  const rows = ['subject\tdomain\timage']
  for (let person = 0; person < 3; person++)
    for (const [k, contrast] of [from, to].entries()) {
      const image = `${label}/sub-${person}${'ab'[k]}_${contrast}.nii`
      await mkdir(at(label), { recursive: true })
      await writeNifti(at(image), scan(person, contrast, k))
      rows.push(`s${person}\t${'ab'[k]}\t${image}`)
    }
  await writeFile(at(`${label}.tsv`), `${rows.join('\n')}\n`)
  return at(`${label}.tsv`)
}
const translate = (cohort: string, more: Partial<TrainOptions> = {}): ReturnType<typeof train> =>
  train({
    ...{ cohort, target: 'b', method: 'tone', translation: true },
    ...{ out: `${cohort}.harmonizer`, overwrite: true, excludeSubjects: ['s2'], ...more },
  })
const bundles = async (): Promise<readonly string[]> =>
  (await readdir(folder)).filter((name) => name.includes('.harmonizer'))

let pdToT2: string
let harmonizer: Harmonizer
beforeAll(async () => {
  pdToT2 = await cohortOf('pd-t2', 'PDw', 'T2w')
  await translate(pdToT2)
  harmonizer = await loadHarmonizer(`${pdToT2}.harmonizer`)
}, 60_000)

const shared = {
  ...({ dtype: 'float32', gzipLevel: 1 } as const),
  ...{ force: false, dryRun: false, overwrite: false, version: '1.2.3' },
}

describe('a translation that cannot be', () => {
  const refused = async (found: Promise<unknown>, what: RegExp): Promise<void> => {
    // caught at once: while the folder is read, it may already have been refused
    const ended = found.then(
      () => undefined,
      (error: unknown) => error,
    )
    const before = await bundles()
    expect(await ended).toMatchObject({ exitCode: 3, what: expect.stringMatching(what) })
    expect(await bundles()).toEqual(before)
  }

  it.each(['tone', 'local-tone', 'residual-unet'] as const)(
    'is refused where tissues change places: %s',
    async (method) => {
      const cohort = await cohortOf(`turned-${method}`, 'T1w', 'T2w')
      await refused(
        translate(cohort, { method }),
        new RegExp(
          `places of 20 mm in the paired scans of a, what is brighter in T1w is darker in T2w .*\`${method}\``,
        ),
      )
    },
  )

  it('is refused without a method, and with one that learns from no pairs', async () => {
    await refused(translate(pdToT2, { method: 'auto', out: at('auto.harmonizer') }), /auto chooses among/)
    await refused(translate(pdToT2, { method: 'histogram', out: at('h.harmonizer') }), /`histogram` does not/)
    await refused(
      translate(pdToT2, { method: 'local-tone', from: 'universal', out: at('u.harmonizer') }),
      /cannot start from universal/,
    )
  })

  it('is refused within one contrast, from several, and from one that nobody names', async () => {
    await refused(
      translate(await cohortOf('same', 'T2w', 'T2w')),
      /Scans of a are T2w, as those of the target b/,
    )
    const silent = await cohortOf('silent', 'PDw', 'T2w')
    const rows = await readFile(silent, 'utf8')
    const nameless = rows.replaceAll(/silent\/sub-(\d)a_PDw/g, 'silent/scan-$1')
    for (const person of [0, 1, 2]) await writeNifti(at(`silent/scan-${person}.nii`), scan(person, 'PDw', 0))
    await writeFile(silent, nameless)
    await refused(translate(silent), /of which contrast the scans of a are is not known/)
    const mixed = await cohortOf('mixed', 'PDw', 'T2w')
    await writeNifti(at('mixed/sub-0c_T1w.nii'), scan(0, 'T1w', 3))
    await writeFile(mixed, `${await readFile(mixed, 'utf8')}s0\tc\tmixed/sub-0c_T1w.nii\n`)
    await refused(translate(mixed), /Scans of a are PDw, those of c T1w/)
  })

  it('needs no flag to be refused without one', async () => {
    await refused(
      translate(pdToT2, { translation: false, out: at('not.harmonizer') }),
      /is a translation, no harmon/,
    )
  })
})

describe('a declared translation', () => {
  it('is declared in its manifest and card', async () => {
    const manifest = JSON.parse(await readFile(`${pdToT2}.harmonizer/manifest.json`, 'utf8'))
    expect(manifest).toMatchObject({ target: 'b', translation: { from: 'PDw', to: 'T2w' } })
    expect(harmonizer.identity).toMatchObject({ translation: { from: 'PDw', to: 'T2w' } })
    const card = await readFile(`${pdToT2}.harmonizer/card.md`, 'utf8')
    expect(card).toMatch(/^# pd-t2.tsv: PDw to T2w, translated\n/)
    expect(card).toMatch(/does not show that the anatomy in them is real/)
  })

  it('gives images and tables that say translated, with the contrast of the target', async () => {
    const out = at('translated')
    const { results, manifest } = await applyCohort(harmonizer, pdToT2, out, shared)
    expect(results.map(({ outcome }) => outcome)).toEqual(
      Array.from({ length: 6 }, (_, k) => (k % 2 === 0 ? 'translated' : 'passed-through')),
    )
    expect(manifest).toBe(join(out, 'translated.tsv'))
    const { rows } = await readTable(manifest)
    expect(rows[0]).toMatchObject({ image: 'pd-t2/sub-0a_desc-translated_T2w.nii', translated_to: 'b' })
    expect(rows[1]).toMatchObject({ image: 'pd-t2/sub-0b_T2w.nii' })
    const record = JSON.parse(await readFile(join(out, 'pd-t2/sub-0a_desc-translated_T2w.json'), 'utf8'))
    expect(record).toMatchObject({ outcome: 'translated', steps: [{ op: 'translate' }] })
    expect(JSON.stringify(record)).not.toMatch(/harmonized/)
    const again = await applyCohort(harmonizer, pdToT2, out, shared)
    expect(new Set(again.results.map(({ outcome }) => outcome))).toEqual(new Set(['up-to-date']))
  })

  it('gives a BIDS derivative of translated images, without the echo time of their sources', async () => {
    const [root, out] = [at('raw'), at('derivative')]
    await writeDataset(root, {
      'dataset_description.json': { Name: 'Two contrasts', BIDSVersion: '1.8.0' },
      'PDw.json': { EchoTime: 0.01, Manufacturer: 'GE' },
      'sub-2/ses-a/anat/sub-2_ses-a_PDw.nii': await readFile(at('pd-t2/sub-2a_PDw.nii')),
      'sub-2/ses-b/anat/sub-2_ses-b_T2w.nii': await readFile(at('pd-t2/sub-2b_T2w.nii')),
      'sub-2/sub-2_sessions.tsv': tsv('session_id', 'ses-a', 'ses-b'),
    })
    const cohort = { suffix: 'PDw', domainFrom: 'session' } as const
    const { results } = await applyCohort(harmonizer, root, out, shared, undefined, cohort)
    const stem = join(out, 'sub-2/ses-a/anat/sub-2_ses-a_desc-translated_T2w')
    expect(results).toMatchObject([{ outcome: 'translated', output: `${stem}.nii.gz` }])
    const { Translation, ...sidecar } = JSON.parse(await readFile(`${stem}.json`, 'utf8'))
    expect(Translation).toMatchObject({ outcome: 'translated' })
    expect(sidecar).toMatchObject({
      Manufacturer: 'GE',
      Description: expect.stringMatching(/^Translated from PDw to T2w/),
    })
    expect(sidecar).not.toHaveProperty('EchoTime')
    expect(JSON.parse(await readFile(join(out, 'dataset_description.json'), 'utf8'))).toMatchObject({
      Name: 'Two contrasts, translated',
    })
    const readme = await readFile(join(out, 'README.md'), 'utf8')
    expect(readme).toMatch(/_desc-translated_/)
    expect(readme).not.toMatch(/harmonized/i)
  })

  it('does not call a real scan of the target translated', async () => {
    const cohort = { suffix: 'T2w', domainFrom: 'session' } as const
    const { results } = await applyCohort(harmonizer, at('raw'), at('real'), shared, undefined, cohort)
    const stem = at('real/sub-2/ses-b/anat/sub-2_ses-b_desc-unchanged_T2w')
    expect(results).toMatchObject([{ outcome: 'passed-through', output: `${stem}.nii.gz` }])
    expect(JSON.parse(await readFile(`${stem}.json`, 'utf8'))).toMatchObject({
      Description: 'A scan of the reference itself, passed through unchanged.',
    })
  })

  it('refuses a third contrast, what it made itself, and a name that says the old contrast', async () => {
    await writeNifti(at('sub-2_FLAIR.nii'), scan(2, 'FLAIR', 5))
    await writeNifti(at('sub-2_scan.nii'), scan(2, 'FLAIR', 5))
    const request = { ...shared, domain: 'a' }
    const made = (input: string, output: string): Promise<unknown> =>
      applyFile(harmonizer, { ...request, input: at(input), output: at(output) })
    await expect(made('sub-2_FLAIR.nii', 'x1.nii')).rejects.toMatchObject({
      exitCode: 3,
      what: expect.stringMatching(/The image is FLAIR, the training images of a are PDw/),
    })
    await expect(made('sub-2_scan.nii', 'x2.nii')).rejects.toMatchObject({ exitCode: 3 })
    await made('pd-t2/sub-2a_PDw.nii', 'x3_T2w.nii')
    await expect(made('x3_T2w.nii', 'x4.nii')).rejects.toMatchObject({
      what: expect.stringMatching(/harmonized before, or translated/),
    })
    await expect(made('pd-t2/sub-2a_PDw.nii', 'x5_PDw.nii')).rejects.toMatchObject({
      exitCode: 2,
      remedy: expect.stringMatching(/x5_desc-translated_T2w.nii/),
    })
  })

  it('is reported as one: fidelity does not show that anatomy is real', async () => {
    const evidence = await pairedFidelity({
      ...{ bundle: `${pdToT2}.harmonizer`, cohort: pdToT2 },
      ...{ command: 'attune validate', date: '2026-11-22', attune: '1.2.3' },
    })
    expect(evidence.title).toBe('PDw to T2w, translated: a to b')
    for (const text of [renderHtml(evidence), renderMarkdown(evidence), summaryText(evidence)]) {
      expect(text).toMatch(/does not show that the anatomy in them is real/)
      expect(text).not.toMatch(/harmonized/i)
    }
  })
})
