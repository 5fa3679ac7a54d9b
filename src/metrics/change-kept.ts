/**
 * How much of a small deformation of an image is left after something was done to it.
 *
 *     H(W x) - H(x) = kept (W H(x) - H(x)) + a H(x) + b + rest,   kept, a, b by least squares
 *
 * W deforms, H harmonizes. What only recolours an image commutes with deforming it and keeps 1; what paints the anatomy it expects keeps 0; what
 * exaggerates keeps more. For small displacements W H(x) - H(x) is the gradient times the displacement, so `kept` is the length of the
 * displacement that the harmonized image shows, in units of the one put in, and a change of volume is linear in that. A gain a and an
 * offset b between the two images are no change of volume, and every volumetry sets them apart. Noise takes part on both sides
 * alike, and no contrast between tissues has to be known.
 *
 * @param before   H(x), length V; @param after H(W x)
 * @param deformed W H(x)
 * @returns NaN where deforming changes nothing
 * @see Lucas, Kanade, Proc. 7th IJCAI:674-679 (1981) (displacement from gradients, by least squares)
 * @see Freeborough, Fox, IEEE Trans. Med. Imaging 16(5):623-629 (1997), doi:10.1109/42.640753 (volume change as displacement of borders)
 */
export function changeKept(before: Float32Array, after: Float32Array, deformed: Float32Array): number {
  const n = before.length
  const [own, expected, found] = [before, deformed, after].map((image, k) =>
    Float64Array.from(image, (value, i) => (k === 0 ? value : value - before[i]!)),
  ) as [Float64Array, Float64Array, Float64Array]
  const finite = (i: number): boolean => Number.isFinite(own[i]! + expected[i]! + found[i]!)
  const sums = new Float64Array(4)
  for (let i = 0; i < n; i++) {
    if (!finite(i)) continue
    sums[0]! += 1
    sums[1]! += own[i]!
    sums[2]! += expected[i]!
    sums[3]! += found[i]!
  }
  const [meanOwn, meanExpected, meanFound] = [1, 2, 3].map((k) => sums[k]! / sums[0]!) as [
    number,
    number,
    number,
  ]
  let [ownOwn, ownExpected, ownFound, expectedExpected, expectedFound] = [0, 0, 0, 0, 0]
  for (let i = 0; i < n; i++) {
    if (!finite(i)) continue
    const a = own[i]! - meanOwn
    const b = expected[i]! - meanExpected
    const c = found[i]! - meanFound
    ownOwn += a * a
    ownExpected += a * b
    ownFound += a * c
    expectedExpected += b * b
    expectedFound += b * c
  }
  return (
    (expectedFound - (ownExpected * ownFound) / ownOwn) /
    (expectedExpected - (ownExpected * ownExpected) / ownOwn)
  )
}
