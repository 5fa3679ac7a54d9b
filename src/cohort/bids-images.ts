/** Which files of a BIDS dataset are the images that are asked for, and what is wrong with them by their names alone. */
import { ConfigError } from '../errors.ts'
import type { BidsDataset, BidsFile } from '../formats/bids/dataset.ts'
import {
  type BidsName,
  formatBidsName,
  isMoreGeneral,
  parseBidsName,
  withoutEntities,
} from '../formats/bids/name.ts'
import type { CohortProblem } from './cohort.ts'

/** @throws {ConfigError} when `suffix` is not a suffix, with or without entities before it */
export function wantedName(suffix: string): BidsName {
  const name = parseBidsName(`${suffix}.nii`)
  if (name) return name
  throw new ConfigError(
    `The suffix "${suffix}" is none of BIDS.`,
    'Give one such as T1w, or with entities that names must have: acq-mprage_T1w.',
  )
}

/**
 * Entities of images that are no further scan of the same kind: a contrast agent, another space, phase or real part. Such images are taken
 * only when they are asked for.
 */
const APART = ['ce', 'space', 'part']

/** Images under `sub-*` whose suffix and entities are those of `wanted`, and what was left out or may surprise. */
export function chooseImages(
  { files, misnamed }: BidsDataset,
  wanted: BidsName,
): { readonly images: readonly BidsFile[]; readonly notes: readonly string[] } {
  const named = files.filter(
    ({ path, name }) =>
      path.startsWith('sub-') &&
      name.suffix === wanted.suffix &&
      isMoreGeneral(wanted, name) &&
      /^\.nii(\.gz)?$/.test(name.extension),
  )
  const apart = named.filter(({ name }) => APART.some((key) => isApart(key, name, wanted)))
  const images = named.filter((file) => !apart.includes(file))
  const count = (n: number): string => (n === 1 ? '1 image is' : `${n} images are`)
  const notes = severalKinds(images)
  if (apart[0])
    notes.push(
      `${count(apart.length)} left out for ${APART.join(', ')} in the name, such as ${apart[0].path}; name it in --suffix to take it.`,
    )
  if (misnamed[0] !== undefined)
    notes.push(`${count(misnamed.length)} left out for names that are not of BIDS, such as ${misnamed[0]}.`)
  return { images, notes }
}

function isApart(key: string, { entities }: BidsName, wanted: BidsName): boolean {
  return (
    entities[key] !== undefined &&
    wanted.entities[key] === undefined &&
    `${key}-${entities[key]}` !== 'part-mag'
  )
}

/** Says that images of one session differ in more than their run: they count as rescans of each other. */
function severalKinds(images: readonly BidsFile[]): string[] {
  const first = new Map<string, BidsFile>()
  for (const file of images) {
    const { sub, ses } = file.name.entities
    const session = `${sub} ${ses}`
    const other = first.get(session)
    if (other === undefined) first.set(session, file)
    else if (kindOf(other) !== kindOf(file))
      return [
        `${other.path} and ${file.path} are of one session and count as rescans of each other; where they are not, choose with --suffix, such as acq-fast_T1w.`,
      ]
  }
  return []
}

function kindOf({ name }: BidsFile): string {
  return formatBidsName({ entities: withoutEntities(name.entities, ['run']), suffix: '', extension: '' })
}

/**
 * What tells scans of one subject apart: the session, and every other entity of the name: `A`, `A_run-2`, `run-2`; `1` where there is none.
 */
export function sessionKey({ entities }: BidsName): string {
  const { ses } = entities
  const others = formatBidsName({
    entities: withoutEntities(entities, ['sub', 'ses']),
    suffix: '',
    extension: '',
  })
  return (
    [...(ses === undefined ? [] : [ses]), ...(others === '' ? [] : [others.replace(/_$/, '')])].join('_') ||
    '1'
  )
}

/** Problems of names and places. */
export function imageProblems(images: readonly BidsFile[]): readonly CohortProblem[] {
  const seen = new Map<string, string>()
  return images.flatMap(({ path, name, present }): readonly CohortProblem[] => {
    const { sub, ses } = name.entities
    const key = formatBidsName({ ...name, extension: '' })
    const other = seen.get(key)
    seen.set(key, path)
    const folders = path.split('/').slice(0, -1)
    if (
      folders[0] !== `sub-${sub}` ||
      folders.some((part) => part.startsWith('ses-') && part !== `ses-${ses}`)
    )
      return [
        {
          code: 'misplaced-image',
          image: path,
          message: 'Its name and its folders differ in subject or session.',
          remedy: 'Correct the name, or move the file: one of them is of somebody else.',
        },
      ]
    if (other !== undefined)
      return [
        {
          code: 'duplicate-row',
          image: path,
          message: `${other} is the same scan.`,
          remedy: 'Keep one of the two files.',
        },
      ]
    if (present) return []
    return [
      {
        code: 'unfetched-image',
        image: path,
        message: 'It is a link to nothing: its content is not here.',
        remedy: `Fetch it (datalad get ${path}), or take it out of the dataset.`,
      },
    ]
  })
}

/** That no image is there, with what is. */
export function noImage({ root, files, misnamed }: BidsDataset, suffix: string): CohortProblem {
  const found = new Set(
    files
      .filter(({ path, name }) => path.startsWith('sub-') && /^\.nii(\.gz)?$/.test(name.extension))
      .map(({ name }) => name.suffix),
  )
  const other = misnamed[0] === undefined ? '' : ` Names such as ${misnamed[0]} are not of BIDS.`
  return {
    code: 'no-image',
    message: `${root} holds no ${suffix} image.${other}`,
    remedy: `Its suffixes are ${[...found].sort().join(', ') || 'none'}: choose with --suffix.`,
  }
}
