/** `attune combat` on voxel maps: two passes over the images, block by block. */
import { dirname, join, resolve } from 'node:path'
import { balanceNotes } from '../combat/balance.ts'
import {
  adjustBlockInPlace,
  type BlockFit,
  beginBlocks,
  blockNotes,
  blockVariant,
  fitBlock,
  priorsOf,
} from '../combat/blocks.ts'
import { columnNames } from '../combat/coding.ts'
import type { Note } from '../combat/data.ts'
import { indicesOf } from '../combat/design.ts'
import { type CombatMapsModel, MAPS_MODEL_FILE, MAPS_MODEL_VERSION, mapsOf } from '../combat/maps-model.ts'
import { orNull } from '../combat/model.ts'
import { biologyWithoutRole, codeLikeCovariates, type Roles, samplesOf } from '../combat/table.ts'
import { ConfigError } from '../errors.ts'
import { gibibytes, requireSpace, writeFileAtomic } from '../files.ts'
import type { RangedImage } from '../formats/nifti/ranges.ts'
import { type NiftiImage, readNifti } from '../formats/nifti/read.ts'
import { readCells } from '../formats/tables/table.ts'
import { concatenate } from '../kernels/concatenate.ts'
import type { Prior } from '../kernels/empirical-bayes.ts'
import { addMoments, type StreamedMoments, streamedMoments, varianceOf } from '../kernels/streamed-moments.ts'
import { packageVersion } from '../package-root.ts'
import {
  type Block,
  type BlockReader,
  beginOutputs,
  blockReader,
  blocksOf,
  type Outputs,
  outputBytes,
  unpackAll,
  unpackedBytes,
} from './combat-maps-images.ts'
import {
  beginMaps,
  hashesOf,
  locationScaleIn,
  placeModel,
  readMaps,
  requireModelPlace,
} from './combat-maps-model.ts'
import {
  find,
  harmonizeBlock,
  type ImagesRequest,
  inScratch,
  insideOf,
  typesOf,
  type Voice,
} from './combat-maps-work.ts'
import { requireOwnOptions, type VariantRequest } from './combat-run.ts'

export interface FitMapsRequest extends ImagesRequest {
  readonly mask: string
  readonly roles: Roles
  readonly options: VariantRequest
  readonly out: string
  readonly outputFolder: string | null
}

export interface FittedMaps {
  readonly model: CombatMapsModel
  readonly notes: readonly Note[]
}

/** @throws as `fitCombat`, and for images, mask and places that do not fit together */
export async function fitMaps(request: FitMapsRequest, voice: Voice): Promise<FittedMaps> {
  const { roles, options, outputFolder, out } = request
  requireOwnOptions(options, roles)
  const variant = blockVariant(options.variant)
  if (options.compat !== null)
    throw new ConfigError(
      `--compat ${options.compat} stops when all voxels together hardly change, which needs all of them at once.`,
      'Leave it out: the iteration goes on to the fixed point.',
    )
  if (roles.features.length > 0)
    throw new ConfigError('--features is for tables.', 'The voxels of the mask are the features.')
  await requireModelPlace(out)
  const table = await readCells(request.table)
  const samples = samplesOf(table, roles)
  const fit = beginBlocks(samples, variant, options)
  const mask = await readNifti(request.mask)
  const inside = insideOf(mask, request.mask)
  const found = await find(request, table, mask, outputFolder)
  const names = namesOf(fit)
  const perMap = 8 * inside.length
  const modelBytes = perMap * (names.base.length + names.measured.length + names.taken.length)
  const countBytes = perMap * names.counts.length
  const scratchBase = outputFolder ?? dirname(resolve(out))
  const work = unpackedBytes(found.images) + countBytes
  const written = outputFolder === null ? 0 : outputBytes(found.images)
  voice.say(
    `Needs up to ${gibibytes(work + written)} of disk in ${scratchBase} while it works, and ${gibibytes(modelBytes)} for ${out}.`,
  )
  await requireSpace([
    { folder: scratchBase, bytes: work + written },
    { folder: dirname(resolve(out)), bytes: modelBytes },
  ])
  const model = await inScratch(scratchBase, (scratch) =>
    inScratch(dirname(resolve(out)), async (folder) => {
      const images = await unpackAll(found.images, scratch, voice.show)
      const blocks = [...blocksOf(inside, images.length)]
      const pass: Pass = {
        fit,
        names,
        blocks,
        reader: blockReader(images, inside),
        mask,
        scratch,
        folder,
        voice,
      }
      const estimated = await estimateAll(pass)
      const priors = priorsOf(fit, samples.source)
      const outputs =
        outputFolder === null ? null : await beginOutputs(found.listed, images, scratch, outputFolder)
      const spread = await drawTogether(
        pass,
        estimated,
        priors,
        indicesOf(samples.batch, fit.design.batches),
        outputs,
      )
      const balance = balanceNotes(samples, biologyWithoutRole(table, roles), [])
      const described: CombatMapsModel = {
        ...descriptionOf(fit, names, priors, spread),
        variant,
        batchColumn: samples.batchName,
        reference: options.reference,
        rows: samples.batch.length,
        voxels: inside.reduce((n, one) => n + one, 0),
        notes: [...blockNotes(fit, samples.batchName), ...balance],
      }
      const model = { ...described, files: await hashesOf(folder, mapsOf(described)) }
      await writeFileAtomic(join(folder, MAPS_MODEL_FILE), `${JSON.stringify(model)}\n`)
      await outputs?.end()
      await placeModel(folder, resolve(out))
      return model
    }),
  )
  return {
    model,
    notes: [...codeLikeCovariates(samples), ...typesOf(found.images, outputFolder), ...model.notes],
  }
}

interface Pass {
  readonly fit: BlockFit
  readonly names: MapNames
  readonly blocks: readonly Block[]
  readonly reader: BlockReader
  readonly mask: NiftiImage
  /** For maps that are needed in between, and for those of the model. */
  readonly scratch: string
  readonly folder: string
  readonly voice: Voice
}

interface Estimated {
  readonly base: readonly RangedImage[]
  readonly measured: readonly RangedImage[]
  readonly counts: readonly RangedImage[]
}

/** The first pass: every voxel by itself. */
async function estimateAll({
  fit,
  names,
  blocks,
  reader,
  mask,
  scratch,
  folder,
  voice,
}: Pass): Promise<Estimated> {
  const counts = await beginMaps(scratch, names.counts, mask.header)
  const base = await beginMaps(folder, names.base, mask.header)
  const measured = await beginMaps(folder, names.measured, mask.header)
  const nothing = new Float64Array(0)
  for (const [k, block] of blocks.entries()) {
    voice.show(`estimating: ${Math.round((100 * k) / blocks.length)} %`)
    const found = block.inside.length === 0 ? null : fitBlock(fit, reader.read(block))
    const ones = new Float64Array(block.inside.length).fill(1)
    await base.append(
      block,
      found === null ? nothing : concatenate([ones, found.mean, found.variance, found.slopes]),
    )
    await measured.append(block, found === null ? nothing : concatenate([found.location, found.scale]))
    await counts.append(block, found?.counts ?? nothing)
  }
  const [, ...rest] = await base.end()
  return { base: rest, measured: await measured.end(), counts: await counts.end() }
}

interface EffectSpread {
  readonly location: StreamedMoments
  readonly scale: StreamedMoments
}

/** The second pass: estimates are drawn towards the priors, and, where there are outputs, taken out. */
async function drawTogether(
  { fit, names, blocks, reader, mask, folder, voice }: Pass,
  estimated: Estimated,
  priors: readonly Prior[],
  groupOf: Int32Array,
  outputs: Outputs | null,
): Promise<readonly EffectSpread[]> {
  const { batches, columns } = fit.design
  const taken = await beginMaps(folder, names.taken, mask.header)
  const spread = batches.map(() => ({ location: streamedMoments(), scale: streamedMoments() }))
  for (const [k, block] of blocks.entries()) {
    voice.show(
      `${outputs === null ? 'drawing together' : 'harmonizing'}: ${Math.round((100 * k) / blocks.length)} %`,
    )
    const features = block.inside.length
    const effects = readMaps(estimated.measured, block)
    const half = effects.length / 2
    const [location, scale] = [effects.subarray(0, half), effects.subarray(half)]
    adjustBlockInPlace(fit, priors, { features, location, scale, counts: readMaps(estimated.counts, block) })
    await taken.append(block, effects)
    spread.forEach((own, g) => {
      addMoments(own.location, location.subarray(g * features, (g + 1) * features))
      addMoments(own.scale, scale.subarray(g * features, (g + 1) * features))
    })
    if (outputs === null) continue
    const model = locationScaleIn(block, readMaps(estimated.base, block), effects)
    await harmonizeBlock(reader, block, model, columns, groupOf, batches.length, outputs)
  }
  await taken.end()
  return spread
}

function descriptionOf(
  { design, states }: BlockFit,
  names: MapNames,
  priors: readonly Prior[],
  spread: readonly EffectSpread[],
): Pick<
  CombatMapsModel,
  | 'kind'
  | 'version'
  | 'software'
  | 'covariates'
  | 'harmonized'
  | 'mask'
  | 'mean'
  | 'variance'
  | 'slopes'
  | 'batches'
  | 'files'
> {
  const [mask = '', mean = '', variance = '', ...slopes] = names.base
  return {
    kind: 'combat-maps',
    version: MAPS_MODEL_VERSION,
    software: `attune ${packageVersion()}`,
    covariates: design.codings,
    harmonized: states[0] ?? 0,
    mask,
    mean,
    variance,
    slopes: columnNames(design.codings).map((column, q) => ({ column, map: slopes[q] ?? '' })),
    batches: design.batches.map((name, g) => ({
      name,
      rows: design.sizes[g] ?? 0,
      prior: priorOf(priors[g]),
      ...batchMaps(g),
      taken: { location: spreadOf(spread[g]?.location), scale: spreadOf(spread[g]?.scale) },
    })),
    files: {},
  }
}

const batchMaps = (g: number) => ({
  estimatedLocation: `batch-${g + 1}-estimated-location.nii`,
  estimatedScale: `batch-${g + 1}-estimated-scale.nii`,
  location: `batch-${g + 1}-location.nii`,
  scale: `batch-${g + 1}-scale.nii`,
})

/** Names of the maps in the order in which they are written: names of batches may hold anything, and are in the JSON. */
interface MapNames {
  readonly base: readonly string[]
  readonly measured: readonly string[]
  readonly taken: readonly string[]
  readonly counts: readonly string[]
}

function namesOf({ design }: BlockFit): MapNames {
  const batches = design.batches.map((_, g) => batchMaps(g))
  return {
    base: [
      'mask.nii',
      'mean.nii',
      'variance.nii',
      ...columnNames(design.codings).map((_, q) => `slope-${q + 1}.nii`),
    ],
    measured: [...batches.map((one) => one.estimatedLocation), ...batches.map((one) => one.estimatedScale)],
    taken: [...batches.map((one) => one.location), ...batches.map((one) => one.scale)],
    counts: batches.map((_, g) => `counts-${g + 1}.nii`),
  }
}

function priorOf(prior: Prior | undefined): CombatMapsModel['batches'][number]['prior'] {
  const or = (value: number | undefined): number | null => orNull(value ?? Number.NaN)
  return {
    locationMean: or(prior?.locationMean),
    locationVariance: or(prior?.locationVariance),
    scaleMean: or(prior?.scaleMean),
    scaleVariance: or(prior?.scaleVariance),
  }
}

function spreadOf(moments: StreamedMoments = streamedMoments()): {
  readonly mean: number
  readonly sd: number | null
} {
  return { mean: moments.mean, sd: orNull(Math.sqrt(varianceOf(moments))) }
}
