/** Several images of one person, all registered to one of them. */
import { AttuneError } from '../../errors.ts'
import { IDENTITY } from '../../kernels/matrix.ts'
import type { PairRegistration } from './pair.ts'
import { invertRigid } from './rigid.ts'
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
 * @param register from the first to the second; an error of the data (exit code 4) leaves the image out
 * @param limitMm error up to which two images belong together, mm
 * @param onPair called before each registration with the numbers of both images
 */
export async function registerGroup<Image extends WorkingImage>(
  images: readonly Image[],
  limitMm: (a: Image, b: Image) => number,
  register: (a: Image, b: Image) => Promise<PairRegistration>,
  onPair: (anchor: number, other: number) => void = () => {},
): Promise<Group<Image>> {
  const known = new Map<string, PairRegistration | AttuneError>()
  let best: Group<Image> | undefined
  for (const [at, anchor] of images.entries()) {
    const members: Member<Image>[] = []
    for (const [other, image] of images.entries()) {
      const limit = limitMm(anchor, image)
      const found = other === at ? SELF : (known.get(`${other} ${at}`) ?? (await registered(at, other)))
      members.push(memberOf(image, found, limit))
    }
    const group = { anchor, members }
    if (best === undefined || keptIn(group) > keptIn(best)) best = group
    if (2 * (keptIn(best) - 1) >= images.length - 1) break
  }
  return best as Group<Image>

  async function registered(at: number, other: number): Promise<PairRegistration | AttuneError> {
    onPair(at, other)
    const found = await register(images[at] as Image, images[other] as Image).catch(asResult)
    known.set(`${at} ${other}`, found instanceof AttuneError ? found : reversed(found))
    return found
  }
}

/** What the data are to blame for is a result; anything else ends the work. */
function asResult(cause: unknown): AttuneError {
  if (cause instanceof AttuneError && cause.exitCode === 4) return cause
  throw cause
}

function reversed({ transform, errorMm }: PairRegistration): PairRegistration {
  return { transform: invertRigid(transform), errorMm }
}

function memberOf<Image extends WorkingImage>(
  image: Image,
  found: PairRegistration | AttuneError,
  limitMm: number,
): Member<Image> {
  if (found instanceof AttuneError) return { image, limitMm, excluded: found.what }
  if (found.errorMm <= limitMm) return { image, limitMm, pair: found }
  const excluded = `The registration may be off by ${found.errorMm.toFixed(2)} mm, more than ${limitMm.toFixed(2)} mm.`
  return { image, limitMm, pair: found, excluded }
}

function keptIn<Image extends WorkingImage>({ members }: Group<Image>): number {
  return members.filter(({ excluded }) => excluded === undefined).length
}
