/** `attune combat apply` on voxel maps: one pass over the images, block by block. */
import { join } from 'node:path'
import { extrapolations, requireKnownBatches } from '../combat/apply.ts'
import { codedColumns } from '../combat/coding.ts'
import { counted, type Note } from '../combat/data.ts'
import { indicesOf } from '../combat/design.ts'
import { requireUniqueIds, samplesFor } from '../combat/table.ts'
import { gibibytes, requireSpace } from '../files.ts'
import { type RangedImage, rangedImage } from '../formats/nifti/ranges.ts'
import { readNifti } from '../formats/nifti/read.ts'
import { readCells } from '../formats/tables/table.ts'
import {
  beginOutputs,
  blockReader,
  blocksOf,
  outputBytes,
  unpackAll,
  unpackedBytes,
} from './combat-maps-images.ts'
import { locationScaleIn, readMaps, readMapsModel, requireWholeMaps } from './combat-maps-model.ts'
import {
  find,
  harmonizeBlock,
  type ImagesRequest,
  inScratch,
  insideOf,
  typesOf,
  type Voice,
} from './combat-maps-work.ts'

export interface ApplyMapsRequest extends ImagesRequest {
  readonly model: string
  readonly id: string | null
  readonly outputFolder: string
}

export interface AppliedMaps {
  readonly images: number
  readonly voxels: number
  readonly notes: readonly Note[]
}

/** @throws as `applyCombat`, and for images and places that do not fit together */
export async function applyMaps(request: ApplyMapsRequest, voice: Voice): Promise<AppliedMaps> {
  const { outputFolder } = request
  const model = await readMapsModel(request.model)
  const table = await readCells(request.table)
  const samples = samplesFor(table, model.batchColumn, model.covariates)
  if (request.id !== null) requireUniqueIds(table, request.id)
  requireKnownBatches(
    model,
    samples,
    `Leave these rows out, or fit again with them: a new ${samples.batchName} is estimated for tables only.`,
  )
  await requireWholeMaps(request.model, model)
  const maskPath = join(request.model, model.mask)
  const mask = await readNifti(maskPath)
  const inside = insideOf(mask, maskPath)
  const found = await find(request, table, mask, outputFolder)
  const bytes = unpackedBytes(found.images) + outputBytes(found.images)
  voice.say(`Needs up to ${gibibytes(bytes)} of disk in ${outputFolder} while it works.`)
  await requireSpace([{ folder: outputFolder, bytes }])
  const opened = (names: readonly string[]): Promise<readonly RangedImage[]> =>
    Promise.all(names.map((name) => rangedImage(join(request.model, name))))
  const base = await opened([model.mean, model.variance, ...model.slopes.map(({ map }) => map)])
  const taken = await opened([
    ...model.batches.map(({ location }) => location),
    ...model.batches.map(({ scale }) => scale),
  ])
  const groupOf = indicesOf(
    samples.batch,
    model.batches.map(({ name }) => name),
  )
  const columns = codedColumns(model.covariates, samples)
  let lost = 0
  await inScratch(outputFolder, async (scratch) => {
    const images = await unpackAll(found.images, scratch, voice.show)
    const reader = blockReader(images, inside)
    const outputs = await beginOutputs(found.listed, images, scratch, outputFolder)
    const blocks = [...blocksOf(inside, images.length)]
    for (const [k, block] of blocks.entries()) {
      voice.show(`harmonizing: ${Math.round((100 * k) / blocks.length)} %`)
      const estimates = locationScaleIn(block, readMaps(base, block), readMaps(taken, block))
      lost += await harmonizeBlock(reader, block, estimates, columns, groupOf, model.batches.length, outputs)
    }
    await outputs.end()
  })
  return {
    images: found.images.length,
    voxels: model.harmonized,
    notes: [
      ...typesOf(found.images, outputFolder),
      ...extrapolations(model, samples),
      ...(lost === 0
        ? []
        : [
            {
              code: 'never-seen-in-batch',
              text: `${counted(lost, 'value')} became NaN: the voxel had no value at that ${samples.batchName} when the model was fitted, so that its effect there is unknown.`,
            },
          ]),
    ],
  }
}
