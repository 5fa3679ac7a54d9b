/** What we write, as the validator of the standard sees it (PyPI bids-validator-deno; ATTUNE_BIDS_VALIDATOR names the program). */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { SimulationOptions } from '../data/generators/options.ts'
import { simulateCohort } from '../data/generators/simulate.ts'
import { applyCohort } from '../src/harmonizer/apply-cohort.ts'
import { loadHarmonizer } from '../src/harmonizer/harmonizer.ts'
import { temporaryFolder } from './fixtures/nifti.ts'

const validator = process.env['ATTUNE_BIDS_VALIDATOR']
if (validator === undefined)
  process.stderr.write('Skipping validation of BIDS datasets: ATTUNE_BIDS_VALIDATOR names no program.\n')

interface Issue {
  readonly severity: string
  readonly code: string
  readonly subCode?: string
  readonly location?: string
}
interface Issues {
  readonly issues: { readonly issues: readonly Issue[] }
}

/** Each kind of issue in a dataset and in its derivatives, once. */
function issuesOf(dataset: string): readonly string[] {
  const { stdout } = spawnSync(validator as string, ['--format', 'json', '--recursive', dataset], {
    encoding: 'utf8',
    maxBuffer: 1e8,
  })
  const report = JSON.parse(stdout) as Issues & { readonly derivativesSummary?: Record<string, Issues> }
  const all = [report, ...Object.values(report.derivativesSummary ?? {})].flatMap(
    ({ issues }) => issues.issues,
  )
  return [
    ...new Set(all.map(({ severity, code, subCode }) => `${severity} ${code} ${subCode ?? ''}`.trim())),
  ].sort()
}

/** What BIDS recommends to say of scanners, and a simulation has nothing to say about. */
const UNAVOIDABLE = [
  'warning JSON_KEY_RECOMMENDED HEDVersion',
  ...[
    'CoilCombinationMethod',
    'DwellTime',
    'InstitutionAddress',
    'InstitutionName',
    'InstitutionalDepartmentName',
    'MatrixCoilMode',
    'ReceiveCoilActiveElements',
    'ReceiveCoilName',
  ].map((key) => `warning SIDECAR_KEY_RECOMMENDED ${key}`),
]

const folder = await temporaryFolder()
const small = { subjects: 2, scanners: 2, seed: 1, voxelMm: 4, rescans: 0 } as const

describe.skipIf(validator === undefined)('the BIDS validator', () => {
  it.each<[string, SimulationOptions]>([
    ['lesions', { ...small, lesions: 2 }],
    [
      'motion, two grids, no skull',
      { ...small, voxelMm: [3.5, 4], motion: { degrees: 2, mm: 3 }, variant: 'skull-stripped' },
    ],
    ['sites, FLAIR', { ...small, design: 'sites', contrast: 'FLAIR', population: {} }],
  ])(
    'finds nothing wrong in a simulated dataset with %s, nor in the derivative made of it',
    async (name, options) => {
      const raw = join(folder, name.replaceAll(/\W+/g, '-'))
      await simulateCohort(raw, options)
      expect(issuesOf(raw).filter((issue) => !UNAVOIDABLE.includes(issue))).toEqual([])
      const harmonizer = await loadHarmonizer('zscore')
      const { results } = await applyCohort(
        harmonizer,
        raw,
        join(raw, 'derivatives', 'attune'),
        { dtype: 'float32', gzipLevel: 1, force: false, dryRun: false, overwrite: false, version: '0.0.0' },
        undefined,
        { suffix: options.contrast ?? 'T1w' },
      )
      expect(results.map(({ outcome }) => outcome)).toEqual(results.map(() => 'harmonized'))
      expect(issuesOf(join(raw, 'derivatives', 'attune'))).toEqual([])
    },
    60_000,
  )
})
