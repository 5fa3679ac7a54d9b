/** The uncertainty map as a file beside an image. */
import { basename } from 'node:path'
import { sha256File } from '../files.ts'
import type { NiftiHeader } from '../formats/nifti/header.ts'
import { writeNifti } from '../formats/nifti/write.ts'
import type { Harmonized, Harmonizer } from './harmonizer.ts'
import { type Uncertainty, withoutFolds } from './uncertainty.ts'

export interface MapRecord extends Omit<Uncertainty, 'map'> {
  readonly name: string
  /** Absent after a dry run. */
  readonly sha256?: string
}

interface MapRequest {
  readonly uncertainty?: string | undefined
  readonly gzipLevel: number
  readonly dryRun: boolean
}

/** Written before the record, so that a record is never without its map. */
export async function writeUncertainty(
  { uncertainty: path, gzipLevel, dryRun }: MapRequest,
  like: NiftiHeader,
  { uncertainty }: Harmonized,
): Promise<MapRecord | undefined> {
  if (path === undefined || uncertainty === undefined) return undefined
  const { map, ...facts } = uncertainty
  const written = dryRun
    ? undefined
    : await writeNifti(path, map, {
        like,
        dtype: 'float32',
        gzipLevel,
        description: `attune half width, ${100 * facts.level} %, ${facts.calibrated ? `calibrated on ${facts.people} people` : 'UNCALIBRATED'}`,
      })
  return { name: basename(path), ...facts, ...(written && { sha256: written.sha256 }) }
}

/** Whether the map that a record speaks of is there and unchanged. */
export async function holdsMap(path: string, record: MapRecord | undefined): Promise<boolean> {
  if (record === undefined) return false
  return (await sha256File(path).catch(() => undefined)) === record.sha256
}

/** `sub-1_T1w.nii.gz` -> `sub-1_T1w_uncertainty.nii.gz`; in a derivative, `desc-harmonized` -> `desc-harmonizedUncertainty`. */
export function uncertaintyPath(output: string): string {
  const derivative = /_desc-([A-Za-z0-9]+)(_[A-Za-z0-9]+\.nii(\.gz)?)$/
  return derivative.test(output)
    ? output.replace(derivative, '_desc-$1Uncertainty$2')
    : output.replace(/(\.nii(\.gz)?)$/, '_uncertainty$1')
}

/** @throws {RefusedError} for a harmonizer that holds no folds */
export function requireCalibration({ calibration, identity }: Harmonizer): void {
  if (calibration === undefined) throw withoutFolds(identity.name)
}
