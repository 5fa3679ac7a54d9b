/** Digital traveling bodies as files: the same people on four CT or PET scanners, with a manifest and the tissues they were made of. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeNifti } from '../../src/formats/nifti/write.ts'
import { writeTsv } from '../../src/formats/tables/table.ts'
import { random } from '../../src/kernels/random.ts'
import { type Grid, volumeOf } from '../../src/volume/volume.ts'
import { BODY_FIELD, drawBody, paintBody } from './bodies.ts'
import { type BodyScanner, CT_SCANNERS, PET_SCANNERS, scanBody } from './body-scanners.ts'

export interface BodySimulation {
  readonly modality: 'ct' | 'pet'
  readonly subjects: number
  /** 1 to 4; the first is the reference. */
  readonly scanners: number
  readonly seed: number
  /** Pixel in mm; slices are half as far apart again. */
  readonly voxelMm: number
}

/** @returns path of the manifest. The same options give the same voxels. */
export async function simulateBodies(folder: string, options: BodySimulation): Promise<string> {
  const { modality, subjects, seed } = options
  const scanners: readonly BodyScanner[] = (modality === 'ct' ? CT_SCANNERS : PET_SCANNERS).slice(
    0,
    options.scanners,
  )
  const unit = modality === 'ct' ? 'HU' : 'SUVbw'
  const grid = bodyGrid(options.voxelMm)
  const rows: Record<string, string>[] = []
  for (let person = 1; person <= subjects; person++) {
    const subject = `sub-${String(person).padStart(2, '0')}`
    await mkdir(join(folder, subject), { recursive: true })
    const { values, labels } = paintBody(drawBody(random(seed, subject)), grid, unit)
    const tissue = join(subject, `${subject}_dseg.nii.gz`)
    await writeNifti(join(folder, tissue), volumeOf(grid, labels))
    for (const scanner of scanners) {
      const { domain } = scanner
      const stem = join(subject, `${subject}_acq-${domain.replace('-', '')}_${modality}`)
      const image = scanBody(values, grid, scanner, random(seed, `${subject}/${domain}`))
      await writeNifti(join(folder, `${stem}.nii.gz`), volumeOf(grid, image, { unit }))
      await writeFile(join(folder, `${stem}.json`), `${JSON.stringify(sidecarOf(modality), null, 2)}\n`)
      rows.push({ subject, domain, image: `${stem}.nii.gz`, tissue })
    }
  }
  const manifest = join(folder, 'cohort.tsv')
  await writeTsv(manifest, ['subject', 'domain', 'image', 'tissue'], rows)
  return manifest
}

function sidecarOf(modality: 'ct' | 'pet'): object {
  return modality === 'ct' ? { Modality: 'CT', RescaleType: 'HU' } : { Modality: 'PT', Units: 'SUVbw' }
}

/** The whole field of view, its centre at 0. */
export function bodyGrid(voxelMm: number): Grid {
  const size = [voxelMm, voxelMm, 1.5 * voxelMm] as const
  const shape = BODY_FIELD.map((mm, axis) => Math.round(mm / size[axis]!)) as unknown as Grid['shape']
  const rows = [0, 1, 2].map((axis) =>
    [0, 1, 2, 3].map((column) =>
      column === axis ? size[axis]! : column === 3 ? (-size[axis]! * (shape[axis]! - 1)) / 2 : 0,
    ),
  )
  return { shape, affine: [...rows.flat(), 0, 0, 0, 1] as unknown as Grid['affine'] }
}
