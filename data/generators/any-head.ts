/** Digital heads for a universal harmonizer: any anatomy, pose and voxel size, each scanned on scanners drawn for that one scan. */
import type { UniversalContrast } from '../../src/domain/universal-contrast.ts'
import { ConfigError } from '../../src/errors.ts'
import { type Random, random } from '../../src/kernels/random.ts'
import type { Grid, Volume } from '../../src/volume/volume.ts'
import { volumeOf } from '../../src/volume/volume.ts'
import {
  ANATOMIES,
  type AnatomyName,
  drawIndividual,
  type Individual,
  isAnatomyName,
  loadAnatomy,
  type Variation,
} from './anatomy.ts'
import { CANONICAL, CANONICAL_LEVEL, drawAnyScanner } from './any-scanner.ts'
import { withOtherLayers } from './layers.ts'
import { withLesions } from './lesions.ts'
import { drawPose, moved } from './motion.ts'
import { changeRegions } from './region-change.ts'
import { sampleTissues, type TissueMap } from './sampling.ts'
import { drawConditions, noiseless, ricianSample, spread } from './scan.ts'
import type { Scanner } from './scanner.ts'
import { signal } from './signal.ts'
import { drawTexture, type Texture } from './texture.ts'
import { relaxation } from './tissues.ts'
import { brainMask, defacedMask } from './variants.ts'

/** One scan of a digital head with what no real scan has: itself without noise, and the same head in the canonical domain. */
export interface AnyScan {
  readonly image: Volume
  /** Mean of the image over draws of its noise; 0 where the image was blanked. */
  readonly expected: Float32Array
  /** The head as the canonical scanner sees it with the point spread of this one; see `CANONICAL`. */
  readonly target: Float32Array
  /** A mask that comes with the image; without it users let the foreground be found. */
  readonly mask?: Uint8Array
  /** 1 in brain, and the number of the lesion. */
  readonly brain: Uint8Array
  readonly lesions: Uint8Array
  readonly scanner: Scanner
  readonly preparation: 'whole' | 'brain' | 'defaced'
}

export interface AnyHead {
  readonly map: TissueMap
  readonly texture: Texture
  readonly brain: Uint8Array
  readonly defaced: Uint8Array
  readonly contrast: UniversalContrast
  /** In the canonical domain of that contrast, before any point spread. */
  readonly canonical: Float32Array
}

/** Chosen: what lies in MRI archives. Poses as positioning leaves them; lesions in every other head; ventricles from a third less to twice. */
const POSE = { degrees: 5, mm: 8 } as const
const LESION_SHARE = 0.5
const LESIONS = { least: 2, most: 14 } as const
const VENTRICLES_PERCENT = { least: -30, most: 90 } as const
const SHAPE_SHARE = 0.5
const VOXEL_MM = { least: 1.9, most: 2.5 } as const
const STRIPPED_SHARE = 0.25
const DEFACED_SHARE = 0.2
/** Of images with a skull, those that come with a mask of the brain. */
const BRAIN_MASK_SHARE = 0.15

/** Chosen: beyond adult heads of one population. */
const WIDE: Variation = { logScale: 0.045, shear: 0.025, flowMm: 3.5, flowScaleMm: 28 }

/** `adults` of one population, or more than that: `wide` is with layers of other thickness (see layers.ts) and stronger deformation. */
export type Variety = 'adults' | 'wide'

/** How a head is drawn, and in which canonical domain it is shown. */
export interface HeadOptions {
  readonly variety?: Variety
  readonly contrast?: UniversalContrast
}

/** The head at `index` of the row that `seed` stands for. Anatomies take turns. */
export async function drawAnyHead(
  seed: number,
  index: number,
  anatomies: readonly AnatomyName[],
  { variety = 'adults', contrast = 'T1w' }: HeadOptions = {},
): Promise<AnyHead> {
  const own = random(seed, `any head ${index}`)
  const named = await loadAnatomy(anatomies[index % anatomies.length] as AnatomyName)
  const base = variety === 'wide' ? withOtherLayers(own.fork('layers'), named) : named
  const wanted =
    own.uniform() < LESION_SHARE ? LESIONS.least + own.integer(LESIONS.most - LESIONS.least + 1) : 0
  const { anatomy, lesions } = withLesions(own.fork('lesions'), base, wanted)
  const drawn = drawIndividual(own.fork('shape'), anatomy, variety === 'wide' ? WIDE : undefined)
  const { least, most } = VENTRICLES_PERCENT
  const percent = Math.round(own.between(least, most))
  const changed = base.soft === undefined && own.uniform() < SHAPE_SHARE
  const individual = changed ? withVentricles(drawn, percent) : drawn
  const pose = drawPose(own.fork('pose'), POSE)
  const map = sampleTissues(moved(individual, pose), own.between(VOXEL_MM.least, VOXEL_MM.most))
  const texture = drawTexture(own.fork('texture'), map, lesions, pose.toRest)
  return {
    map,
    texture,
    brain: brainMask(map),
    defaced: defacedMask(map),
    contrast,
    canonical: canonicalImage(map, texture, contrast),
  }
}

/** By `percent` larger, or by half of it and so on where that would fold space. */
function withVentricles(drawn: Individual, percent: number): Individual {
  for (let by = percent; by !== 0; by = Math.trunc(by / 2)) {
    try {
      return changeRegions(drawn, [{ region: 'ventricles', percent: by }]).individual
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
    }
  }
  return drawn
}

/** @param own the stream of this scan: scanner, positioning, noise and preparation */
export function scanAnyHead(head: AnyHead, own: Random): AnyScan {
  const scanner = drawAnyScanner(own.fork('scanner'), head.contrast)
  return preparedScan(head, scanner, own)
}

/** As `scanAnyHead`, on a scanner that is given, and prepared in a way that is given. */
export function preparedScan(
  head: AnyHead,
  scanner: Scanner,
  own: Random,
  asked?: AnyScan['preparation'],
): AnyScan {
  const { map, brain, defaced } = head
  const choice = own.fork('preparation')
  const at = choice.uniform()
  const drawn = at < STRIPPED_SHARE ? 'brain' : at < STRIPPED_SHARE + DEFACED_SHARE ? 'defaced' : 'whole'
  const preparation = asked ?? drawn
  const masked = asked === undefined && preparation !== 'brain' && choice.uniform() < BRAIN_MASK_SHARE
  const kept = preparation === 'brain' ? brain : preparation === 'defaced' ? defaced : undefined
  const { image, expected } = scanWithMean(head, scanner, own)
  if (kept) for (let v = 0; v < kept.length; v++) if (kept[v] === 0) image[v] = expected[v] = 0
  return {
    image: volumeOf(gridOf(map), image),
    expected,
    target: spread(head.canonical, map, scanner.psfFwhmMm),
    ...(masked && { mask: brain }),
    brain,
    lesions: map.lesions,
    scanner,
    preparation,
  }
}

function canonicalImage(map: TissueMap, texture: Texture, contrast: UniversalContrast): Float32Array {
  const { scanner, level } = CANONICAL[contrast]
  const still = { offset: [0, 0, 0], gain: 1, flipCalibration: 1 } as const
  const unit = signal(relaxation(level, scanner.fieldTesla), scanner.sequence) / CANONICAL_LEVEL
  return noiseless(map, texture, scanner, still).map((value) => value / unit)
}

/**
 * The image, not rounded, and its mean: a Rician magnitude of amplitude A and noise SD s has a mean near sqrt(A^2 + s^2) where
 * A exceeds s, and at most a quarter more where it does not.
 * @see Gudbjartsson and Patz, Magn Reson Med 34:910-914 (1995), doi:10.1002/mrm.1910340618
 */
function scanWithMean(
  { map, texture }: AnyHead,
  scanner: Scanner,
  own: Random,
): { readonly image: Float32Array; readonly expected: Float32Array } {
  const { whiteLevel, responseExponent, snr, sequence, fieldTesla } = scanner
  const conditions = drawConditions(own.fork('conditions'))
  const noise = own.fork('noise')
  const clean = spread(noiseless(map, texture, scanner, conditions), map, scanner.psfFwhmMm)
  const white = signal(relaxation('white-matter', fieldTesla), sequence)
  const sd = white / snr
  const level = whiteLevel * conditions.gain
  const stored = (magnitude: number): number => level * (magnitude / white) ** responseExponent
  const image = new Float32Array(clean.length)
  const expected = new Float32Array(clean.length)
  for (let v = 0; v < clean.length; v++) {
    const amplitude = clean[v] as number
    image[v] = stored(ricianSample(amplitude, sd, noise))
    expected[v] = stored(Math.sqrt(amplitude * amplitude + sd * sd))
  }
  return { image, expected }
}

function gridOf({ shape, affine }: TissueMap): Grid {
  return { shape, affine }
}

/** A row of scans, one head after another. */
export interface AnyScans {
  readonly seed: number
  /** In turn. */
  readonly anatomies: readonly AnatomyName[]
  readonly scansPerHead: number
  readonly contrast: UniversalContrast
  /** In turn. */
  readonly varieties?: readonly Variety[]
}

/** @returns the scan at an index of the row, the same whenever it is asked for */
export function anyScans({
  seed,
  anatomies,
  scansPerHead,
  contrast,
  varieties = ['adults'],
}: AnyScans): (index: number) => Promise<AnyScan> {
  let latest: { readonly number: number; readonly head: Promise<AnyHead> } | undefined
  return async (index) => {
    const number = Math.floor(index / scansPerHead)
    const variety = varieties[number % varieties.length] as Variety
    if (latest?.number !== number)
      latest = { number, head: drawAnyHead(seed, number, anatomies, { contrast, variety }) }
    return scanAnyHead(await latest.head, random(seed, `any scan ${index}`))
  }
}

/** @throws {ConfigError} for a name that is none */
export function knownAnatomies(names: readonly string[]): readonly AnatomyName[] {
  return names.map((name) => {
    if (isAnatomyName(name)) return name
    throw new ConfigError(`There is no anatomy "${name}".`, `Choose among: ${ANATOMIES.join(', ')}.`)
  })
}
