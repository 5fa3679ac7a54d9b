/**
 * What was done to an image before attune saw it. A mapping learned on images prepared one way is wrong for images prepared another
 * way, and nothing in the result would show it; so it is recorded in training and compared when the mapping is applied.
 */
import { ConfigError } from '../errors.ts'

export const PREPARATION_FIELDS = {
  contrast: 'contrast',
  skullStripped: 'skull-stripped',
  defaced: 'defaced',
  biasCorrected: 'bias-corrected',
  prescanNormalized: 'prescan-normalized',
  distortionCorrected: 'distortion-corrected',
  contrastAgent: 'contrast-agent',
  space: 'space',
} as const
export type PreparationField = keyof typeof PREPARATION_FIELDS

/**
 * What is known; a field that is absent is not known. `contrast` is one of `CONTRASTS`; `space` is `scanner` or the name of a template
 * (`MNI`); `distortionCorrected` is `none`, `2D` or `3D`; the others are `yes` or `no`.
 */
export type Preparation = { readonly [Field in PreparationField]?: string }

export const CONTRASTS = ['T1w', 'T2w', 'PDw', 'FLAIR', 'T2starw'] as const

const YES_NO: ReadonlySet<PreparationField> = new Set([
  'skullStripped',
  'defaced',
  'biasCorrected',
  'prescanNormalized',
  'contrastAgent',
])

/** Fields in the order of `PREPARATION_FIELDS`, so that equal knowledge is written alike. */
export function orderedPreparation(known: Preparation): Preparation {
  return Object.fromEntries(
    fields().flatMap((field) => (known[field] === undefined ? [] : [[field, known[field]]])),
  )
}

function fields(): readonly PreparationField[] {
  return Object.keys(PREPARATION_FIELDS) as PreparationField[]
}

/** What the first source that knows a field says of it. */
export function firstKnown(...sources: readonly Preparation[]): Preparation {
  return orderedPreparation(Object.assign({}, ...sources.toReversed()) as Preparation)
}

/** Of several images: per field the value of those of which it is known; `mixed` where they differ. */
export function commonPreparation(images: readonly Preparation[]): Preparation {
  return Object.fromEntries(
    fields().flatMap((field) => {
      const values = [...new Set(images.flatMap((image) => image[field] ?? []))]
      return values.length === 0 ? [] : [[field, values.length === 1 ? values[0] : MIXED]]
    }),
  )
}

export const MIXED = 'mixed'

/** One field, in words: `not skull-stripped`, `contrast FLAIR`. */
export function inWords(field: PreparationField, value: string): string {
  const word = PREPARATION_FIELDS[field]
  if (YES_NO.has(field) && field !== 'contrastAgent') return value === 'yes' ? word : `not ${word}`
  if (field === 'contrastAgent') return value === 'yes' ? 'with contrast agent' : 'without contrast agent'
  if (field === 'distortionCorrected')
    return value === 'none' ? 'not distortion-corrected' : `distortion-corrected in ${value}`
  return field === 'space' ? `in ${value} space` : value
}

/**
 * What a user says: words such as `bias-corrected`, `not-defaced`, `contrast-agent`, `distortion-corrected:3D`, `contrast:T1w`,
 * `space:MNI`, separated by commas; `n/a` says nothing.
 * @throws {ConfigError} for a word that is none of them, or a field named twice
 */
export function parsePrepared(text: string): Preparation {
  const known: Partial<Record<PreparationField, string>> = {}
  for (const word of text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '' && part !== 'n/a')) {
    const [, not, name, , value] = /^(not-)?([a-z-]+)(:([A-Za-z0-9]+))?$/.exec(word) ?? []
    const field = fields().find((candidate) => PREPARATION_FIELDS[candidate] === name)
    const meaning = field && meaningOf(field, not !== undefined, value)
    if (field === undefined || meaning === undefined)
      throw new ConfigError(
        `"${word}" says nothing that attune knows of an image's preparation.`,
        `Use ${fields()
          .filter((candidate) => YES_NO.has(candidate))
          .map((candidate) => PREPARATION_FIELDS[candidate])
          .join(
            ', ',
          )} (each also with not- before it), distortion-corrected:2D or :3D, contrast:T1w (${CONTRASTS.join(', ')}), space:scanner or space:NAME.`,
      )
    if (known[field] !== undefined)
      throw new ConfigError(
        `The preparation says ${PREPARATION_FIELDS[field]} twice, in "${text}".`,
        'Say it once.',
      )
    known[field] = meaning
  }
  return orderedPreparation(known)
}

function meaningOf(field: PreparationField, not: boolean, value: string | undefined): string | undefined {
  if (YES_NO.has(field)) return value === undefined ? (not ? 'no' : 'yes') : undefined
  if (field === 'distortionCorrected')
    return not && value === undefined ? 'none' : ['2D', '3D'].find((choice) => choice === value && !not)
  if (not) return undefined
  return field === 'contrast' ? CONTRASTS.find((choice) => choice === value) : value
}

/** Where an image differs from training, or cannot be compared. */
export interface PreparationComparison {
  /** Both known, and different. */
  readonly differing: readonly { field: PreparationField; image: string; training: string }[]
  /** Known of training, not of the image. */
  readonly unknown: readonly { field: PreparationField; training: string }[]
}

/**
 * Fields in which the training images themselves differ, or that are not known of them, refuse nothing; but images of which no contrast
 * agent is known are taken to have none, since images that have one are said to.
 */
export function comparePreparation(image: Preparation, training: Preparation): PreparationComparison {
  const assumed: Preparation = image.contrastAgent === 'yes' ? { contrastAgent: 'no', ...training } : training
  const known = fields().flatMap((field) => {
    const value = assumed[field]
    return value === undefined || value === MIXED ? [] : [{ field, training: value, image: image[field] }]
  })
  return {
    differing: known.flatMap((entry) =>
      entry.image === undefined || entry.image === entry.training ? [] : [{ ...entry, image: entry.image }],
    ),
    unknown: known.flatMap(({ field, training: value, image: own }) =>
      own === undefined ? [{ field, training: value }] : [],
    ),
  }
}
