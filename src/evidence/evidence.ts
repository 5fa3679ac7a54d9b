/**
 * Results as data: everything a report shows, and nothing it would have to compute. A report is a view of this;
 * whoever doubts a figure finds its inputs by hash.
 */

import type { Selection } from './selection.ts'
import type { UncertaintyResult } from './uncertainty.ts'

export const EVIDENCE_SCHEMA = 'attune-evidence/1'

/** How the limit begins that ends in names of people. */
export const NOT_TESTED = 'Not tested because training has seen them or a relative'

export interface Evidence {
  readonly schema: typeof EVIDENCE_SCHEMA
  readonly title: string
  readonly harmonizer: HarmonizerFacts
  readonly design: Design
  readonly gates: readonly Gate[]
  /** One figure per (source domain, method, metric): the tables of the report. */
  readonly figures: readonly Figure[]
  /** One row per pair of scans and method: what the figures were pooled from. */
  readonly pairs: readonly PairResult[]
  readonly lesions: readonly LesionResult[]
  readonly pictures: readonly Pictures[]
  readonly histograms: readonly JointHistograms[]
  readonly curves: readonly Curves[]
  readonly training?: readonly LossPoint[]
  /** Why this method, where `auto` chose it. */
  readonly selection?: Selection
  /** The methods compared, from the weakest to the strongest. */
  readonly ladder?: readonly LadderStep[]
  /** What `fisher-ratio` was pooled from. */
  readonly separations?: readonly Separation[]
  readonly probe?: ScannerProbe
  readonly identification?: IdentificationResult
  /** What became of small changes of volume that were put into the source scans. */
  readonly atrophy?: readonly AtrophyResult[]
  /** What the mapping makes of reference scans. */
  readonly referenceChanges?: readonly ReferenceChangeResult[]
  /** Two scans of one person on one source scanner, before and after. */
  readonly consistency?: readonly ConsistencyResult[]
  /** Of harmonizers that keep HU or SUV: one row per scan. */
  readonly units?: readonly UnitResult[]
  /** Scanners of the cohort that the harmonizer was not trained on. */
  readonly unseen?: readonly UnseenScanner[]
  /** Where the harmonizer makes uncertainty maps. */
  readonly uncertainty?: UncertaintyResult
  readonly provenance: Provenance
  /** What these results do not show, one sentence each. */
  readonly limits: readonly string[]
}

export interface HarmonizerFacts {
  readonly name: string
  readonly method: string
  readonly target: string
  /** Where it makes one contrast from another, and what must be said with every result of that. */
  readonly translation?: { readonly from: string; readonly to: string; readonly caveat: string } | undefined
  readonly sources: readonly string[]
  readonly trainingSubjects: readonly string[]
  /** Hash of the bundle's manifest, which holds the hash of every other file of the bundle. */
  readonly manifestSha256: string
}

/** How the study was done, in words a reader can check. */
export interface Design {
  /** `within-subject` results show that the mapping fits, not that it carries over to other people. */
  readonly kind: 'held-out' | 'within-subject'
  readonly subjects: readonly string[]
  readonly domains: readonly string[]
  /** On which grid images were compared. */
  readonly grid: string
  readonly mask: string
  /** Robust range of the reference: unit of MAE, data range of PSNR and SSIM. */
  readonly range: { readonly low: number; readonly high: number; readonly meaning: string }
  readonly rescan: string
  /** How intervals of confidence were made, and what they cannot show. */
  readonly confidence?: string
  /** Where the tissues come from that separation was measured on. */
  readonly tissues?: string
}

export interface LadderStep {
  readonly method: string
  /** How much the method can change: see the ladder in the documentation. */
  readonly rung: number
}

export interface Gate {
  readonly id: string
  readonly title: string
  readonly status: 'pass' | 'fail' | 'not-evaluated'
  readonly criterion: string
  /** What was found, or why nothing could be. */
  readonly finding: string
}

export type Metric =
  | 'mae'
  | 'psnr'
  | 'ssim'
  | 'noise-ratio-target'
  | 'noise-ratio-source'
  | 'removable-share'
  | 'lesion-contrast'
  | 'fisher-ratio'
  | 'new-edges'
  | 'atrophy-kept'
  | 'reference-change'
  | 'consistency'
  | 'round-trip'

export interface Figure {
  readonly domain: string
  /** `rescan-target` and `rescan-source` are the floors; the others are methods. */
  readonly method: string
  readonly metric: Metric
  /** Absent where it could not be measured; `note` then says why. */
  readonly value?: number
  readonly unit: string
  readonly interval?: Interval
  readonly confidence?: Confidence
  /** Number of pairs, or of lesions, pooled. */
  readonly n: number
  readonly note?: string
}

export interface Interval {
  readonly kind: 'range' | 'p10-p90'
  readonly low: number
  readonly high: number
}

/** 95 %, from a bootstrap over families. */
export interface Confidence {
  readonly low: number
  readonly high: number
  /** Families that were drawn from; a person without a known family is one. */
  readonly families: number
}

export interface InputFile {
  readonly subject: string
  readonly domain: string
  readonly session: string
  readonly name: string
  readonly sha256: string
}

export interface PairResult {
  readonly subject: string
  readonly domain: string
  readonly sourceSession: string
  readonly targetSession: string
  readonly method: string
  readonly voxels: number
  readonly mae: number
  /** Absent where the images are equal, which makes it infinite. */
  readonly psnr?: number
  readonly ssim: number
  /** SD of noise in flat tissue, in the unit of the target; absent where too few flat voxels were found. */
  readonly noiseSd?: number
  /** The target's own, at the same voxels. */
  readonly targetNoiseSd?: number
  /** Gradient energy where the source has no edges, over what a curve would put there; of the harmonizer under test. */
  readonly newEdges?: number
  /** Mean absolute difference of the source from the harmonized image mapped back, in units of the source's range; where there is an inverse. */
  readonly roundTrip?: number
}

/** One change of volume put into a source scan, and the share of it that is left after harmonization. */
export interface AtrophyResult {
  readonly subject: string
  readonly domain: string
  readonly session: string
  /** Label of the tissue of which a region changed, and the region's volume. */
  readonly tissue: number
  readonly regionMl: number
  /** Lost of that volume. */
  readonly percent: number
  readonly kept: number
}

export interface ReferenceChangeResult {
  readonly subject: string
  readonly session: string
  /** Mean absolute change in the mask, in units of the range. */
  readonly value: number
}

export interface ConsistencyResult {
  readonly subject: string
  readonly domain: string
  readonly sessions: readonly [string, string]
  /** Mean absolute difference of the two scans in the unit of the harmonized ones, and after harmonization, in units of the range. */
  readonly before: number
  readonly after: number
}

export interface LesionResult {
  readonly subject: string
  readonly domain: string
  readonly lesion: number
  readonly volumeMm3: number
  /** Whether the eroded truth mask was measured, or its core voxels because erosion left nothing. */
  readonly measured: 'eroded' | 'core'
  readonly sourceCnr: number
  /** False where the source's CNR is below 1: counted apart. */
  readonly visible: boolean
  /** Harmonized over target contrast, per method. */
  readonly kept: Readonly<Record<string, number>>
}

/** How well one image separates two tissues that are neighbours in intensity, against the target scan of the same person. */
export interface Separation {
  readonly subject: string
  readonly domain: string
  readonly session: string
  readonly method: string
  /** Labels of the darker and the brighter tissue. */
  readonly tissues: readonly [dark: number, bright: number]
  /** Voxels of the smaller of the two. */
  readonly voxels: number
  /** Fisher's criterion of the image, and of the target. */
  readonly fisher: number
  readonly targetFisher: number
}

/** Whether a classifier can tell from which scanner images come. */
export interface ScannerProbe {
  readonly scanners: readonly string[]
  readonly scans: number
  readonly families: number
  readonly features: readonly string[]
  readonly results: readonly ProbeResult[]
  /** Why nothing was evaluated. */
  readonly note?: string
}

export interface ProbeResult {
  readonly method: string
  /** `frozen`: trained on images as they were, tested on harmonized ones; `retrained`: harmonized in both. */
  readonly training: 'frozen' | 'retrained'
  /** Mean over scanners of the share of scans named right, in people that the classifier has not seen. */
  readonly accuracy: number
  /** Middle 95 % of what labels permuted within each person give. */
  readonly chance: { readonly low: number; readonly high: number }
  /** Share of permutations that are at least as accurate, the found one among them. */
  readonly p: number
}

/** Whether scans still find the person they were taken of among the target scans. */
export interface IdentificationResult {
  readonly subjects: number
  readonly results: readonly {
    readonly method: string
    readonly scans: number
    readonly rankOne: number
    readonly confidence?: Confidence
    /** Mean correlation with the own target scan, and with those of others. */
    readonly self: number
    readonly others: number
  }[]
  readonly note?: string
}

/** What of a scan in a physical unit must stay, before and after. */
export interface UnitResult {
  readonly subject: string
  readonly domain: string
  readonly session: string
  readonly unit: 'HU' | 'SUVbw'
  /** Means of homogeneous regions away from their borders. */
  readonly regions: readonly ({ readonly name: string; readonly voxels: number } & Change)[]
  /** Voxels below and above what may change at all. */
  readonly extremes: { readonly voxels: number; readonly changed: number }
  /** Of the whole image the sum (times the voxel's volume: total activity); of the body SUVmax and SUVpeak. */
  readonly suv?: { readonly sum: Change; readonly max: Change; readonly peak: Change }
}

export interface Change {
  readonly before: number
  readonly after: number
}

export interface UnseenScanner {
  readonly domain: string
  /** What the harmonizer says to a scan of it; absent where it accepts the scan. */
  readonly refusal?: string
  /** Of the methods that need not know the scanner. */
  readonly figures: readonly Figure[]
}

export interface Pictures {
  readonly domain: string
  readonly subject: string
  /** Intensities shown as black and white; equal for every image but the difference. */
  readonly window: { readonly low: number; readonly high: number }
  /** The difference is shown from −span (blue) over 0 (grey) to +span (orange). */
  readonly differenceSpan: number
  readonly planes: readonly Plane[]
}

export interface Plane {
  readonly name: 'axial' | 'coronal' | 'sagittal'
  readonly images: readonly Picture[]
}

export interface Picture {
  readonly name: 'before' | 'after' | 'target' | 'difference-before' | 'difference-after'
  readonly width: number
  readonly height: number
  /** PNG, base64. */
  readonly png: string
}

export interface JointHistograms {
  readonly domain: string
  readonly subject: string
  readonly bins: number
  /** Edges of the bins of the target's axis, and of the `before` and `after` images' axes. */
  readonly range: { readonly low: number; readonly high: number }
  /** Row-major, target (rows) by image (columns), voxel counts. */
  readonly before: readonly number[]
  readonly after: readonly number[]
}

export interface Curves {
  readonly domain: string
  readonly subject: string
  readonly positions: readonly Curve[]
}

/** The mapping near one place: median output over narrow bins of input. */
export interface Curve {
  readonly label: string
  /** World coordinates in mm, RAS. */
  readonly at: readonly [number, number, number]
  readonly radiusMm: number
  readonly input: readonly number[]
  readonly output: readonly number[]
}

export interface LossPoint {
  readonly step: number
  readonly loss: number
  readonly validation?: number
}

export interface Provenance {
  readonly attune: string
  readonly node: string
  readonly command: string
  /** ISO date of the run. */
  readonly date: string
  readonly cohort: { readonly name: string; readonly sha256: string }
  readonly inputs: readonly InputFile[]
  readonly versions: Readonly<Record<string, string>>
}
