/** Finds the files that ship with attune; sources and compiled files lie at different depths, so nobody counts `..`. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const root = dirname(createRequire(import.meta.url).resolve('attune/package.json'))

/** Absolute path of `relative`, given from the package root: `packageFile('data/anatomy/t1.json')`. */
export function packageFile(relative: string): string {
  return join(root, relative)
}

/** The version of this attune. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string }).version
}
