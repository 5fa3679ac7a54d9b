import { expect, it } from 'vitest'
import * as attune from './index.ts'

it('exports these values and no others; a change here is a change for every user', () => {
  expect(Object.keys(attune).sort()).toEqual([
    'AttuneError',
    'ConfigError',
    'InputError',
    'MissingError',
    'RefusedError',
    'UnfittableError',
    'applyCohort',
    'applyCombat',
    'applyFile',
    'crossfitCombat',
    'diagnoseCombat',
    'estimateNewBatches',
    'explainCombat',
    'fitCombat',
    'fitLongitudinal',
    'fitTraveling',
    'foregroundMask',
    'loadHarmonizer',
    'pairsOf',
    'parseCombatModel',
    'readBundle',
    'readManifest',
    'readNifti',
    'readNiftiHeader',
    'requireCohort',
    'rescansOf',
    'sameGrid',
    'testCovariate',
    'toFloat32',
    'volumeOf',
    'voxelSize',
    'writeNifti',
  ])
})
