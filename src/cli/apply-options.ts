/** What the options of `attune apply` mean together, and the harmonizer that they name. */
import { statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { ConfigError } from '../errors.ts'
import { readNifti } from '../formats/nifti/read.ts'
import { bare, type Harmonizer, harmonizerOf, loadHarmonizer } from '../harmonizer/harmonizer.ts'
import { measureQuantiles } from '../intensity/histogram.ts'
import { foregroundMask } from '../volume/mask.ts'
import { toFloat32 } from '../volume/volume.ts'

interface Named {
  readonly harmonizer: string
  readonly input: string
  readonly source: string | undefined
  readonly volume: number | undefined
  readonly mask: string | undefined
  readonly changeMap: string | undefined
  readonly uncertainty?: string | undefined
  readonly reference: string | undefined
  readonly singleReference: boolean
  readonly gzipLevel: number
  readonly threads: number | undefined
  readonly joint: boolean | undefined
  readonly suffix: string | undefined
  readonly domainFrom?: string | undefined
}

/** Whether the input is a manifest or a dataset, and not one image. */
export function isCohort(input: string): boolean {
  return /\.[tc]sv$/.test(input) || (statSync(input, { throwIfNoEntry: false })?.isDirectory() ?? false)
}

/** @throws {ConfigError} for values out of range, and options that do not go together */
export function checkOptions({
  harmonizer,
  input,
  source,
  volume,
  mask,
  changeMap,
  uncertainty,
  reference,
  gzipLevel,
  threads,
  joint,
  suffix,
  domainFrom,
}: Named): void {
  const wholeNumber = (name: string, value: number, low: number, high: number): void => {
    if (!Number.isInteger(value) || value < low || value > high)
      throw new ConfigError(
        `--${name} ${value} is not possible.`,
        `Give a whole number from ${low} to ${high}.`,
      )
  }
  wholeNumber('gzip-level', gzipLevel, 1, 9)
  if (threads !== undefined) wholeNumber('threads', threads, 1, 256)
  if (volume !== undefined) wholeNumber('volume', volume, 0, Number.MAX_SAFE_INTEGER)
  if (isCohort(input) && [source, mask, volume, changeMap].some((option) => option !== undefined))
    throw new ConfigError(
      '--source, --mask, --volume and --change-map say something of one image, but the input is a cohort.',
      'Use the columns domain and mask of a manifest, --domain-from for a BIDS dataset, and images of one volume.',
    )
  if (!isCohort(input) && joint !== undefined)
    throw new ConfigError(
      '--joint says how the visits of one person are mapped, but the input is one image.',
      'Leave it out, or give a cohort manifest or a BIDS dataset.',
    )
  if (uncertainty !== undefined && isCohort(input) !== (uncertainty === ''))
    throw new ConfigError(
      isCohort(input)
        ? `--uncertainty ${uncertainty} names one file, but the input is a cohort.`
        : '--uncertainty names no file.',
      isCohort(input)
        ? 'Give --uncertainty last and without a name: each map is written beside its image.'
        : 'Name the NIfTI file to write: --uncertainty half-width.nii.gz.',
    )
  if (!isCohort(input) && [suffix, domainFrom].some((option) => option !== undefined))
    throw new ConfigError(
      '--suffix and --domain-from choose from a BIDS dataset, but the input is one image.',
      'Leave them out; --source names the domain of an image.',
    )
  if (reference !== undefined && harmonizer !== 'histogram')
    throw new ConfigError(
      `--reference has no meaning for ${harmonizer}.`,
      'Leave it out; only `histogram` takes one.',
    )
}

export async function openHarmonizer({
  harmonizer,
  reference,
  singleReference,
  threads,
}: Named): Promise<Harmonizer> {
  if (harmonizer !== 'histogram' || reference === undefined)
    return loadHarmonizer(harmonizer, { threads: threads ?? Math.min(4, availableParallelism()) })
  if (!singleReference)
    throw new ConfigError(
      `${reference} is one person: matching its histogram writes that person's tissue volumes into every image.`,
      'Train on several people (attune train COHORT --method histogram), or accept it with --single-reference.',
    )
  const { volume } = await readNifti(reference)
  const values = toFloat32(volume)
  return harmonizerOf(
    bare({
      kind: 'histogram',
      quantiles: [...measureQuantiles(values, foregroundMask(volume)).quantiles],
    }),
  )
}
