/** A cohort: one row per scan, as read from a TSV manifest or a BIDS dataset. Paths only; images are read when needed. */

export interface Scan {
  /** The person (or digital anatomy). Scans that share it are never split between training and test. */
  readonly subject: string
  /** Where the image comes from: a scanner with a protocol. */
  readonly domain: string
  /** Tells rescans of one subject on one domain apart; `'1'` where the manifest has no column. */
  readonly session: string
  /** Absolute path of the image. */
  readonly image: string
  /** Absolute path of a mask on the image's grid, where the manifest gives one. */
  readonly mask?: string
  /** Absolute path of a mask that limits what counts in fitting and validation; `mask` stays the body. */
  readonly region?: string
  /** What the dataset's JSON files say of the image, the inherited ones with them; where absent, the file beside the image counts. */
  readonly sidecar?: Readonly<Record<string, unknown>>
  /** Absolute paths of truth that only validation reads: `lesions` (labels 1..n), `tissue` (labels). */
  readonly truth: { readonly lesions?: string; readonly tissue?: string }
  /** Every other column, as text. */
  readonly covariates: Readonly<Record<string, string>>
}

export interface Cohort {
  /** Path of the manifest or dataset: for messages only. */
  readonly source: string
  /** Root of the dataset, where it is BIDS. */
  readonly root?: string
  readonly scans: readonly Scan[]
}

/** What is wrong with a manifest or dataset; all problems are reported at once. Rows count from 1, without the header. */
export interface CohortProblem {
  readonly code:
    | 'missing-column'
    | 'missing-value'
    | 'missing-file'
    | 'duplicate-row'
    | 'unknown-target'
    | 'different-grids'
    | 'unreadable-image'
    | 'no-image'
    | 'unfetched-image'
    | 'misplaced-image'
    | 'missing-domain'
    | 'ambiguous-mask'
    | 'unreadable-sidecar'
    | 'unreadable-table'
  readonly row?: number
  /** Path of an image from the root of its BIDS dataset. */
  readonly image?: string
  readonly message: string
  readonly remedy: string
}

/** Source and target scan of one subject: the unit of paired training and validation. */
export interface Pair {
  readonly subject: string
  readonly source: Scan
  readonly target: Scan
}

/**
 * Every scan on another domain with one target-domain scan of the same subject, in the manifest's order. Where a subject has several
 * target scans, its scans on a domain take them in turn: all combinations would repeat the same noise.
 */
export function pairsOf(cohort: Cohort, target: string): readonly Pair[] {
  const sources = cohort.scans.filter((scan) => scan.domain !== target)
  return sources.flatMap((source, index) => {
    const alike = (scan: Scan): boolean => scan.subject === source.subject && scan.domain === source.domain
    const targets = cohort.scans.filter((scan) => scan.subject === source.subject && scan.domain === target)
    const turn = sources.slice(0, index).filter(alike).length
    const choice = targets[turn % targets.length]
    return choice === undefined ? [] : [{ subject: source.subject, source, target: choice }]
  })
}

/** Scans of one subject on one domain, two by two: what scan-rescan noise is measured on. */
export function rescansOf(cohort: Cohort, domain: string): readonly (readonly [Scan, Scan])[] {
  const found: (readonly [Scan, Scan])[] = []
  const scans = cohort.scans.filter((scan) => scan.domain === domain)
  for (const [index, first] of scans.entries())
    for (const second of scans.slice(index + 1))
      if (second.subject === first.subject) found.push([first, second])
  return found
}
