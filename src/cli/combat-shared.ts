/** What `attune combat fit`, `apply` and the commands that judge them share: options and notes. */
import type { Note } from '../combat/data.ts'
import { ConfigError } from '../errors.ts'
import { type CommonOptions, remarks } from './output.ts'

/** Of an option that may be repeated. */
export const NAMES = {
  type: 'string',
  array: true,
  nargs: 1,
  default: [] as string[],
  requiresArg: true,
} as const

/** Of maps. */
export const IMAGES = {
  images: {
    type: 'string',
    requiresArg: true,
    describe: "Column of NIfTI maps to harmonize voxel by voxel; paths are below the table's folder",
  },
  'images-root': { type: 'string', describe: 'Folder that these paths are below instead' },
  'output-dir': { type: 'string', describe: 'Folder of the harmonized maps' },
} as const

/** @throws {ConfigError} for options of maps beside a table */
export function requireNoImages(idle: Readonly<Record<string, string | undefined>>): void {
  const given = Object.entries(idle).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  if (given.length === 0) return
  throw new ConfigError(
    `${given.join(', ')} ${given.length === 1 ? 'is' : 'are'} given for a table.`,
    'Maps are harmonized where fit has --images COLUMN, and applied with the folder that it wrote.',
  )
}

/** On standard error; with --json they stand in the result. */
export function sayNotes(options: CommonOptions, notes: readonly Note[]): void {
  const say = remarks({ ...options, quiet: options.quiet || options.json })
  for (const { text } of notes) say(`note: ${text}`)
}
