/** Names of the two files of a .hdr/.img pair, either of which may be gzipped. */
import { access } from 'node:fs/promises'

export interface ImageFiles {
  readonly header: string
  /** Where the samples lie if the header says that they are not in its own file; absent where there is no such file. */
  readonly samples?: string
}

const NAME = /^(.*)\.(hdr|img)(\.gz)?$/i

/** The files of the image that `path` names: `x.hdr` and the `x.img` beside it by either name, anything else by itself. */
export async function imageFiles(path: string): Promise<ImageFiles> {
  const [, stem, suffix, gz = ''] = NAME.exec(path) ?? []
  if (stem === undefined || suffix === undefined) return { header: path }
  const isHeader = suffix.toLowerCase() === 'hdr'
  const lower = isHeader ? 'img' : 'hdr'
  const other = suffix === suffix.toUpperCase() ? lower.toUpperCase() : lower
  const partner = await firstOf(`${stem}.${other}${gz}`, `${stem}.${other}${gz === '' ? '.gz' : ''}`)
  if (partner === undefined) return { header: path }
  return isHeader ? { header: path, samples: partner } : { header: partner, samples: path }
}

async function firstOf(...paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const there = await access(path).then(
      () => true,
      () => false,
    )
    if (there) return path
  }
  return undefined
}
