/** Which scans of a cohort share a mapping, and what they give to it. */
import { NO_DOMAIN } from '../cohort/bids.ts'
import type { Cohort, Scan } from '../cohort/cohort.ts'
import { AttuneError } from '../errors.ts'
import { niftiSha256 } from '../formats/nifti/read.ts'
import type { Visit } from './joint.ts'

/** What a scan shares its mapping with. */
export interface Shared {
  readonly visits: readonly Visit[]
  /** SHA-256 of the images of the other visits: what the result depends on, beside its input. */
  readonly visitsSha256: readonly string[]
}

export interface Visits {
  /** `undefined` for a scan that is mapped by itself. The images of a person's visits on a scanner are read when the first of them asks. */
  sharedBy(scan: Scan): Promise<Shared | undefined>
  /** Without reading the images for what they give: enough to know whether an output is up to date. */
  hashesOf(scan: Scan): Promise<readonly string[] | undefined>
}

/**
 * Visits of one person on one scanner, where there are several and the scanner is known. Scans of the target are passed through, and share nothing.
 * @param look what a scan gives to a shared mapping; a scan that cannot be read, or is refused, gives nothing
 */
export function visitsOf(
  { scans }: Cohort,
  target: string | undefined,
  look: (scan: Scan) => Promise<Visit | undefined>,
): Visits {
  const keyOf = ({ subject, domain }: Scan): string => JSON.stringify([subject, domain])
  const groups = new Map<string, Scan[]>()
  for (const scan of scans.filter(({ domain }) => domain !== target && domain !== NO_DOMAIN))
    groups.set(keyOf(scan), [...(groups.get(keyOf(scan)) ?? []), scan])
  const hashes = new Map<string, Promise<string | undefined>>()
  const hashOf = (scan: Scan): Promise<string | undefined> => {
    const known = hashes.get(scan.image) ?? niftiSha256(scan.image).catch(() => undefined)
    hashes.set(scan.image, known)
    return known
  }
  // only the person at hand: a cohort's voxels do not fit into memory
  let current: { readonly key: string; readonly looked: Promise<ReadonlyMap<Scan, Visit>> } | undefined
  const groupOf = (scan: Scan): readonly Scan[] | undefined => {
    const group = groups.get(keyOf(scan))
    return group !== undefined && group.length > 1 ? group : undefined
  }
  return {
    async sharedBy(scan) {
      const group = groupOf(scan)
      if (group === undefined) return undefined
      const key = keyOf(scan)
      if (current?.key !== key) current = { key, looked: lookAtAll(group, look) }
      const others = [...(await current.looked)].filter(([other]) => other !== scan)
      return { visits: others.map(([, visit]) => visit), visitsSha256: (await this.hashesOf(scan)) ?? [] }
    },
    async hashesOf(scan) {
      const others = groupOf(scan)?.filter((other) => other !== scan)
      if (others === undefined) return undefined
      return (await Promise.all(others.map(hashOf))).filter((hash) => hash !== undefined)
    },
  }
}

async function lookAtAll(
  group: readonly Scan[],
  look: (scan: Scan) => Promise<Visit | undefined>,
): Promise<ReadonlyMap<Scan, Visit>> {
  const found = new Map<Scan, Visit>()
  for (const scan of group)
    try {
      const visit = await look(scan)
      if (visit !== undefined) found.set(scan, visit)
    } catch (error) {
      if (!(error instanceof AttuneError)) throw error // the scan's own turn will say so
    }
  return found
}
