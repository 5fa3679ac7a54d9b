/** What is compared: the harmonizer under test, and weaker methods fitted to the same training scans. */
import type { Harmonizer } from '../src/harmonizer/harmonizer.ts'
import { isInvertible } from '../src/harmonizer/ladder.ts'
import { type ClosedFormModel, isNetwork, type Model } from '../src/harmonizer/method.ts'
import {
  closedMapping,
  forced,
  forcedMapping,
  forcedSharedMapping,
  type Mapping,
  type SharedMapping,
} from '../src/harmonizer/unguarded.ts'
import { toFloat32 } from '../src/volume/volume.ts'

export interface Correction {
  readonly name: string
  /** Images of the reference are mapped as well, where the method knows the reference. */
  readonly apply: Mapping
  /** The same without looking for reasons to refuse, for images that stay as they are as long as they live. */
  readonly unguarded: Mapping
  /** Visits by one mapping; of curves that vary over space. */
  readonly share?: SharedMapping | undefined
  /** The image mapped, and mapped back; absent, or `undefined`, where the mapping has no inverse. */
  backAndForth?(...image: Parameters<Mapping>): Promise<Float32Array | undefined>
}

/**
 * From the weakest to the strongest; the harmonizer comes last, and stands for its own method. It is applied in spite of its guards:
 * what is validated is the mapping, and leaving out what guards doubt would flatter it.
 * @param bare  the harmonizer without its guards
 * @param first what a harmonizer of two stages does first
 */
export function correctionsOf(
  harmonizer: Harmonizer,
  bare: Harmonizer,
  baselines: readonly ClosedFormModel[],
  first?: Harmonizer,
): readonly Correction[] {
  const { method } = harmonizer.identity
  const weaker: readonly ClosedFormModel[] = [{ kind: 'identity' }, ...baselines]
  return [
    ...weaker
      .filter(({ kind }) => kind !== method)
      .map((model) => {
        const apply = closedMapping(model)
        return { name: model.kind, apply, unguarded: apply }
      }),
    ...(first === undefined ? [] : [asCorrection(first, first)]),
    asCorrection(harmonizer, bare),
  ]
}

function asCorrection(harmonizer: Harmonizer, bare: Harmonizer): Correction {
  const { method } = harmonizer.identity
  return {
    name: method,
    apply: forcedMapping(harmonizer),
    unguarded: forcedMapping(bare),
    share: forcedSharedMapping(bare),
    ...(isInvertible(method) && {
      backAndForth: async (volume, mask, origin) => {
        const harmonized = await bare.apply(volume, forced(mask, origin))
        return harmonized.inverse()?.(toFloat32(harmonized.volume))
      },
    }),
  }
}

export function isClosedForm(model: Model): model is ClosedFormModel {
  return !isNetwork(model)
}
