/** `card.md`: what a person must know before using a bundle. Built from what the bundle holds, so the two cannot disagree. */
import { translationCaveat, translationText } from '../src/domain/translation.ts'
import type { Selection } from '../src/evidence/selection.ts'
import type { DomainLimits, Manifest, Range } from '../src/harmonizer/manifest.ts'
import { type Method, stageOf } from '../src/harmonizer/method.ts'
import type { ResidualUnetModel } from '../src/harmonizer/residual-unet-model.ts'
import { isCalibrated, LEAST_PEOPLE, type UncertaintyModel } from '../src/harmonizer/uncertainty-model.ts'
import type { BandUnetModel } from '../src/inference/band-unet-model.ts'
import type { LocalToneModel } from '../src/inference/local-tone-model.ts'

const WHAT: Readonly<Record<Method, string>> = {
  identity: 'changes nothing; it is the baseline that every comparison needs.',
  zscore: 'changes gain and offset, so that mean and standard deviation in the head match the reference.',
  whitestripe:
    'changes gain and offset, so that mean and standard deviation of a stripe of normal white matter, found in the histogram, match the reference.',
  kde: 'changes gain, so that the peak of white matter in the smoothed histogram lies where the reference has it.',
  fcm: 'changes gain, so that the mean of one tissue, found by fuzzy c-means on the histogram, matches the reference.',
  lsq: 'changes gain, so that the means of three tissues, found by fuzzy c-means, are as near to the reference as one gain brings them.',
  nyul: 'applies one increasing curve of straight pieces to the whole image, which brings its percentiles to the standard scale of the reference.',
  histogram:
    "applies one increasing curve to the whole image, which gives it the reference's distribution of intensities.",
  tone: 'applies one increasing curve per source scanner to the whole image, fitted on people scanned on both.',
  'local-tone':
    'applies an increasing curve that varies smoothly over the head, predicted from the image by a small network. At one place it keeps the order of intensities.',
  'residual-unet':
    'first applies an increasing curve, then adds a bounded, smooth correction that a network reads from neighbouring slices.',
  'band-unet':
    "weakens or strengthens the bands of fine detail of the image by factors that vary slowly in the plane, which a network reads from neighbouring slices. It has no curve: the unit's scale stays as it is.",
}

const GAIN_ONLY = 'Shading, contrast, sharpness and noise stay as they are.'
const BRAIN_MASK =
  'Tissues are found by their intensities in the mask: without a mask of the brain, scalp and marrow count as tissue.'
const COPIES_VOLUMES =
  'An image with unusual tissue volumes (atrophy, large lesions, another field of view) is pulled towards the volumes of the reference.'

const MAY_HARM: Readonly<Record<Method, readonly string[]>> = {
  identity: [],
  zscore: [GAIN_ONLY],
  whitestripe: [
    BRAIN_MASK,
    'The spread of the stripe is noise as much as anatomy: between scanners of different noise the gain is off, and only white matter is brought to the reference.',
    GAIN_ONLY,
  ],
  kde: [BRAIN_MASK, GAIN_ONLY],
  fcm: [BRAIN_MASK, GAIN_ONLY],
  lsq: [BRAIN_MASK, GAIN_ONLY],
  nyul: [COPIES_VOLUMES, 'Shading, sharpness and noise stay as they are.'],
  histogram: [COPIES_VOLUMES, 'Shading, sharpness and noise stay as they are.'],
  tone: [
    'Contrast that depends on more than intensity (T1 and T2 weighting differ) cannot be matched by one curve.',
    'Shading, sharpness and noise stay as they are.',
  ],
  'local-tone': [
    'Sharpness stays as it is; noise is scaled with the local slope of the curve.',
    'Heads outside the ages, diseases, coils and protocols of the training subjects were never seen.',
  ],
  'residual-unet': [
    'What is added is looked up by context, so that the order of intensities is no longer kept everywhere.',
    'The correction is smooth over about 5 mm: sharpness and noise stay as the first stage leaves them.',
    '`network.onnx` is the network alone. Outside of it: the first stage (`first.onnx`, or the curves in the manifest), reading slices of its result on the lattice of 2 mm, the code of the image, and adding the mean of three passes, in the mask, trilinearly.',
    'Heads outside the ages, diseases, coils and protocols of the training subjects were never seen.',
  ],
  'band-unet': [
    'Sharpness and noise are corrected in the axial plane, not across slices.',
    'Calibration is not corrected: a scanner whose HU or SUV are off stays off.',
    '`network.onnx` gives the change of slices, with its window and bounds. Outside of it: the code of the image, repeating the border of slices by 8 pixels, leaving voxels that are no number as they are, and in SUV making the changes add up to 0.',
    'Bodies outside the sizes, organs, doses and tracers of the training subjects were never seen.',
  ],
}

export function modelCard(name: string, manifest: Omit<Manifest, 'files'>, selection?: Selection): string {
  const { steps, rung, sources, target, translation, guards, training, uncertainty } = manifest
  const [model] = steps
  const curves = stageOf(model)
  const bounds = `${curves.kind === 'local-tone' ? boundsOf(curves, training.options) : ''}${model.kind === 'residual-unet' ? residualBound(model) : ''}${model.kind === 'band-unet' ? unitBound(model) : ''}`
  const few =
    training.subjects.length < 4
      ? [
          `Trained on ${training.subjects.length} subject${training.subjects.length === 1 ? '' : 's'}: how it carries over to other people is hardly known.`,
        ]
      : []
  const title = translation === undefined ? name : `${name}: ${translationText(translation)}, translated`
  const does =
    translation === undefined
      ? `Brings images of ${listed(sources)} to the appearance of \`${target}\`.`
      : `Translates ${translation.from} images of ${listed(sources)} into the appearance of ${translation.to} on \`${target}\`.\n\n**${translationCaveat(translation)}**`
  return `# ${title}

${does}

## Method

\`${model.kind}\` (rung ${rung} of the ladder) ${WHAT[model.kind]}
${bounds}${selection === undefined ? '' : choiceSection(selection)}
## Intended use

Research on images of the domains named above, acquired as the training images were. Not a medical device: not for diagnosis.
Images of \`${target}\` itself pass through unchanged. Images outside the limits below are refused.

## Training data

- Cohort \`${training.cohort.name}\`, SHA-256 \`${training.cohort.sha256}\`
- ${training.start === undefined ? '' : `Curves start from \`${training.start.name}\`, trained on digital heads (SHA-256 \`${training.start.sha256}\`)\n- `}${training.subjects.length} subjects, ${training.pairs} pairs, seed ${training.seed}, engine ${training.engine}. The manifest names the subjects, so that nobody validates on them; give only pseudonyms.

## Limits that are enforced

| domain | scans | median | 99th percentile | field of view R, A, S (mm) | voxel edge (mm) | mask (ml) |
|---|---|---|---|---|---|---|
${Object.entries(guards).map(limitsRow).join('\n')}

Each range is that of the training scans, widened: intensities by a factor 4, field of view 1.5, voxel size 3, mask volume 2.${training.start === undefined ? '' : ` Field of view, voxel size and mask volume that \`${training.start.name}\` was trained on are accepted too.`}

## Evidence

\`evidence.json\` holds the course of training, and weaker methods fitted to the same scans for comparison. It is not a validation:
run \`attune validate ${name}.harmonizer COHORT --out DIR\` on subjects that were not trained on.
${uncertainty === undefined ? '' : uncertaintySection(uncertainty)}
## Known limits

${[...few, ...MAY_HARM[model.kind], 'Lesions and rare anatomy: whether their contrast is kept must be measured on your own data.'].map((line) => `- ${line}`).join('\n')}
`
}

/** Why this method, where `auto` chose it. */
function choiceSection({ kind, travelers, folds, rungs }: Selection): string {
  const how =
    kind === 'leave-one-out'
      ? `scored on traveling subjects left out of the fit, in ${folds} folds`
      : `scored on the people it was fitted to, since ${travelers} traveling subject leaves nobody to leave out`
  const rows = rungs.map(
    ({ method, rung, error, standardError, status, reason }) =>
      `| ${rung} | \`${method}\` | ${error === undefined ? '–' : percent(error)}${standardError === undefined ? '' : ` ± ${percent(standardError)}`} | ${status === 'chosen' ? 'chosen' : 'passed over'}: ${reason.replaceAll('|', '\\|').replace(/\s+/g, ' ')} |`,
  )
  return `
## Why this method

Chosen by \`auto\`: the weakest that passes every gate and is within one standard error of the best, each ${how}. Errors in % of the reference's range.

| rung | method | error left | why |
|---|---|---|---|
${rows.join('\n')}
`
}

function uncertaintySection(model: UncertaintyModel): string {
  const { people, domains, models, level } = model
  return `
## Uncertainty map

\`apply --uncertainty FILE\` writes half the width of the ${percent(level)} interval, voxel by voxel, for images of ${listed(domains)}. Its widths
come from errors in ${people} people (relatives count as one) who were left out of ${models.length} models in turn, and hold ${percent(level)} of a person's
voxels on average over people like these; for one person or one place they may hold more or less.
${isCalibrated(model) ? '' : `**Uncalibrated**: ${people} people are too few (${LEAST_PEOPLE} are asked for). The map ranks voxels; its widths are a guess.\n`}`
}

/** Both bounds of the curves; the second in the two units that people and the model give it in. */
function boundsOf({ bounds }: LocalToneModel, { changePerMm }: Manifest['training']['options']): string {
  const { slopeRatio, perMm } = bounds
  const chosen =
    typeof changePerMm === 'number' ? ` (chosen as ${percent(changePerMm)} of its tissue median)` : ''
  return `
Bounds: local slope between 1/${slopeRatio} and ${slopeRatio} times the global slope; change over space at most ${percent(perMm)} of the reference scale per mm${chosen}.
`
}

function residualBound({ bound }: ResidualUnetModel): string {
  return `
The network adds at most ${Number(bound.toPrecision(4))}, in the unit of the reference, to any voxel.
`
}

function unitBound({ unit, window, most }: BandUnetModel): string {
  const bound = 'size' in most ? `${most.size} ${unit}` : `${percent(most.share)} of its own value`
  return `
Images must be in ${unit}. No voxel changes by more than ${bound}; voxels below ${window.low} or above ${window.high} ${unit} do not change at all, and within ${window.ramp} of these ends they change less.
`
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`
}

function limitsRow([domain, limits]: readonly [string, DomainLimits]): string {
  const range = ([low, high]: Range): string => `${low} to ${high}`
  const { scans, median, p99, extentMm, voxelMm, maskMl } = limits
  return `| ${[domain, scans, range(median), range(p99), extentMm.map(range).join('; '), range(voxelMm), range(maskMl)].join(' | ')} |`
}

function listed(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ') || 'any scanner'
}
