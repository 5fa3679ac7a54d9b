/** Several images of one person, all registered to one of them. */
import { AttuneError } from '../../errors.ts'
import { IDENTITY } from '../../kernels/matrix.ts'
import { type PairRegistration, registerPair } from './pair.ts'
import type { WorkingImage } from './working.ts'

export interface Group<Image extends WorkingImage> {
  readonly anchor: Image
  readonly members: readonly Member<Image>[]
}

export interface Member<Image extends WorkingImage> {
  readonly image: Image
  /** From the anchor's world; of the anchor itself the identity, without error. Missing where registration failed. */
  readonly pair?: PairRegistration
  /** Error up to which the image belongs to the group, mm. */
  readonly limitMm: number
  /** Why the image does not belong to the group. */
  readonly excluded?: string
}

const SELF: PairRegistration = { transform: IDENTITY, errorMm: 0 }

/**
 * Registers all images to the first one; where that leaves out more than half of the others, to the next, and so on: one bad image must
 * not cost the others. The anchor that keeps most wins, the earlier of equals.
 * @param images at least one
 * @param limitMm error up to which two images belong together, mm
 * @param onPair called before each registration with the numbers of both images
 */
export async function registerGroup<Image extends WorkingImage>(
  images: readonly Image[],
  limitMm: (a: Image, b: Image) => number,
  seed: number,
  onPair: (anchor: number, other: number) => void = () => {},
): Promise<Group<Image>> {
  let best: Group<Image> | undefined
  for (const [at, anchor] of images.entries()) {
    const members: Member<Image>[] = []
    for (const [other, image] of images.entries()) {
      if (other !== at) onPair(at, other)
      members.push(
        other === at ? { image, pair: SELF, limitMm: limitMm(anchor, image) } : await member(anchor, image),
      )
    }
    const group = { anchor, members }
    if (best === undefined || keptIn(group) > keptIn(best)) best = group
    if (2 * (keptIn(best) - 1) >= images.length - 1) break
  }
  return best as Group<Image>

  async function member(anchor: Image, image: Image): Promise<Member<Image>> {
    const limit = limitMm(anchor, image)
    try {
      const pair = await registerPair(anchor, image, seed)
      if (pair.errorMm <= limit) return { image, pair, limitMm: limit }
      const excluded = `the registration may be off by ${pair.errorMm.toFixed(2)} mm, more than ${limit.toFixed(2)} mm`
      return { image, pair, limitMm: limit, excluded }
    } catch (cause) {
      if (!(cause instanceof AttuneError) || cause.exitCode !== 4) throw cause
      return { image, limitMm: limit, excluded: cause.what }
    }
  }
}

function keptIn<Image extends WorkingImage>({ members }: Group<Image>): number {
  return members.filter(({ excluded }) => excluded === undefined).length
}
