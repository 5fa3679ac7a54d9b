/** Heads of the bench of the universal harmonizer, of anatomies that the shipped network has not seen. */
import { type AnyHead, drawAnyHead } from '../data/generators/any-head.ts'

/** Of heads and scanners; used for nothing else. */
export const SEED = 77_001
export const ANATOMIES = ['synthseg-05', 'synthseg-06'] as const

/** The first head of an anatomy, in the row of this bench, that has lesions. */
export async function headWithLesions(anatomy: number): Promise<AnyHead> {
  for (let index = anatomy; ; index += ANATOMIES.length) {
    const head = await drawAnyHead(SEED, index, ANATOMIES)
    if (head.map.lesions.some((lesion) => lesion > 0)) return head
  }
}
