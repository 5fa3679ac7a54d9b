/**
 * attune as a library. Five lines bring an image into the reference domain:
 *
 *     import { loadHarmonizer, readNifti, writeNifti } from 'attune'
 *     const harmonizer = await loadHarmonizer('to-b.harmonizer')
 *     const { volume, header } = await readNifti('in.nii.gz')
 *     const { volume: harmonized, record } = await harmonizer.apply(volume, { domain: 'scanner-a' })
 *     await writeNifti('out.nii.gz', harmonized, { like: header })
 */

export type { DomainSource } from './cohort/bids-domain.ts'
export type { Cohort, CohortProblem, Pair, Scan } from './cohort/cohort.ts'
export { pairsOf, rescansOf } from './cohort/cohort.ts'
export { type CohortOptions, readManifest, requireCohort } from './cohort/manifest.ts'
export { type Applied, applyCombat } from './combat/apply.ts'
export type { BatchStart, BatchStarts } from './combat/batch-starts.ts'
export type { Coding } from './combat/coding.ts'
export type { Covariance } from './combat/covariance.ts'
export { type ComponentChoice, type CovbatOptions, fitCovbat } from './combat/covbat.ts'
export { type CrossfitOptions, type Crossfitted, crossfitCombat } from './combat/crossfit.ts'
export type { Covariate, Features, Note, SampleTable } from './combat/data.ts'
export { type DiagnoseRequest, diagnoseCombat } from './combat/diagnose.ts'
export { type Explanation, explainCombat } from './combat/explain.ts'
export type { SmoothExplanation } from './combat/explain-smooth.ts'
export { explainSteps, type StepsExplanation } from './combat/explain-steps.ts'
export { type FitOptions, fitCombat } from './combat/fit.ts'
export { type Harmonize, type Tested, type TestOptions, testCovariate } from './combat/inference.ts'
export { fitLongitudinal, type LongitudinalOptions } from './combat/longitudinal.ts'
export { type BatchEffect, type CombatModel, parseCombatModel } from './combat/model.ts'
export { type Extended, estimateNewBatches, type NewBatch } from './combat/new-batch.ts'
export type { AnyVariant, LeftOut, Repeated } from './combat/repeated.ts'
export type { Smooth, SmoothOptions } from './combat/smooth.ts'
export {
  applySteps,
  type BatchColumn,
  type CombatSteps,
  fitSteps,
  parseCombatSteps,
  type StepsApplied,
  type StepsFit,
} from './combat/steps.ts'
export { fitTraveling, type TravelingOptions } from './combat/traveling.ts'
export type { Compat, Variant } from './combat/variants.ts'
export type { Within } from './combat/within.ts'
export {
  AttuneError,
  ConfigError,
  InputError,
  MissingError,
  RefusedError,
  UnfittableError,
} from './errors.ts'
export type { CombatDiagnostics } from './evidence/combat-diagnostics.ts'
export type { Extension } from './formats/nifti/extensions.ts'
export type { HeaderFields, NiftiHeader } from './formats/nifti/header.ts'
export { type NiftiImage, type ReadOptions, readNifti, readNiftiHeader } from './formats/nifti/read.ts'
export { type WriteOptions, type WriteReport, writeNifti } from './formats/nifti/write.ts'
export { applyCohort, type CohortResult, type ScanResult } from './harmonizer/apply-cohort.ts'
export { applyFile, type FileRecord, type FileRequest } from './harmonizer/apply-file.ts'
export { type Bundle, readBundle } from './harmonizer/bundle.ts'
export {
  type ApplyOptions,
  type Harmonized,
  type Harmonizer,
  type LoadOptions,
  loadHarmonizer,
} from './harmonizer/harmonizer.ts'
export type { DomainLimits, Manifest } from './harmonizer/manifest.ts'
export type { Method, Model } from './harmonizer/method.ts'
export type { HarmonizationRecord } from './harmonizer/record.ts'
export type { Calibration, Uncertainty } from './harmonizer/uncertainty.ts'
export { foregroundMask } from './volume/mask.ts'
export {
  type Grid,
  type Samples,
  type Shape,
  type Step,
  sameGrid,
  toFloat32,
  type Unit,
  type Volume,
  volumeOf,
  voxelSize,
} from './volume/volume.ts'
