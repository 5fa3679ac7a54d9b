/** What a report draws of one pair: slices, joint histograms, local curves. */
import type { Curves, JointHistograms, Pictures } from '../src/evidence/evidence.ts'
import { maskedQuantiles } from '../src/kernels/quantile.ts'
import { frameOf } from '../src/volume/frame.ts'
import type { Grid } from '../src/volume/volume.ts'
import { jointHistogram } from './joint-histogram.ts'
import { localCurves } from './local-curves.ts'
import { type Index3, maskExtent } from './mask-extent.ts'
import type { MeasuredPair } from './measure-pair.ts'
import { drawPlanes } from './pictures.ts'

/** Brightest shown: percentile of the target in the mask, and of both axes of the joint histogram. */
const WHITE = 0.98
const JOINT_TOP = 0.995
const JOINT_BINS = 64
/** How far up the mask the axial slice lies. */
const AXIAL = 0.58
/** Full colour of a difference, as a part of the reference's robust range. */
const FULL_COLOR = 0.25

export interface Views {
  readonly pictures: Pictures
  readonly histograms: JointHistograms
  readonly curves: Curves
}

/** @param range width of the reference's robust range */
export function viewsOf({ pair, images, truth }: MeasuredPair, method: string, range: number): Views {
  const { grid, mask, source, target, outputs } = images
  const after = outputs.get(method) ?? source
  const before = outputs.get('zscore') ?? source
  const [darkest, white, top] = maskedQuantiles(target, mask, [0.001, WHITE, JOINT_TOP]) as unknown as [
    number,
    number,
    number,
  ]
  const low = Math.min(0, darkest)
  const label = { domain: pair.source.domain, subject: pair.subject }
  const largest = truth?.places.toSorted((a, b) => b.volumeMm3 - a.volumeMm3)[0]
  const through = largest === undefined ? middleOf(grid, mask) : centerOf(grid, largest.inside)
  const window = { low, high: white }
  const differenceSpan = FULL_COLOR * range
  const planes = drawPlanes({ grid, before, after, target, mask, through, window, differenceSpan })
  const joint = { low, high: top }
  return {
    pictures: { ...label, window, differenceSpan, planes },
    histograms: {
      ...label,
      bins: JOINT_BINS,
      range: joint,
      before: jointHistogram(before, target, mask, joint, JOINT_BINS),
      after: jointHistogram(after, target, mask, joint, JOINT_BINS),
    },
    curves: { ...label, positions: localCurves(grid, source, after, mask) },
  }
}

function middleOf(grid: Grid, mask: Uint8Array): Index3 {
  const { low, high } = maskExtent(grid.shape, mask, 0.01)
  const { axes, flips } = frameOf(grid)
  const share = (axis: 0 | 1 | 2): number => (axes[2] !== axis ? 0.5 : flips[2] ? 1 - AXIAL : AXIAL)
  const at = (axis: 0 | 1 | 2): number => Math.round(low[axis] + share(axis) * (high[axis] - low[axis]))
  return [at(0), at(1), at(2)]
}

function centerOf({ shape: [nx, ny] }: Grid, voxels: Uint32Array): Index3 {
  const sum = [0, 0, 0] as [number, number, number]
  for (const i of voxels) {
    sum[0] += i % nx
    sum[1] += Math.floor(i / nx) % ny
    sum[2] += Math.floor(i / (nx * ny))
  }
  return sum.map((s) => Math.round(s / voxels.length)) as unknown as Index3
}
