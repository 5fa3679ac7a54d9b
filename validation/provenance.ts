/** Which files, versions and command a study came from. */
import { basename, relative, resolve } from 'node:path'
import type { Cohort, Pair, Scan } from '../src/cohort/cohort.ts'
import { cohortFolder, cohortHash } from '../src/cohort/identity.ts'
import type { Evidence, InputFile } from '../src/evidence/evidence.ts'
import { sha256File } from '../src/files.ts'
import type { Bundle } from '../src/harmonizer/bundle.ts'

interface Sources {
  readonly options: {
    readonly cohort: string
    readonly command: string
    readonly date: string
    readonly attune: string
  }
  readonly bundle: Bundle
  readonly cohort: Cohort
  readonly pairs: readonly Pair[]
}

export async function provenanceOf({
  options,
  bundle,
  cohort,
  pairs,
}: Sources): Promise<Evidence['provenance']> {
  const folder = cohortFolder(cohort)
  const used = new Map<string, Scan>()
  for (const { source, target } of pairs) for (const scan of [source, target]) used.set(scan.image, scan)
  for (const scan of cohort.scans) used.set(scan.image, scan)
  const inputs: InputFile[] = []
  for (const { subject, domain, session, image, mask, truth } of used.values())
    for (const path of [image, mask, truth.lesions, truth.tissue])
      if (path !== undefined)
        inputs.push({
          subject,
          domain,
          session,
          name: relative(folder, path),
          sha256: await sha256File(path),
        })
  return {
    attune: options.attune,
    node: process.versions.node,
    command: options.command,
    date: options.date,
    cohort: { name: basename(resolve(options.cohort)), sha256: await cohortHash(cohort) },
    inputs,
    versions: Object.fromEntries(
      Object.entries(bundle.manifest.versions).map(([name, version]) => [`${name} that trained`, version]),
    ),
  }
}
