/** Where the images of a cohort go, and what frames them there. */
import { basename, dirname, isAbsolute, join, relative } from 'node:path'
import type { Scan } from '../cohort/cohort.ts'
import { deedOf, translatedName } from '../domain/translation.ts'
import type { FileRequest } from './apply-file.ts'
import type { HarmonizerIdentity } from './record.ts'

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

/** The table of harmonized images, at the root of either kind: `harmonized.tsv`. */
export function tableOf(identity: HarmonizerIdentity): string {
  return `${deedOf(identity).done}.tsv`
}

/** Paths as they are relative to the manifest's folder `home`; the names of translated images have the new contrast. */
export function manifestDestination(
  home: string,
  folder: string,
  { translation, target }: HarmonizerIdentity,
): Destination {
  return {
    placeOf(scan) {
      const path = outputName(scan, home)
      const changes = translation !== undefined && scan.domain !== target
      const name = changes ? translatedName(basename(path), translation) : basename(path)
      return { output: join(folder, dirname(path), name) }
    },
  }
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
