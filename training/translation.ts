/** When one contrast may be made from another: where it is declared, paired scans show it, and a method can do it. */
import type { Pair } from '../src/cohort/cohort.ts'
import { loadPair } from '../src/cohort/images.ts'
import { MIXED } from '../src/domain/preparation.ts'
import { type Translation, translationText } from '../src/domain/translation.ts'
import { RefusedError } from '../src/errors.ts'
import type { Method } from '../src/harmonizer/method.ts'
import { type LocalOrder, localOrder } from '../src/metrics/local-order.ts'
import { toFloat32, voxelSize } from '../src/volume/volume.ts'
import type { Survey } from './closed-form.ts'

/** They learn from pairs what an intensity becomes. */
const TRANSLATORS: readonly (Method | 'auto')[] = ['tone', 'local-tone', 'residual-unet']

/**
 * Share of the places in which order may be reversed (chosen). Between scans of one contrast, and from PDw to T2w and back, it was 0; between
 * contrasts whose tissues change places, 0.057 and more (docs/decisions/0014-translation.md).
 */
const REVERSED_AT_MOST = 0.02

/**
 * @param from where the network starts, as the user asked
 * @throws {RefusedError} for a method that learns from no pairs, for `auto`, and for a start from a harmonizer
 */
export function requireTranslator(method: Method | 'auto', from: string | undefined): void {
  if (method === 'auto')
    throw new RefusedError(
      'A translation was declared, but no method named: auto chooses among harmonizers alone.',
      `Name one, the weakest first: --method ${TRANSLATORS.join(', ')}.`,
    )
  if (!TRANSLATORS.includes(method))
    throw new RefusedError(
      `\`${method}\` does not learn from pairs what one contrast looks like in another.`,
      `A translation needs people scanned in both contrasts, and --method ${TRANSLATORS.join(', ')}.`,
    )
  if (from !== undefined && from !== 'scratch')
    throw new RefusedError(
      `A translation cannot start from ${from}, which was made to harmonize one contrast.`,
      'Leave --from out.',
    )
}

/**
 * From which contrast to which, where every source has the one and the target the other.
 * @throws {RefusedError} otherwise
 */
export function declaredTranslation({ guards }: Pick<Survey, 'guards'>, target: string): Translation {
  const contrastOf = (domain: string): string => {
    const found = guards[domain]?.preparation?.contrast
    if (found !== undefined && found !== MIXED) return found
    throw new RefusedError(
      found === undefined
        ? `A translation was declared, but of which contrast the scans of ${domain} are is not known.`
        : `A translation was declared, but scans of ${domain} are of several contrasts.`,
      "Let the files' names end in the contrast, such as sub-01_T2w.nii.gz, or say it in the cohort's column `prepared`: contrast:T2w. One translation is from one contrast.",
    )
  }
  const to = contrastOf(target)
  const sources = Object.keys(guards).filter((domain) => domain !== target)
  for (const domain of sources)
    if (contrastOf(domain) === to)
      throw new RefusedError(
        `Scans of ${domain} are ${to}, as those of the target ${target}: to bring them there is to harmonize, no translation.`,
        'Leave --translation out; train scanners of another contrast apart.',
      )
  const [first, ...others] = sources as [string, ...string[]]
  const from = contrastOf(first)
  const other = others.find((domain) => contrastOf(domain) !== from)
  if (other !== undefined)
    throw new RefusedError(
      `Scans of ${first} are ${from}, those of ${other} ${contrastOf(other)}: one translation is from one contrast.`,
      'Train one for each contrast: divide the cohort.',
    )
  return { from, to }
}

/**
 * A curve that must rise, wherever it is in the head, cannot exchange bright and dark.
 * @throws {RefusedError} where a pair shows that tissues change places
 */
export async function requireSameOrder(
  pairs: readonly Pair[],
  translation: Translation,
  method: Method | 'auto',
): Promise<void> {
  const found = new Map<string, LocalOrder>()
  for (const pair of pairs) {
    const { source, target, mask } = await loadPair(pair)
    const own = localOrder(toFloat32(source), toFloat32(target), mask, source.shape, voxelSize(source))
    const { domain } = pair.source
    const { places, reversed } = found.get(domain) ?? { places: 0, reversed: 0 }
    found.set(domain, { places: places + own.places, reversed: reversed + own.reversed })
  }
  for (const [domain, { places, reversed }] of found) {
    if (places === 0)
      throw new RefusedError(
        `Whether ${translationText(translation)} keeps the order of tissues could not be measured: the paired scans of ${domain} share no cube of 20 mm.`,
        'Check that the paired scans show the same part of the head.',
      )
    const share = reversed / places
    if (share > REVERSED_AT_MOST)
      throw new RefusedError(
        `In ${percent(share)} of ${places} places of 20 mm in the paired scans of ${domain}, what is brighter in ${translation.from} is darker in ${translation.to} (accepted: ${percent(REVERSED_AT_MOST)}). ${CANNOT[method as keyof typeof CANNOT]} No method of attune can make ${translation.to} of ${translation.from} within its bounds.`,
        `Scan ${translation.to} itself, or check that the paired scans are registered. Contrasts whose tissues are in the same order, such as PDw and T2w, can be translated.`,
      )
  }
}

const CANNOT = {
  tone: '`tone` is one curve that rises, so that brighter stays brighter.',
  'local-tone': '`local-tone` is at each place a curve that rises, so that brighter stays brighter.',
  'residual-unet':
    '`residual-unet` adds a bounded correction to a curve that rises: too little to turn it around.',
} as const

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`
}
