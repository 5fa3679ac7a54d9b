/** Finds the files that ship with attune; sources and compiled files lie at different depths, so nobody counts `..`. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const root = dirname(createRequire(import.meta.url).resolve('attune/package.json'))

/** Absolute path of `relative`, given from the package root: `packageFile('data/anatomy/t1.json')`. */
export function packageFile(relative: string): string {
  return join(root, relative)
}
