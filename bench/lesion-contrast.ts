/**
 * Why lesions lose contrast: digital heads seen by a reference and by a source that differs from it in one way, in several, or in all but
 * one; `tone` and `local-tone` trained on two people and tested on three of other anatomies, against a truth without noise. Then what
 * training on better scans would give, which tells a wrong mapping from an image that no mapping can mend.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { requireCohort } from '../src/cohort/manifest.ts'
import { writeFileAtomic } from '../src/files.ts'
import { LOCAL_TONE_DEFAULTS } from '../training/local-tone.ts'
import { ALL, type Arm, CLEAN, DIFFERENCES, NOTHING, REMEDIES, STEPS, WHITE } from './lesion-arms.ts'
import { EXTENT, LEARNERS, type ScanPlan, type Studio, studioIn, TEST } from './lesion-cohorts.ts'
import { type Measured, measureKept } from './lesion-kept.ts'
import { extrapolated, learnLocalTone, learnTone, medianScale, whiteScale } from './lesion-learners.ts'
import { attribution, differences, groups, remedies, scales, validated } from './lesion-tables.ts'
import { publish, say } from './result.ts'
import { codeHash, exists, type TrainingChoice, trainingChoice, workplace } from './workplace.ts'

export async function lesionContrastStudy(words: readonly string[]): Promise<void> {
  const choice = trainingChoice(words)
  const folder = join(workplace, `lesions-${await codeHash('data/generators')}`)
  const studio = studioIn(folder)
  const results = new Map<Arm, Measured>()
  for (const arm of [...DIFFERENCES, ...REMEDIES, ...WHITE])
    results.set(arm, await resultOf(folder, studio, arm, choice))
  await publish('lesion-contrast', 'What becomes of the contrast of lesions', words, [
    differences(results, choice.config.steps ?? STEPS, choice.engine),
    attribution(results),
    remedies(results),
    scales(results),
    groups(results),
    validated(results),
  ])
}

/** What has been done before is read. */
async function resultOf(
  folder: string,
  studio: Studio,
  arm: Arm,
  { engine, config }: TrainingChoice,
): Promise<Measured> {
  const options = { ...LOCAL_TONE_DEFAULTS, engine, steps: arm.steps ?? config.steps ?? STEPS }
  const learning = ['training', 'models', 'src/kernels', 'src/intensity', 'src/inference', 'src/volume']
  const code = await codeHash(...learning, 'src/metrics')
  const name = `${arm.name.replaceAll(/[^a-z]+/g, '-')}-${engine}-${options.steps}-${code}`
  const file = join(folder, `${name}.json`)
  if (await exists(file)) return JSON.parse(await readFile(file, 'utf8')) as Measured
  const source: ScanPlan = { causes: arm.causes, scan: 1 }
  const target: ScanPlan = { causes: [], scan: 2, ...(arm.targetSnr !== undefined && { snr: arm.targetSnr }) }
  const cohort = async (
    kind: string,
    people: readonly number[],
    plans: Record<'source' | 'target', ScanPlan>,
  ) => requireCohort(await studio.manifest(`${name}-${kind}`, people, plans), { target: 'target' })
  say(`${arm.name}: training`)
  const learners = (kind: string, more: Partial<ScanPlan>) =>
    cohort(
      kind,
      LEARNERS.map((_, index) => TEST.length + index),
      { source: { ...source, ...arm.source, ...more }, target: { ...target, ...arm.target } },
    )
  const known = await learners('training', {})
  const tone = await learnTone(known, arm.scale === undefined ? medianScale : whiteScale)
  const once = arm.network ? await learnLocalTone(known, options, folder) : undefined
  const network =
    once === undefined || !arm.simex
      ? once
      : extrapolated(
          once,
          await learnLocalTone(
            await learners('noisier', { snr: EXTENT.snr.source / Math.SQRT2 }),
            options,
            folder,
          ),
        )
  say(`${arm.name}: testing`)
  const tested = TEST.map((_, index) => index)
  const psfMm = arm.causes.includes('psf') ? EXTENT.psf.sourceMm : EXTENT.psf.referenceMm
  const truths: { sharp: string; resolved: string }[] = []
  for (const index of tested) {
    const sharp = await studio.image(index, { causes: [], scan: 3, ...CLEAN })
    const resolved = await studio.image(index, { causes: [], scan: 3, ...CLEAN, psfMm })
    truths.push({ sharp: join(folder, sharp), resolved: join(folder, resolved) })
  }
  const measured = await measureKept(
    await cohort('test', tested, { source, target }),
    truths,
    network === undefined ? [tone] : [tone, network],
    arm === NOTHING || arm === ALL,
  )
  await network?.close()
  await writeFileAtomic(file, JSON.stringify(measured))
  return measured
}
