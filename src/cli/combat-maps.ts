/** Options and answers of `attune combat` on voxel maps. */
import { explainMaps } from '../combat/explain-maps.ts'
import { ConfigError } from '../errors.ts'
import { applyMaps } from './combat-maps-apply.ts'
import { type FitMapsRequest, fitMaps } from './combat-maps-fit.ts'
import { readMapsModel } from './combat-maps-model.ts'
import type { Voice } from './combat-maps-work.ts'
import { explanationText, methodsText } from './combat-text.ts'
import { type CommonOptions, clearProgress, progress, remarks, report } from './output.ts'

/** What belongs to images, of either command. */
export interface ImageOptions extends CommonOptions {
  readonly images: string | undefined
  readonly 'images-root': string | undefined
  readonly 'output-dir': string | undefined
}

function voiceOf(options: CommonOptions): Voice {
  return { say: remarks({ ...options, quiet: options.quiet || options.json }), show: progress(options) }
}

/** @param idle options that were given and are for tables */
function requireForMaps(idle: Readonly<Record<string, unknown>>): void {
  const given = Object.entries(idle).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  if (given.length === 0) return
  throw new ConfigError(
    `${given.join(', ')} and --images are both given.`,
    'Tables have --output, images --output-dir.',
  )
}

export async function runFitMaps(
  options: ImageOptions & { readonly mask: string | undefined; readonly output: string | undefined },
  request: Omit<FitMapsRequest, 'images' | 'imagesRoot' | 'mask' | 'outputFolder'>,
): Promise<void> {
  const { images = '', mask } = options
  requireForMaps({ '--output': options.output })
  if (mask === undefined)
    throw new ConfigError(
      '--images is given without --mask.',
      'Name the voxels to harmonize: --mask MASK.nii.gz.',
    )
  const outputFolder = options['output-dir'] ?? null
  const voice = voiceOf(options)
  const { model, notes } = await fitMaps(
    { ...request, images, imagesRoot: options['images-root'] ?? null, mask, outputFolder },
    voice,
  )
  clearProgress()
  for (const { text } of notes) voice.say(`note: ${text}`)
  const explanation = explainMaps(model)
  report(
    options,
    [
      `${request.out}: ${model.harmonized} of ${model.voxels} voxels, ${model.batches.length} batches, ${model.rows} images`,
      ...(outputFolder === null ? [] : [`${outputFolder}: the harmonized images`]),
      ...explanationText(explanation),
    ].join('\n'),
    { model: request.out, outputDir: outputFolder, ...explanation, notes },
  )
}

export async function runApplyMaps(
  options: ImageOptions & {
    readonly model: string
    readonly table: string
    readonly id: string | undefined
    readonly output: string | undefined
    readonly 'new-batch': 'refuse' | 'estimate'
    readonly 'new-model': string | undefined
  },
): Promise<void> {
  const { images, 'output-dir': outputFolder } = options
  if (options['new-batch'] === 'estimate')
    throw new ConfigError(
      '--new-batch estimate is for tables.',
      'Fit again with the images of the new batch; the others may be the same.',
    )
  requireForMaps({ '--output': options.output, '--new-model': options['new-model'] })
  if (images === undefined || outputFolder === undefined)
    throw new ConfigError(
      `${options.model} is a model of maps, and ${images === undefined ? '--images' : '--output-dir'} is missing.`,
      'Name the column of images and the folder for the harmonized ones: --images COLUMN --output-dir DIR.',
    )
  const voice = voiceOf(options)
  const { model, table, id = null } = options
  const applied = await applyMaps(
    { model, table, id, images, imagesRoot: options['images-root'] ?? null, outputFolder },
    voice,
  )
  clearProgress()
  for (const { text } of applied.notes) voice.say(`note: ${text}`)
  report(options, `${outputFolder}: ${applied.images} images, ${applied.voxels} voxels of each`, {
    outputDir: outputFolder,
    ...applied,
  })
}

export async function runExplainMaps(options: CommonOptions & { readonly model: string }): Promise<void> {
  const explanation = explainMaps(await readMapsModel(options.model))
  report(options, [...explanationText(explanation), ...methodsText(explanation)].join('\n'), explanation)
}
