/**
 * The universal harmonizer on unseen anatomies and unseen scanners, every one drawn from the ranges of training with seeds that nothing was tuned on: how
 * far scans of one head differ from each other, and what is left of lesions and noise.
 */
import { type AnyHead, type AnyScan, preparedScan } from '../data/generators/any-head.ts'
import { drawAnyScanner } from '../data/generators/any-scanner.ts'
import { drawScanner, type Scanner } from '../data/generators/scanner.ts'
import type { Harmonizer } from '../src/harmonizer/harmonizer.ts'
import { applyZScore, STANDARD } from '../src/intensity/zscore.ts'
import { maskedQuantiles } from '../src/kernels/quantile.ts'
import { random } from '../src/kernels/random.ts'
import { lesionContrast, lesionPlaces } from '../src/metrics/lesion-contrast.ts'
import { mae } from '../src/metrics/mae.ts'
import { flatVoxels, residualSd } from '../src/metrics/noise.ts'
import { robustRange } from '../src/metrics/robust-range.ts'
import { foregroundMask } from '../src/volume/mask.ts'
import { toFloat32, voxelSize } from '../src/volume/volume.ts'
import { afterPass, type OpenedPass, type ScanWithMean } from '../training/universal-passes.ts'
import { fixed, mean, median, percent, type Section, say } from './result.ts'
import { ANATOMIES, headWithLesions, SEED } from './universal-heads.ts'
import { shippedPasses } from './universal-unseen.ts'

const SCANNERS = 10
/** Draws of ten scanners: two as in training, since what ten have in common differs from draw to draw, and one of those that `attune simulate` makes, which differ less. */
const DRAWS: readonly {
  readonly seed: number
  readonly name: string
  scanner(k: number): Scanner
}[] = [
  ...[SEED, SEED + 3].map((seed) => ({
    seed,
    name: `any scanner, seed ${seed}`,
    scanner: (k: number) => drawAnyScanner(random(seed, `scanner ${k}`)),
  })),
  {
    seed: SEED + 4,
    name: `attune simulate, seed ${SEED + 4}`,
    scanner: (k) => drawScanner(random(SEED + 4, 'scanners'), k, { voxelMm: 2, contrast: 'T1w' }),
  },
]
const REQUIRED = { share: 0.5, lesions: [0.9, 1.1] } as const

type Where = 'head' | 'brain'

/** One scan, each in units of its own robust range. */
const KINDS = ['zscore', 'harmonized', 'meanZscore', 'meanHarmonized', 'truth', 'truthWithNoise'] as const
type Images = Readonly<Record<(typeof KINDS)[number], Float32Array>>

/** One scan, after z-score and harmonized, with and without its noise; and what a perfect mapping would give, without noise and with what the curves let through. */
interface Corrected extends Images {
  readonly mask: Uint8Array
  /** Median contrast of the visible lesions over that of the truth, of the image and of its mean without noise. */
  readonly kept: number
  readonly meanKept: number
  readonly refused: boolean
  /** From error to refusal, as in the table. */
  readonly cells: readonly string[]
}

async function corrected(
  harmonizer: Harmonizer,
  passes: readonly OpenedPass[],
  head: AnyHead,
  { image, expected, target }: AnyScan,
): Promise<Corrected> {
  const { shape } = image
  const x = toFloat32(image)
  const mask = foregroundMask(image)
  const { volume, record } = await harmonizer.apply(image, { force: true })
  const harmonized = toFloat32(volume)
  let seen: ScanWithMean = { image, expected }
  for (const pass of passes) seen = await afterPass(pass, seen, mask)
  const withNoise = target.map((value, v) => value + (harmonized[v] as number) - (seen.expected[v] as number))
  const { places } = lesionPlaces({ shape, voxelMm: voxelSize(image), lesions: head.map.lesions, mask })
  const visible = places.filter((place) => Math.abs(lesionContrast(target, place)) > VISIBLE)
  const keptIn = (values: Float32Array): number =>
    median(visible.map((place) => lesionContrast(values, place) / lesionContrast(target, place)))
  const [kept, meanKept] = [keptIn(harmonized), keptIn(seen.expected)]
  const noise = median(noiseOverSlope(harmonized, x, shape, flatVoxels(target, shape, mask)))
  return {
    zscore: inRange(applyZScore(STANDARD, x, mask), mask),
    harmonized: inRange(harmonized, mask),
    meanZscore: inRange(applyZScore(STANDARD, expected, mask), mask),
    meanHarmonized: inRange(seen.expected, mask),
    truth: inRange(target, mask),
    truthWithNoise: inRange(withNoise, mask),
    mask,
    kept,
    meanKept,
    refused: record.forced,
    cells: [
      percent(mae(harmonized, target, mask) / robustRange(target, mask)),
      String(visible.length),
      fixed(kept, 2),
      fixed(meanKept, 2),
      fixed(noise, 2),
      record.forced ? 'yes' : 'no',
    ],
  }
}

function described({ protocol, fieldTesla, coil, snr, psfFwhmMm }: Scanner): string {
  return `${protocol} ${fieldTesla} T, shading ${fixed(coil.shading, 1)}, SNR ${fixed(snr, 0)}, PSF ${psfFwhmMm.map((mm) => fixed(mm, 1)).join('/')}`
}

export async function digitalScanners(harmonizer: Harmonizer): Promise<readonly Section[]> {
  const rows: string[][] = []
  const shares: Readonly<Record<Where, number[]>> = { head: [], brain: [] }
  const meanShares: typeof shares = { head: [], brain: [] }
  const passes = await shippedPasses()
  const contrasts: number[] = []
  const meanContrasts: number[] = []
  let refused = 0
  for (const [index, name] of ANATOMIES.entries()) {
    const head = await headWithLesions(index)
    for (const draw of DRAWS) {
      const scans: Corrected[] = []
      let common = head.brain.map(() => 1)
      for (let k = 0; k < SCANNERS; k++) {
        say(`${name}, ${draw.name}, scanner ${k + 1} of ${SCANNERS}`)
        const scanner = draw.scanner(k)
        const stream = random(draw.seed, `head ${index}, scan ${k}`)
        const scan = await corrected(harmonizer, passes, head, preparedScan(head, scanner, stream, 'whole'))
        scans.push(scan)
        contrasts.push(scan.kept)
        meanContrasts.push(scan.meanKept)
        if (scan.refused) refused++
        common = common.map((inside, v) => inside & (scan.mask[v] as number))
        rows.push([name, described(scanner), ...scan.cells])
      }
      for (const where of ['head', 'brain'] as const) {
        const counts =
          where === 'head' ? common : common.map((inside, v) => inside & (head.brain[v] as number))
        const apart = Object.fromEntries(
          KINDS.map((kind) => [
            kind,
            meanDifference(
              scans.map((one) => one[kind]),
              counts,
            ),
          ]),
        ) as Readonly<Record<(typeof KINDS)[number], number>>
        shares[where].push(apart.harmonized / apart.zscore)
        meanShares[where].push(apart.meanHarmonized / apart.meanZscore)
        const left = `${percent(apart.harmonized)} (z-score ${percent(apart.zscore)}, truth with this noise ${percent(apart.truthWithNoise)})`
        const meanLeft = `${percent(apart.meanHarmonized)} (z-score ${percent(apart.meanZscore)}, truth ${percent(apart.truth)})`
        rows.push([name, `all of ${draw.name}, from each other, in the ${where}`, left, '', '', '', '', ''])
        rows.push([name, 'the same without noise', meanLeft, '', '', '', '', ''])
      }
    }
  }
  for (const { network } of passes) await network.close()
  return [
    {
      title: 'Unseen digital scanners',
      columns: [
        'head',
        'scanner',
        'from the truth, MAE',
        'lesions',
        'contrast kept',
        'without noise',
        'noise over slope',
        'refused',
      ],
      rows,
      notes: [
        'MAE in units of the robust range (1st to 99th percentile) in the foreground. Truth: the head in the canonical domain, without noise, at the point spread of the scan. Lesion contrast: lesion less shell, over that of the truth; lesions that stand out there by at least 10 % of white matter. Without noise: of the mean of the scan, through the same curves; what differs is noise in a few lesions.',
        'Noise over slope: residual SD in flat tissue after over before, over the local slope of the map; 1 means that noise was scaled as the signal, neither removed nor added.',
      ],
    },
    {
      title: 'Unseen digital scanners: what must hold',
      columns: ['requirement', 'found', 'met'],
      rows: [
        [
          'scans of one head differ from each other by at most half of what they differ after z-score (goal: a third)',
          ...halved(shares.head),
        ],
        ['the same in the brain alone', ...halved(shares.brain)],
        ['the same without noise, in the head', ...halved(meanShares.head)],
        ['the same without noise, in the brain', ...halved(meanShares.brain)],
        ['median lesion contrast kept from 0.9 to 1.1 on each scanner', ...allWithin(contrasts)],
        ['the same without noise', ...allWithin(meanContrasts)],
        [
          'not refused by its guards',
          `${contrasts.length - refused} of ${contrasts.length}`,
          refused === 0 ? 'yes' : 'no',
        ],
      ],
      notes: [
        `In this order for each head: ${DRAWS.map(({ name }) => name).join('; ')}; ${SCANNERS} scanners each. Any scanner: drawn as in training; attune simulate: 1.5 and 3 T, shading up to 1.7, so that z-score leaves less. Heads of ${ANATOMIES.join(' and ')}, which were not trained on; whole heads. Noise and point spread, which no curve changes, differ between the scans and are part of what is left: truth with this noise is what would be left if the curves were perfect but as steep as they are. Without noise: the mean of each scan through the curves that were read from it with its noise; truths differ by their point spreads alone.`,
      ],
    },
  ]
}

function allWithin(contrasts: readonly number[]): [found: string, met: string] {
  const [least, most] = REQUIRED.lesions
  const inside = contrasts.filter((value) => value >= least && value <= most).length
  const middle = median(contrasts.filter((value) => !Number.isNaN(value)))
  return [
    `${inside} of ${contrasts.length}; median ${fixed(middle, 2)}`,
    inside === contrasts.length ? 'yes' : 'no',
  ]
}

function halved(shares: readonly number[]): [found: string, met: string] {
  const found = shares.map((one) => percent(one, 0)).join(', ')
  return [found, shares.every((share) => share <= REQUIRED.share) ? 'yes' : 'no']
}

/** Contrast of a lesion to its surroundings in the canonical domain, where white matter is 1000. */
const VISIBLE = 100

/** Residual SD after over before, over the mean slope, of slabs of flat tissue. */
function noiseOverSlope(
  after: Float32Array,
  before: Float32Array,
  shape: readonly [number, number, number],
  flat: Uint8Array,
): readonly number[] {
  const slice = shape[0] * shape[1]
  const depth = Math.ceil(shape[2] / 12)
  const found: number[] = []
  for (let z = 0; z + depth <= shape[2]; z += depth) {
    const part = (x: Float32Array): Float32Array => x.subarray(z * slice, (z + depth) * slice)
    const places = flat.slice(z * slice, (z + depth) * slice)
    const size = [shape[0], shape[1], depth] as const
    const noise = residualSd(part(after), size, places) / residualSd(part(before), size, places)
    const gain = levelOf(part(after), places) / levelOf(part(before), places)
    if (Number.isFinite(noise / gain)) found.push(noise / gain)
  }
  return found
}

function levelOf(x: Float32Array, mask: Uint8Array): number {
  const [middle = Number.NaN] = maskedQuantiles(x, mask, [0.5])
  return middle
}

function inRange(x: Float32Array, mask: Uint8Array): Float32Array {
  const unit = robustRange(x, mask)
  return x.map((value) => value / unit)
}

/** Mean absolute difference over all pairs. */
function meanDifference(images: readonly Float32Array[], mask: Uint8Array): number {
  return mean(images.flatMap((a, k) => images.slice(k + 1).map((b) => mae(a, b, mask))))
}
