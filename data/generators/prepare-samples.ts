/**
 * Makes the masks of data/samples from its two scans: the left and the right half of the head, with a gap between them.
 * Run once; kept so that anybody can check where the files come from.
 */
import { join } from 'node:path'
import { readNifti } from '../../src/formats/nifti/read.ts'
import { writeNifti } from '../../src/formats/nifti/write.ts'
import { packageFile } from '../../src/package-root.ts'
import { foregroundMask } from '../../src/volume/mask.ts'
import { volumeOf } from '../../src/volume/volume.ts'

const folder = packageFile('data/samples')
/** Voxels on each side of the middle plane that belong to no half; with the plane itself, a gap of 5. */
const HALF_GAP = 2

const { volume, header } = await readNifti(join(folder, 'sub-xa30_rec-raw_T1w.nii.gz'))
const norm = (await readNifti(join(folder, 'sub-xa30_rec-norm_T1w.nii.gz'))).volume
const [raw, other] = [foregroundMask(volume), foregroundMask(norm)]
const [nx] = volume.shape

// the first axis runs from left to right; the middle is that of the head, not of the field of view
let sum = 0
let count = 0
for (let i = 0; i < raw.length; i++)
  if (raw[i] === 1) {
    sum += i % nx
    count++
  }
const middle = Math.round(sum / count)

for (const [side, belongs] of [
  ['left', (x: number) => x < middle - HALF_GAP],
  ['right', (x: number) => x > middle + HALF_GAP],
] as const) {
  const half = raw.map((inside, i) => inside & (other[i] as number) & (belongs(i % nx) ? 1 : 0))
  await writeNifti(join(folder, `${side}-half_mask.nii.gz`), volumeOf(volume, half), {
    like: header,
    dtype: 'float32',
    gzipLevel: 9,
  })
}
