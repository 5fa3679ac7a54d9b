/** A harmonized BIDS dataset is a BIDS derivative: names, sidecars and the texts at its root. */
import { readdir } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import type { BidsCohort } from '../cohort/bids.ts'
import type { Described } from '../cohort/bids-domain.ts'
import type { Scan } from '../cohort/cohort.ts'
import { deedOf, type Translation, translationCaveat, translationText } from '../domain/translation.ts'
import { ConfigError } from '../errors.ts'
import { writeFileAtomic } from '../files.ts'
import { DESCRIPTION, isBidsDataset } from '../formats/bids/dataset.ts'
import { type JsonObject, readJsonObject } from '../formats/bids/json.ts'
import { formatBidsName } from '../formats/bids/name.ts'
import { writeTsv } from '../formats/tables/table.ts'
import { type Destination, tableOf } from './destination.ts'
import { KEPT_FIELDS, TRANSLATED_FIELDS } from './kept-fields.ts'
import type { HarmonizerIdentity } from './record.ts'

const BIDS_VERSION = '1.10.0'
const HALF_WIDTH =
  'Half the width of the 90 % interval, voxel by voxel, for what the target scanner would have shown; the record of the image says how many people it was calibrated on.'

/** What a derivative is made of. */
interface DerivativeParts {
  readonly bids: BidsCohort
  /** The derivative's root. */
  readonly folder: string
  readonly identity: HarmonizerIdentity
  /** Of this attune. */
  readonly version: string
  /** Whether an uncertainty map lies beside every harmonized image. */
  readonly uncertainty?: boolean | undefined
}

export function derivativeDestination(parts: DerivativeParts): Destination {
  const describedOf = ({ image }: Scan): Described => parts.bids.described.get(image) as Described
  return {
    check: (overwrite) => checkFolder(parts, overwrite),
    begin: () => writeDescription(parts),
    placeOf(scan) {
      const described = describedOf(scan)
      const kind = kindOf(scan.domain, parts)
      return {
        output: join(parts.folder, derivativePath(described, kind, parts.identity.translation)),
        sidecar: derivativeSidecar(described, kind, parts),
      }
    },
    end: (done) =>
      writeTexts(
        parts,
        done.map((scan) => labelOf(describedOf(scan), kindOf(scan.domain, parts))),
      ),
  }
}

/** What becomes of images of one domain. Real images of the contrast that a translation makes are not to be taken for translated ones. */
type Kind = 'harmonized' | 'translated' | 'unchanged'

function kindOf(domain: string, { identity }: DerivativeParts): Kind {
  return identity.translation !== undefined && domain === identity.target
    ? 'unchanged'
    : deedOf(identity).done
}

/**
 * `sub-01/ses-A/anat/sub-01_ses-A_desc-harmonized_T1w.nii.gz`; what was `desc-preproc` becomes `desc-preprocHarmonized`. What is translated has the suffix
 * of the new contrast.
 */
function derivativePath(described: Described, kind: Kind, translation: Translation | undefined): string {
  const { path, name } = described.file
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  const entities = { ...name.entities, desc: labelOf(described, kind) }
  const suffix = kind === 'translated' && translation ? translation.to : name.suffix
  return `${folder}${formatBidsName({ entities, suffix, extension: '.nii.gz' })}`
}

function labelOf({ file }: Described, kind: Kind): string {
  const desc = file.name.entities['desc']
  return desc === undefined ? kind : `${desc}${kind[0]?.toUpperCase()}${kind.slice(1)}`
}

/** What the sidecar says beside the record: what it is, what it was made from, and what the source's sidecar says that still holds. */
function derivativeSidecar(
  { file, sidecar }: Described,
  kind: Kind,
  { bids, identity }: DerivativeParts,
): JsonObject {
  const kept = kind === 'translated' ? TRANSLATED_FIELDS : KEPT_FIELDS
  return {
    Description: kind === 'unchanged' ? UNCHANGED : summary(identity),
    Sources: [`bids:${linkName(bids)}:${file.path}`],
    SkullStripped: sidecar['SkullStripped'] === true,
    ...Object.fromEntries(kept.flatMap((key) => (key in sidecar ? [[key, sidecar[key]]] : []))),
  }
}

/**
 * Checks that `folder` is empty, or holds what the same harmonizer wrote; with `overwrite`, what any harmonizer of attune wrote.
 * @throws {ConfigError} when it holds something else
 */
async function checkFolder(parts: DerivativeParts, overwrite: boolean): Promise<void> {
  const { folder } = parts
  const found = (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith('.'))
  if (found.length === 0) return
  const by = (await isBidsDataset(folder))
    ? (await readJsonObject(join(folder, DESCRIPTION)))['GeneratedBy']
    : undefined
  const own = generatedBy(parts)
  if (!Array.isArray(by) || by[0]?.Name !== own.Name)
    throw new ConfigError(
      `${folder} holds something that attune did not write.`,
      'Name another output folder.',
    )
  if (!overwrite && JSON.stringify(by) !== JSON.stringify([own]))
    throw new ConfigError(
      `${folder} holds a dataset of another harmonizer: ${by[0]?.Description}`,
      'Name another output folder, or pass --overwrite.',
    )
}

/** Written before the first image, so that a run that was stopped is known again. */
async function writeDescription(parts: DerivativeParts): Promise<void> {
  const { bids, folder } = parts
  const raw = bids.dataset.description
  const [doi, version] = [text(raw['DatasetDOI']), text(raw['DatasetVersion'])]
  const link = relative(resolve(folder), resolve(bids.dataset.root)).split(sep).join('/')
  const description = {
    Name: titleOf(parts),
    BIDSVersion: BIDS_VERSION,
    DatasetType: 'derivative',
    ...Object.fromEntries(['License', 'Authors'].flatMap((key) => (key in raw ? [[key, raw[key]]] : []))),
    GeneratedBy: [generatedBy(parts)],
    SourceDatasets: [
      {
        ...(doi === undefined ? { URL: `${link}/` } : { DOI: doi.startsWith('10.') ? `doi:${doi}` : doi }),
        ...(version !== undefined && { Version: version }),
      },
    ],
    DatasetLinks: { [linkName(bids)]: link },
  }
  await writeFileAtomic(join(folder, DESCRIPTION), `${JSON.stringify(description, null, 2)}\n`)
}

/** Written after the last image: README, the meaning of each `desc`, and what BIDS has no name for. */
async function writeTexts(parts: DerivativeParts, done: readonly string[]): Promise<void> {
  const { folder, identity, uncertainty } = parts
  const labels = [...new Set(done)].sort()
  const { done: did, noun } = deedOf(identity)
  await writeTsv(
    join(folder, 'descriptions.tsv'),
    ['desc_id', 'description'],
    labels.flatMap((name) => [
      { desc_id: `desc-${name}`, description: /unchanged$/i.test(name) ? UNCHANGED : summary(identity) },
      ...(uncertainty ? [{ desc_id: `desc-${name}Uncertainty`, description: HALF_WIDTH }] : []),
    ]),
  )
  const meaning = {
    Description: 'What the label of each desc entity stands for.',
    desc_id: { Description: 'The entity as names have it.' },
    description: { Description: 'What was done to the images of that name.' },
  }
  await writeFileAtomic(join(folder, 'descriptions.json'), `${JSON.stringify(meaning, null, 2)}\n`)
  await writeFileAtomic(join(folder, '.bidsignore'), `${tableOf(identity)}\n`)
  await writeFileAtomic(
    join(folder, 'README.md'),
    `# ${titleOf(parts)}

${summary(identity)}

- \`sub-*/**/*_desc-${did}_*.nii.gz\`: the images, on the grids of their sources.
- The JSON file beside each image says what holds for it as it did for its source; under \`${noun}\` it records what was done,
  what guards found, and noise, sharpness and contrast before and after.
- \`${tableOf(identity)}\`: a row per image, with its domain and the covariates of the source's tables.

Images that are not here were refused, or could not be read; the output of \`attune apply\` says why. The source dataset is linked in
\`dataset_description.json\`. attune is not a medical device; not for diagnosis.
`,
  )
}

interface Generator {
  readonly Name: string
  readonly Version: string
  readonly Description: string
}

function generatedBy({ identity, version }: DerivativeParts): Generator {
  const { name, sha256 } = identity
  const which = sha256 === undefined ? '' : ` Harmonizer ${name}, SHA-256 of its manifest ${sha256}.`
  return { Name: 'attune', Version: version, Description: `${summary(identity)}${which}` }
}

function titleOf({ bids, identity }: DerivativeParts): string {
  return `${text(bids.dataset.description['Name']) ?? 'Dataset'}, ${deedOf(identity).done}`
}

const UNCHANGED = 'A scan of the reference itself, passed through unchanged.'

function summary({ method, rung, target, translation }: HarmonizerIdentity): string {
  if (translation !== undefined)
    return `Translated from ${translationText(translation)} as on ${target} (attune ${method}, rung ${rung}). ${translationCaveat(translation)}`
  return target === undefined
    ? `Intensities normalized image by image (attune ${method}, rung ${rung}).`
    : `Intensities brought to those of ${target} (attune ${method}, rung ${rung}).`
}

/** Of the source dataset, in BIDS URIs. */
function linkName({ dataset }: BidsCohort): string {
  return dataset.description['DatasetType'] === 'derivative' ? 'source' : 'raw'
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
