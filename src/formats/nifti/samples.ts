/** Values of a volume as samples of a stored type. */
import type { Samples, Scale, Volume } from '../../volume/volume.ts'
import { type Datatype, datatypeOf, FLOAT32_MAX, layoutOf } from './datatype.ts'

/** A sample this near a whole number was one before arithmetic. */
const WHOLE = 1e-3

/**
 * Samples s of type `datatype` with value = s * slope + intercept: the volume's own array where it already is that,
 * else rounded to the nearest (ties away from zero) and held within the type. NaN becomes the sample of value 0 in an integer type.
 */
export function samplesAs(
  volume: Volume,
  datatype: Datatype,
  { slope, intercept }: Scale,
): { data: Samples; clipped: number; rounded: boolean } {
  const { data, scale } = volume
  if (datatypeOf(data) === datatype && scale.slope === slope && scale.intercept === intercept)
    return { data, clipped: 0, rounded: false }
  const { bytes, range, view } = layoutOf(datatype)
  const out = view(new ArrayBuffer(data.length * bytes), 0, data.length)
  // value -> sample in one step; stored samples with equal scaling stay exact
  const same = scale.slope === slope && scale.intercept === intercept
  const factor = same ? 1 : scale.slope / slope
  const shift = same ? 0 : (scale.intercept - intercept) / slope
  if (range === undefined) {
    const limit = datatype === 'float32' ? FLOAT32_MAX : Number.MAX_VALUE
    let clipped = 0
    for (let i = 0; i < out.length; i++) {
      const value = (data[i] as number) * factor + shift
      if (Math.abs(value) > limit && Number.isFinite(data[i])) {
        clipped++
        out[i] = value > 0 ? limit : -limit
      } else out[i] = value
    }
    return { data: out, clipped, rounded: false }
  }
  const [low, high] = range
  const ofZero = Math.min(high, Math.max(low, Math.round(-intercept / slope)))
  const [bottom, top] = [low - 0.5, high + 0.5]
  const narrow = high < 2 ** 31
  let clipped = 0
  let rounded = false
  for (let i = 0; i < out.length; i++) {
    const value = (data[i] as number) * factor + shift
    if (value > bottom && value < top) {
      const beyond = value < 0 ? value - 0.5 : value + 0.5
      const whole = narrow ? beyond | 0 : Math.trunc(beyond)
      out[i] = whole
      if (!rounded) rounded = Math.abs(whole - value) > WHOLE
    } else {
      clipped++
      out[i] = value < 0 ? low : value > 0 ? high : ofZero
    }
  }
  return { data: out, clipped, rounded }
}
