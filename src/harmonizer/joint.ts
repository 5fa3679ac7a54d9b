/**
 * One mapping for several visits of one person on one scanner, so that what differs between visits is the person and noise, and no
 * mapping that was estimated anew each time.
 *
 * The gain of the receiver is the exception: scanners set it at every visit, so each visit keeps a scale of its own (the median of its
 * mask; in `local-tone` its own scale), and visits share what is done to intensities in units of it.
 */
import type { LocalCurves } from '../inference/curves.ts'
import { maskedQuantiles } from '../kernels/quantile.ts'
import { applyClosedForm } from './closed-form.ts'
import type { ClosedFormModel } from './method.ts'

/** What a visit gives to the mapping that it shares. */
export type Visit =
  /** Its finite masked voxels, and the scale of the visit, in one unit. */
  | { readonly kind: 'values'; readonly values: Float32Array; readonly scale: number }
  | { readonly kind: 'curves'; readonly curves: LocalCurves }
  /** Of a universal harmonizer of several passes: what it gives to each. */
  | { readonly kind: 'passes'; readonly passes: readonly (Visit | undefined)[] }
  /** Of `residual-unet`: what its first stage shares, where that is possible, and the code that modulates the network. */
  | { readonly kind: 'coded'; readonly stage: Visit | undefined; readonly code: Float32Array }

/** @returns `undefined` where the median of the mask is not positive: then nothing tells the gains of visits apart */
export function visitValues(x: Float32Array, mask: Uint8Array): Visit | undefined {
  const scale = maskedQuantiles(x, mask, [0.5])[0] as number
  if (!(scale > 0 && Number.isFinite(scale))) return undefined
  return { kind: 'values', scale, values: x.filter((value, i) => mask[i] !== 0 && Number.isFinite(value)) }
}

/**
 * A method in closed form whose figures of the image (moments, landmarks, quantiles, peaks) are those of all visits together, each voxel of a mask
 * counting once. These methods are curves, which do not look where a voxel lies: so the visits' voxels are simply put behind the image's own.
 * @param others the other visits; those of another kind, or where this image has no scale, do not count
 */
export function applyJointly(
  model: ClosedFormModel,
  x: Float32Array,
  mask: Uint8Array,
  domain: string,
  others: readonly Visit[],
): Float32Array {
  const pooled = pooledVisits(x, mask, others)
  if (model.kind === 'identity' || pooled.x === x) return applyClosedForm(model, x, mask, domain)
  return applyClosedForm(model, pooled.x, pooled.mask, domain).slice(0, x.length)
}

/** The image with the voxels of its other visits behind its own, in its own unit; itself where there are none. */
export function pooledVisits(
  x: Float32Array,
  mask: Uint8Array,
  others: readonly Visit[],
): { readonly x: Float32Array; readonly mask: Uint8Array } {
  const parts = others.flatMap((visit) => (visit.kind === 'values' ? [visit] : []))
  const own = parts.length === 0 ? undefined : visitValues(x, mask)
  if (own?.kind !== 'values') return { x, mask }
  const total = parts.reduce((sum, { values }) => sum + values.length, x.length)
  const pooled = new Float32Array(total)
  const inside = new Uint8Array(total).fill(1)
  pooled.set(x)
  inside.set(mask)
  let at = x.length
  for (const { values, scale } of parts) {
    const gain = own.scale / scale
    for (const value of values) pooled[at++] = value * gain
  }
  return { x: pooled, mask: inside }
}

/** The curves of one visit, in units of its own scale, replaced by the mean of those of all visits, cell by cell of the box below the vertex. */
export function sharedCurves(own: LocalCurves, others: readonly Visit[]): LocalCurves {
  const all = [own, ...others.flatMap((visit) => (visit.kind === 'curves' ? [visit.curves] : []))]
  const values = own.values.map(
    (_, i) => all.reduce((sum, curves) => sum + (curves.values[i] as number), 0) / all.length,
  )
  return { ...own, values }
}
