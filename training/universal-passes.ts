/** What passes of a universal harmonizer make of digital scans, image and noise-free mean alike. */
import { throughCurves } from '../src/inference/curves.ts'
import { type LocalTone, openLocalTone } from '../src/inference/local-tone.ts'
import { ANY_DOMAIN, type LocalToneModel } from '../src/inference/local-tone-model.ts'
import { type Volume, volumeOf } from '../src/volume/volume.ts'

export interface OpenedPass {
  readonly model: LocalToneModel
  readonly network: LocalTone
}

/** @param graphs of the curves of each model */
export function openPasses(
  models: readonly LocalToneModel[],
  graphs: readonly Uint8Array[],
  threads: number,
): Promise<readonly OpenedPass[]> {
  return Promise.all(
    models.map(async (model, k) => ({
      model,
      network: await openLocalTone(model, graphs[k] as Uint8Array, { threads }),
    })),
  )
}

/** An image, and what it would be without its noise. */
export interface ScanWithMean {
  readonly image: Volume
  readonly expected: Float32Array
}

/** Both through the curves that the pass reads from the image. */
export async function afterPass(
  { model, network }: OpenedPass,
  { image, expected }: ScanWithMean,
  mask: Uint8Array,
): Promise<ScanWithMean> {
  const curves = await network.curvesFor(image, mask, ANY_DOMAIN)
  return {
    image: volumeOf(image, throughCurves(model, image, curves)),
    expected: throughCurves(model, volumeOf(image, expected), curves),
  }
}
