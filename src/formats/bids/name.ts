/** Names of files in BIDS: `sub-01_ses-A_T1w.nii.gz` is two entities, a suffix and an extension. */

export interface BidsName {
  /** Label of each entity, by its short key: `{ sub: '01', ses: 'A' }`. */
  readonly entities: Readonly<Record<string, string>>
  readonly suffix: string
  /** With its dots: `.nii.gz`. */
  readonly extension: string
}

/**
 * The order in which names list entities.
 * @see https://bids-specification.readthedocs.io/en/v1.10.0/appendices/entity-table.html
 */
const ENTITY_ORDER =
  'sub tpl ses cohort sample task tracksys acq nuc voi ce trc stain rec dir run mod echo flip inv mt part proc hemi space split recording chunk seg res den label desc'.split(
    ' ',
  )

/** `undefined` where the name is not one that BIDS could have: no suffix, a label with other than letters and digits, an entity twice. */
export function parseBidsName(file: string): BidsName | undefined {
  const [, stem, extension] = /^([^.]+)(\..+)$/.exec(file) ?? []
  if (stem === undefined || extension === undefined) return undefined
  const parts = stem.split('_')
  const suffix = parts.pop() as string
  if (!/^[A-Za-z0-9]+$/.test(suffix)) return undefined
  const pairs = parts.map((part) => /^([a-z]+)-([A-Za-z0-9+]+)$/.exec(part)?.slice(1))
  if (pairs.includes(undefined)) return undefined
  const entities = Object.fromEntries(pairs as [string, string][])
  return Object.keys(entities).length === pairs.length ? { entities, suffix, extension } : undefined
}

/** The file's name, entities in the order of the standard; those that it does not know stand before `desc`. */
export function formatBidsName({ entities, suffix, extension }: BidsName): string {
  const place = (key: string): number => {
    const at = ENTITY_ORDER.indexOf(key)
    return at < 0 ? ENTITY_ORDER.length - 1.5 : at
  }
  const keys = Object.keys(entities).toSorted((a, b) => place(a) - place(b) || (a < b ? -1 : 1))
  return `${[...keys.map((key) => `${key}-${entities[key]}`), suffix].join('_')}${extension}`
}

/** Whether every entity of `general` has the same label in `special`. */
export function isMoreGeneral(general: BidsName, special: BidsName): boolean {
  return Object.entries(general.entities).every(([key, label]) => special.entities[key] === label)
}

/** A name's entities without some of them. */
export function withoutEntities(
  entities: BidsName['entities'],
  keys: readonly string[],
): BidsName['entities'] {
  return Object.fromEntries(Object.entries(entities).filter(([key]) => !keys.includes(key)))
}
