/** Where the images of a cohort go, and what frames them there. */
import { basename, isAbsolute, join, relative } from 'node:path'
import type { Scan } from '../cohort/cohort.ts'
import type { FileRequest } from './apply-file.ts'

export type Place = Pick<FileRequest, 'output' | 'sidecar'>

export interface Destination {
  /** @throws {ConfigError} when the folder holds what must not be mixed with this run's outputs */
  check?(overwrite: boolean): Promise<void>
  /** Before the first image. */
  begin?(): Promise<void>
  placeOf(scan: Scan): Place
  /** After the last image. */
  end?(done: readonly Scan[]): Promise<void>
}

/** The table of harmonized images, at the root of either kind. */
export const HARMONIZED_MANIFEST = 'harmonized.tsv'

/** Paths as they are relative to the manifest's folder `home`. */
export function manifestDestination(home: string, folder: string): Destination {
  return { placeOf: (scan) => ({ output: join(folder, outputName(scan, home)) }) }
}

/**
 * The path below the manifest's folder where there is one; images from elsewhere are named by what the manifest says of them.
 * A .hdr/.img pair becomes one .nii.
 */
function outputName(scan: Scan, home: string): string {
  const image = scan.image.replace(/\.(hdr|img)(\.gz)?$/i, '.nii$2')
  const path = relative(home, image)
  if (!path.startsWith('..') && !isAbsolute(path)) return path
  const safe = (text: string): string => text.replace(/[^A-Za-z0-9-]+/g, '-')
  return `${[scan.subject, scan.domain, scan.session].map(safe).join('_')}_${basename(image)}`
}
