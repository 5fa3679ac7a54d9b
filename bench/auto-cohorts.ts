/** Small digital cohorts whose scanners differ in one known way, for `npm run bench -- auto`. */
import { join } from 'node:path'
import type { AnatomyName } from '../data/generators/anatomy.ts'
import { imagePath, sessionLabel, subjectLabel } from '../data/generators/bids.ts'
import { drawHead, hasLesions, type SampledHead, sampleHead, save } from '../data/generators/heads.ts'
import { settingsOf } from '../data/generators/options.ts'
import { drawConditions, scan } from '../data/generators/scan.ts'
import { drawScanner, type Scanner } from '../data/generators/scanner.ts'
import { cohortTable, type ScanRow } from '../data/generators/tables.ts'
import { writeFileAtomic } from '../src/files.ts'
import { type Random, random } from '../src/kernels/random.ts'

/** In what the source scanner differs from the reference. */
export type Difference = 'nothing' | 'gain' | 'tone' | 'shading' | 'everything'

export interface CohortPlan {
  readonly seed: number
  readonly difference: Difference
  /** People to train on. */
  readonly subjects: number
  readonly lesions: boolean
  /** Whether the first of them was scanned twice on both scanners. */
  readonly rescans: boolean
}

const VOXEL_MM = 3
/** Their anatomies are in no training. */
const TEST: readonly AnatomyName[] = ['synthseg-05', 'synthseg-06']
const TRAINING: readonly AnatomyName[] = [
  ...(['synthseg-01', 'synthseg-02', 'synthseg-03', 'synthseg-04'] as const),
  ...(['mni152', 'synthseg-01'] as const),
]

/** Writes images, truth and manifest into `out`; the people to test on come first. */
export async function writeCohort(
  out: string,
  plan: CohortPlan,
): Promise<{ readonly manifest: string; readonly test: readonly string[] }> {
  const { seed, subjects } = plan
  const anatomies = [...TEST, ...TRAINING.slice(0, subjects)]
  const count = anatomies.length
  const settings = settingsOf({
    subjects: count,
    scanners: 2,
    seed,
    voxelMm: VOXEL_MM,
    lesions: plan.lesions ? [4, 6] : 0,
    anatomies,
  })
  const row = random(seed, 'scanners')
  const choice = { voxelMm: VOXEL_MM, contrast: 'T1w' } as const
  const reference = drawScanner(row, 0, choice)
  const other = drawScanner(row, 1, choice)
  const scanners = [reference, differing(reference, other, plan.difference, row.fork('difference'))]
  const rows: ScanRow[] = []
  for (let index = 0; index < count; index++) {
    const label = subjectLabel(index, count)
    const head = await drawHead(settings, index, label)
    const map = (await sampleHead(out, head, scanners, settings)).get(VOXEL_MM) as SampledHead
    const twice = plan.rescans && index === TEST.length
    for (const [at, scanner] of scanners.entries())
      for (let number = 1; number <= (twice ? 2 : 1); number++) {
        const session = sessionLabel(scanner, number)
        const stream = random(seed, `subject ${index}, scanner ${at}, scan ${number}`)
        const conditions = drawConditions(stream.fork('conditions'))
        const path = imagePath(label, session, 'T1w')
        await save(out, path, scan(map.tissues, map.texture, scanner, conditions, stream.fork('noise')))
        const { tissuePath, lesionPath } = map
        const truth = { tissuePath, lesionPath }
        rows.push({ subject: head.subject, scanner, session, path, map: truth, conditions, pose: undefined })
      }
  }
  const manifest = join(out, 'cohort.tsv')
  await writeFileAtomic(manifest, cohortTable(rows, hasLesions(settings)))
  return { manifest, test: TEST.map((_, index) => `sub-${subjectLabel(index, count)}`) }
}

/** The reference with one thing changed, or another scanner altogether. */
function differing(reference: Scanner, other: Scanner, difference: Difference, rng: Random): Scanner {
  const { domain, letter } = other
  const same = { ...reference, domain, letter }
  const louder = { ...same, whiteLevel: reference.whiteLevel * 2 ** rng.between(-1.5, 1) }
  switch (difference) {
    case 'nothing':
      return same
    case 'gain':
      return louder
    case 'tone':
      return {
        ...louder,
        responseExponent: rng.uniform() < 0.5 ? rng.between(0.75, 0.85) : rng.between(1.2, 1.35),
      }
    case 'shading':
      return { ...louder, coil: { ...other.coil, shading: rng.between(1.5, 1.7) } }
    case 'everything':
      return other
    default:
      return difference satisfies never
  }
}
