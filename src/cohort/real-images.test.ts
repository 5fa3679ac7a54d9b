import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dataFolder } from '../../test/fixtures/data.ts'
import { temporaryFolder } from '../../test/fixtures/nifti.ts'
import { readNifti } from '../formats/nifti/read.ts'
import { writeNifti } from '../formats/nifti/write.ts'
import { foregroundMask } from '../volume/mask.ts'
import { type Volume, voxelSize } from '../volume/volume.ts'

const folder = await temporaryFolder()
const BRAINS = 'brain-t1-multivendor/nifti'
const IXI = 'ixi-hh-2mm/nifti'
const MS = 'ms-lesions'

/** Litres that the mask may take: heads with some neck, heads in slabs, and brains without skull. */
const IMAGES: readonly (readonly [path: string, low: number, high: number])[] = [
  [`${BRAINS}/sub-uih1_T1w.nii.gz`, 3, 4.5],
  [`${BRAINS}/sub-xa30_rec-raw_T1w.nii.gz`, 3, 4.5],
  [`${BRAINS}/sub-xa30_rec-norm_T1w.nii.gz`, 3, 4.5],
  [`${BRAINS}/sub-prisma_pos-HFS_T1w.nii.gz`, 3, 4.5],
  [`${BRAINS}/sub-prisma_pos-HFP_T1w.nii.gz`, 3, 4.5],
  [`${BRAINS}/sub-studyforrest_T1w.nii.gz`, 4, 6],
  [`${IXI}/IXI012-HH-1211-T1_ds.nii.gz`, 3.5, 5.5],
  [`${IXI}/IXI034-HH-1260-T1_ds.nii.gz`, 3, 5],
  [`${MS}/longitudinal-patient01/study1_T1W.nii.gz`, 2, 3.2],
  [`${MS}/longitudinal-patient01/study2_FLAIR.nii.gz`, 2, 3.2],
  [`${MS}/mni-patient07/T1.nii.gz`, 1, 1.5],
  [`${MS}/mni-patient07/FLAIR.nii.gz`, 1, 1.5],
]

const litres = (mask: Uint8Array, volume: Volume): number => {
  const [x, y, z] = voxelSize(volume)
  let count = 0
  for (const value of mask) count += value
  return (count * x * y * z) / 1e6
}

describe.skipIf(dataFolder === undefined)('real images', () => {
  it.each(IMAGES)('%s: the mask has the size of what it should hold', async (path, low, high) => {
    const { volume } = await readNifti(join(dataFolder as string, path))
    const size = litres(foregroundMask(volume), volume)
    expect(size).toBeGreaterThan(low)
    expect(size).toBeLessThan(high)
  })
  it('one acquisition reconstructed with and without coil shading has nearly one mask', async () => {
    const [raw, norm] = await Promise.all(
      ['raw', 'norm'].map((rec) =>
        readNifti(join(dataFolder as string, `${BRAINS}/sub-xa30_rec-${rec}_T1w.nii.gz`)),
      ),
    )
    const [a, b] = [foregroundMask(raw!.volume), foregroundMask(norm!.volume)]
    const both = litres(
      a.map((value, v) => value & b[v]!),
      raw!.volume,
    )
    const dice = (2 * both) / (litres(a, raw!.volume) + litres(b, norm!.volume))
    expect(dice).toBeGreaterThan(0.97)
  })
  it.each([IMAGES[0]![0], IMAGES[6]![0], IMAGES[8]![0]])('%s comes back as it was read', async (path) => {
    const image = await readNifti(join(dataFolder as string, path))
    const copy = join(folder, 'copy.nii.gz')
    await writeNifti(copy, image.volume, { like: image.header, dtype: 'same' })
    const back = await readNifti(copy)
    expect(back.header).toEqual(image.header)
    expect(Buffer.compare(bytesOf(back.volume), bytesOf(image.volume))).toBe(0)
    expect(back.volume.affine).toEqual(image.volume.affine)
  })
})

function bytesOf({ data }: Volume): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}
