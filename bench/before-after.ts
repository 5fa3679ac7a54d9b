/**
 * The picture of the README, from the folder that `attune demo` has made:
 * `npx tsx bench/before-after.ts demo docs/images/before-after.png`.
 * Upper row: a digital head that training has not seen. Lower row: the real scan; its left half was trained on.
 * Columns: before (gain and offset matched to the target), after, target.
 */
import { join } from 'node:path'
import { decode, encode } from 'fast-png'
import { writeFileAtomic } from '../src/files.ts'
import { readNifti } from '../src/formats/nifti/read.ts'
import { readBundle } from '../src/harmonizer/bundle.ts'
import { trainingEvidence } from '../src/harmonizer/training-evidence.ts'
import { applyZScore } from '../src/intensity/zscore.ts'
import { maskedQuantiles } from '../src/kernels/quantile.ts'
import { packageFile } from '../src/package-root.ts'
import { foregroundMask } from '../src/volume/mask.ts'
import { toFloat32 } from '../src/volume/volume.ts'
import { maskExtent } from '../validation/mask-extent.ts'
import { drawPlanes } from '../validation/pictures.ts'

interface Row {
  /** How far up the head the slice lies, 0 to 1. */
  readonly height: number
  readonly bundle: string
  readonly before: string
  readonly after: string
  readonly target: string
}

const [demo = 'demo', output = 'docs/images/before-after.png'] = process.argv.slice(2)
const ZOOM = 2
const GAP = 6

const digital = (session: string): string =>
  join(demo, `travelers/sub-01/ses-${session}/anat/sub-01_ses-${session}_T1w.nii.gz`)
const sample = (name: string): string => packageFile(`data/samples/sub-xa30_rec-${name}_T1w.nii.gz`)
const rows: readonly Row[] = [
  {
    height: 0.62,
    bundle: join(demo, 'to-scanner-A.harmonizer'),
    before: digital('C1'),
    after: join(demo, 'harmonized/sub-01_ses-C1_T1w.nii.gz'),
    target: digital('A1'),
  },
  {
    height: 0.74,
    bundle: join(demo, 'to-prisma-norm.harmonizer'),
    before: sample('raw'),
    after: join(demo, 'harmonized/sub-xa30_T1w.nii.gz'),
    target: sample('norm'),
  },
]

/** The axial pictures before, after and target of one row, as grey values. */
async function picturesOf(row: Row): Promise<readonly Grey[]> {
  const bundle = await readBundle(row.bundle)
  const zscore = trainingEvidence(bundle).baselines.find((model) => model.kind === 'zscore')
  if (zscore === undefined) throw new TypeError(`${row.bundle} holds no zscore model`)
  const before = (await readNifti(row.before)).volume
  const target = (await readNifti(row.target)).volume
  const after = toFloat32((await readNifti(row.after)).volume)
  const mask = foregroundMask(before)
  const [y, extent] = [toFloat32(target), maskExtent(before.shape, mask, 0.01)]
  const [low = 0, high = 1] = maskedQuantiles(y, mask, [0, 0.94])
  const middle = (axis: 0 | 1 | 2, share: number): number =>
    Math.round(extent.low[axis] + share * (extent.high[axis] - extent.low[axis]))
  const planes = drawPlanes({
    grid: before,
    before: applyZScore(zscore, toFloat32(before), mask),
    after,
    target: y,
    mask,
    through: [middle(0, 0.5), middle(1, 0.5), middle(2, row.height)],
    window: { low: Math.min(0, low), high },
    differenceSpan: high,
  })
  const axial = planes.find(({ name }) => name === 'axial')?.images ?? []
  return ['before', 'after', 'target'].map((name) => {
    const { png = '' } = axial.find((image) => image.name === name) ?? {}
    const { width, height, data } = decode(Buffer.from(png, 'base64'))
    return { width, height, data }
  })
}

interface Grey {
  readonly width: number
  readonly height: number
  readonly data: ArrayLike<number>
}

const grid = await Promise.all(rows.map(picturesOf))
const cellWidth = ZOOM * Math.max(...grid.flat().map(({ width }) => width))
const heights = grid.map((row) => ZOOM * Math.max(...row.map(({ height }) => height)))
const width = 3 * cellWidth + 2 * GAP
const height = heights.reduce((sum, n) => sum + n, GAP * (heights.length - 1))
const data = new Uint8Array(width * height)
for (const [r, row] of grid.entries())
  for (const [c, picture] of row.entries()) {
    const left = c * (cellWidth + GAP) + Math.floor((cellWidth - ZOOM * picture.width) / 2)
    const top = heights.slice(0, r).reduce((sum, n) => sum + n + GAP, 0)
    for (let y = 0; y < ZOOM * picture.height; y++)
      for (let x = 0; x < ZOOM * picture.width; x++)
        data[(top + y) * width + left + x] =
          picture.data[Math.floor(y / ZOOM) * picture.width + Math.floor(x / ZOOM)] ?? 0
  }
await writeFileAtomic(output, encode({ width, height, data, channels: 1, depth: 8 }))
