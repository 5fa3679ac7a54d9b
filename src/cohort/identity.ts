/** What a record says of a cohort: where its paths start, and which one it was. */
import { dirname, relative, resolve } from 'node:path'
import { sha256, sha256File } from '../files.ts'
import type { Cohort } from './cohort.ts'

/** The folder that paths in records are relative to: of the manifest, or the dataset's root. */
export function cohortFolder({ source, root }: Cohort): string {
  return root === undefined ? dirname(resolve(source)) : resolve(root)
}

/** Of the manifest's bytes; of a dataset, which has no such file, of its scans as rows of one, in their order. */
export async function cohortHash(cohort: Cohort): Promise<string> {
  if (cohort.root === undefined) return sha256File(cohort.source)
  const folder = cohortFolder(cohort)
  const from = (path: string | undefined): string | null =>
    path === undefined ? null : relative(folder, path)
  const rows = cohort.scans.map(({ subject, domain, session, image, mask, covariates }) =>
    JSON.stringify([subject, domain, session, from(image), from(mask), covariates]),
  )
  return sha256(rows.join('\n'))
}
