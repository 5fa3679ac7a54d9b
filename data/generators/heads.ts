/** Digital heads: drawn once, changed as age, disease and options say, sampled on the voxels of the scanners, with their truth written. */
import { join } from 'node:path'
import { writeNifti } from '../../src/formats/nifti/write.ts'
import { type Random, random } from '../../src/kernels/random.ts'
import { type Volume, volumeOf } from '../../src/volume/volume.ts'
import { type AnatomyName, drawIndividual, type Individual, loadAnatomy } from './anatomy.ts'
import * as bids from './bids.ts'
import { type Lesion, withLesions } from './lesions.ts'
import { moved, type Pose } from './motion.ts'
import type { Settings } from './options.ts'
import { changesOf, drawParticipant, type Participant, siteScore, summed } from './population.ts'
import { changeRegions, type MeasuredChange } from './region-change.ts'
import { dominantTissue, sampleTissues, type TissueMap } from './sampling.ts'
import type { Scanner } from './scanner.ts'
import { drawTexture, type Texture } from './texture.ts'

export interface SimulatedSubject {
  readonly subject: string
  /** Base anatomy. Subjects that share it are one subject in every split. */
  readonly family: AnatomyName
  readonly lesions: readonly Lesion[]
  readonly smallestJacobian: number
  /** Where options say something about them. */
  readonly participant?: Participant
  /** Regions that were changed, with what was measured in the head at rest. */
  readonly regions?: readonly MeasuredChange[]
}

export interface Head {
  readonly subject: SimulatedSubject
  readonly individual: Individual
  readonly texture: Random
}

export function hasLesions({ lesions }: Settings): boolean {
  return [lesions].flat().some((n) => n > 0)
}

/** Scanners that see the subject at `index`, by their place in the row. */
export function scannersOf({ design, scanners }: Settings, index: number): readonly number[] {
  return design === 'sites' ? [index % scanners] : Array.from({ length: scanners }, (_, at) => at)
}

export async function drawHead(settings: Settings, index: number, label: string): Promise<Head> {
  const family = settings.anatomies[index % settings.anatomies.length] as AnatomyName
  const own = random(settings.anatomySeed, `subject ${index}`)
  const lesionStream = own.fork('lesions')
  const [least, most] =
    typeof settings.lesions === 'number' ? [settings.lesions, settings.lesions] : settings.lesions
  const wanted = least + lesionStream.integer(most - least + 1)
  const { anatomy, lesions } = withLesions(lesionStream, await loadAnatomy(family), wanted)
  const drawn = drawIndividual(own.fork('shape'), anatomy)
  const { population, regionChanges = [] } = settings
  const score = settings.design === 'sites' ? siteScore(index % settings.scanners, settings.scanners) : 0
  const participant = population && drawParticipant(own.fork('participant'), population, score)
  const ownChanges = participant && population ? changesOf(participant, population) : []
  const changes = summed([...regionChanges, ...ownChanges])
  const { individual, measured } = changeRegions(drawn, changes)
  const { smallestJacobian } = individual
  return {
    subject: {
      subject: label,
      family,
      lesions,
      smallestJacobian,
      ...(participant && { participant }),
      ...(measured.length > 0 && { regions: measured }),
    },
    individual,
    texture: own.fork('texture'),
  }
}

export interface SampledHead {
  readonly tissues: TissueMap
  readonly texture: Texture
  readonly tissuePath: string
  readonly lesionPath: string
}

/** The head at rest on every voxel size that some scanner has, with its truth written. */
export async function sampleHead(
  out: string,
  head: Head,
  scanners: readonly Scanner[],
  settings: Settings,
): Promise<ReadonlyMap<number, SampledHead>> {
  const sampled = new Map<number, SampledHead>()
  const sizes = [...new Set(scanners.map(({ voxelMm }) => voxelMm))]
  for (const voxelMm of sizes) {
    const resolution = sizes.length === 1 ? undefined : bids.resolutionLabel(voxelMm)
    const tissues = sampleTissues(head.individual, voxelMm)
    const texture = drawTexture(head.texture, tissues, head.subject.lesions)
    sampled.set(voxelMm, await withTruth(out, head, { tissues, texture }, { resolution }, settings))
  }
  return sampled
}

/** The head as it lies in one scan, on the grid of the head at rest, with the truth of that scan written. */
export async function samplePosed(
  out: string,
  head: Head,
  rest: SampledHead,
  pose: Pose,
  session: string,
  settings: Settings,
): Promise<SampledHead> {
  const voxelMm = rest.tissues.affine[0] as number
  const tissues = sampleTissues(moved(head.individual, pose), voxelMm, rest.tissues)
  const texture = drawTexture(head.texture, tissues, head.subject.lesions, pose.toRest)
  return await withTruth(out, head, { tissues, texture }, { session }, settings)
}

async function withTruth(
  out: string,
  { subject: { subject } }: Head,
  { tissues, texture }: { readonly tissues: TissueMap; readonly texture: Texture },
  place: Parameters<typeof bids.truthPath>[2],
  settings: Settings,
): Promise<SampledHead> {
  const tissuePath = bids.truthPath(subject, 'tissue', place)
  const lesionPath = bids.truthPath(subject, 'lesions', place)
  await save(out, tissuePath, volumeOf(tissues, dominantTissue(tissues)))
  if (hasLesions(settings)) await save(out, lesionPath, volumeOf(tissues, tissues.lesions))
  return { tissues, texture, tissuePath, lesionPath }
}

export async function save(out: string, path: string, volume: Volume): Promise<void> {
  await writeNifti(join(out, path), volume, { dtype: 'same' })
}
