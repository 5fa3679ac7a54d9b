/**
 * Applying a trained `local-tone`: read the image on its lattice, let ONNX Runtime predict the curves, slice them with
 * our own kernel. See docs/decisions/0002-local-tone.md.
 */
import { InputError, RefusedError, UnfittableError } from '../errors.ts'
import { LATTICE } from '../kernels/lattice.ts'
import { type Volume, voxelCount } from '../volume/volume.ts'
import { CELLS, type LocalCurves, throughCurves } from './curves.ts'
import type { LocalToneModel } from './local-tone-model.ts'
import { readLattice } from './reading.ts'
import { openSession } from './session.ts'

export interface LocalTone {
  /**
   * The image in the reference domain, in the reference's unit of intensity. 0 stays exactly 0, NaN stays NaN.
   *
   * @param mask   on the volume's grid, 0 or 1
   * @param domain the image's domain, one of the model's
   * @throws {RefusedError} when the model does not know the domain
   * @throws {UnfittableError} when the mask is empty, or the image's mean in it is not positive
   */
  apply(volume: Volume, mask: Uint8Array, domain: string): Promise<Float32Array>
  /** The curves that `apply` would use. Same arguments, same errors. */
  curvesFor(volume: Volume, mask: Uint8Array, domain: string): Promise<LocalCurves>
  close(): Promise<void>
}

/**
 * @param curvesOnnx the `curves` graph written for `model`
 * @throws {MissingError} when ONNX Runtime cannot be loaded
 * @throws {InputError} when `curvesOnnx` is not a graph that it can run
 */
export async function openLocalTone(
  model: LocalToneModel,
  curvesOnnx: Uint8Array,
  { threads }: { readonly threads: number },
): Promise<LocalTone> {
  const session = await openSession(curvesOnnx, { threads, name: 'The local-tone network' })
  const dims = [1, 1, ...LATTICE.shape]

  const curvesFor = async (volume: Volume, mask: Uint8Array, domain: string): Promise<LocalCurves> => {
    const index = model.domains.indexOf(domain)
    if (index < 0)
      throw new RefusedError(
        `Domain "${domain}" is not one that this model was trained on.`,
        `Name one of: ${model.domains.join(', ')}.`,
      )
    if (mask.length !== voxelCount(volume))
      throw new InputError(
        `The mask has ${mask.length} voxels, the image ${voxelCount(volume)}.`,
        "Give a mask on the image's own grid.",
      )
    const { image, mask: inside, placement } = readLattice(volume, mask)
    const { curves, scale, unlikeness } = await session.run({
      image: { data: image, dims },
      mask: { data: inside, dims },
      domain: { data: BigInt64Array.of(BigInt(index)), dims: [] },
    })
    const expected = CELLS[0] * CELLS[1] * CELLS[2] * model.knots.length
    if (curves?.length !== expected || scale === undefined)
      throw new InputError(
        `The local-tone network gives ${curves?.length ?? 0} curve values, its model expects ${expected}.`,
        'Model and network belong to different harmonizers: take both from one.',
      )
    const imageScale = scale[0] ?? Number.NaN
    if (!(imageScale > 0 && Number.isFinite(imageScale)))
      throw new UnfittableError(
        `The 93rd percentile of intensity deep in the mask is ${imageScale}.`,
        'Check that the mask covers the head and that intensities are positive and finite.',
      )
    return {
      ...{ values: curves, scale: imageScale, placement },
      ...(unlikeness && { unlikeness: unlikeness[0] ?? Number.NaN }),
    }
  }

  return {
    curvesFor,
    apply: async (volume, mask, domain) =>
      throughCurves(model, volume, await curvesFor(volume, mask, domain)),
    close: () => session.close(),
  }
}
