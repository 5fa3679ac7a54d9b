/** The plain data of a trained `residual-unet`: everything but its network's weights. See docs/decisions/0007-residual-unet.md. */

import type { LocalToneModel } from '../inference/local-tone-model.ts'
import type { ToneModel } from '../intensity/tone.ts'

export interface ResidualUnetModel {
  readonly kind: 'residual-unet'
  /** What brings the image near the reference first; the network corrects what that leaves. */
  readonly stage: ToneModel | LocalToneModel
  /** Largest change by the network, in the unit of the reference. */
  readonly bound: number
  /** Fields of the code that the network is modulated by, in their order; see src/harmonizer/image-code.ts. */
  readonly code: readonly string[]
}
