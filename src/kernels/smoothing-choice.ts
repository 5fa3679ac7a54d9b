/** Which penalties a feature is fitted with: the least of a criterion, found the same way every time. */
import { type Criterion, type Penalized, type Projected, penalized, type Smoother } from './smoothing.ts'
import { times } from './symmetric.ts'
import { symmetricEigen } from './symmetric-eigen.ts'

/**
 * Chosen: penalties are sought from 10^-6 to 10^10 of the unit of the smoother. Below, a basis of ten functions is as good as free; above,
 * the curve is a straight line to 1e-5 effective degrees of freedom.
 */
const [LEAST, MOST] = [-6 * Math.LN10, 10 * Math.LN10]
/** Chosen: so many places of the range are looked at first, since a criterion may have several low points: each decade for one term or two, some hundred in all for more. */
const places = (terms: number): number => (terms <= 2 ? 17 : terms === 3 ? 7 : terms === 4 ? 4 : 2)
/** Chosen: no longer step than e^3 in a penalty; the end is where the slope is below 1e-8 (criteria are read to 1e-3 at best). */
const LONGEST = 3
const FLAT = 1e-8
const MOST_STEPS = 60
/** Chosen: less than this share of the squares is what their sums lose to rounding. */
const ROUNDING = 1e-14
/** For second derivatives out of first ones. */
const APART = 1e-4

/** Value and slope of the criterion in the logarithms of the penalties. */
interface Criticized {
  readonly value: number
  readonly slope: () => Float64Array
}

/**
 * (n - p) log(squares + roughness) + log|X'X + S| - sum_j size_j log(penalty_j), with p coefficients that cost nothing: the restricted
 * likelihood of the model in which roughness comes from a normal prior, with its variance put in; times -2.
 */
function reml(smoother: Smoother, feature: Projected, penalties: Float64Array, at: Penalized): Criticized {
  const { design, size, blocks, roughness, groups } = smoother
  const coefficients = times(at.inverse, feature.cross)
  const free = design.rows - groups - (size - blocks.reduce((sum, block) => sum + block.size, 0))
  const cost = Math.max(feature.squares - dot(coefficients, feature.cross), ROUNDING * feature.squares)
  let value = free * Math.log(cost) + at.logDeterminant
  for (let j = 0; j < blocks.length; j++) value -= blocks[j]!.size * Math.log(penalties[j]!)
  const slope = (): Float64Array =>
    Float64Array.from(blocks, (block, j) => {
      const energy = penalties[j]! * dot(times(roughness[j]!, coefficients), coefficients)
      return (free * energy) / cost + at.held[j]! - block.size
    })
  return { value, slope }
}

/** n (log(squares) - 2 log(n - degrees of freedom)): generalized cross-validation, on the scale of `reml`. */
function gcv(smoother: Smoother, feature: Projected, penalties: Float64Array, at: Penalized): Criticized {
  const { design, size, blocks, gram, roughness, groups } = smoother
  const { cross, squares } = feature
  const coefficients = times(at.inverse, cross)
  const fitted = times(gram, coefficients)
  const pull = cross.map((value, k) => value - fitted[k]!) // sum_j penalty_j S_j c
  const left = Math.max(squares - dot(coefficients, cross) - dot(coefficients, pull), ROUNDING * squares)
  const free = design.rows - groups - size + at.held.reduce((a, b) => a + b, 0)
  const slope = (): Float64Array => {
    const solved = times(at.inverse, pull)
    return Float64Array.from(blocks, (_, j) => {
      const squaresSlope = 2 * dot(solved, times(roughness[j]!, coefficients))
      const freeSlope = traceOfFour(at.inverse, gram, at.inverse, roughness[j]!, size)
      return penalties[j]! * design.rows * (squaresSlope / left - (2 * freeSlope) / free)
    })
  }
  return { value: design.rows * (Math.log(left) - 2 * Math.log(free)), slope }
}

const CRITERIA = { reml, gcv } as const

/** trace(A B C D) of symmetric matrices, or of diagonals. */
function traceOfFour(
  a: Float64Array,
  b: Float64Array,
  c: Float64Array,
  d: Float64Array,
  size: number,
): number {
  let sum = 0
  if (a.length === size) {
    for (let k = 0; k < size; k++) sum += a[k]! * b[k]! * c[k]! * d[k]!
    return sum
  }
  for (let k = 0; k < size; k++) {
    const [row, column] = [a.subarray(k * size, (k + 1) * size), d.subarray(k * size, (k + 1) * size)]
    sum += dot(times(b, row), times(c, column))
  }
  return sum
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!
  return sum
}

/**
 * What finds the best penalties of one feature after the other: the best place of a lattice over the whole range, whose matrices all features share,
 * then Newton's steps in the logarithms of the penalties. At the ends of the range a penalty stays.
 */
export function penaltyChooser(
  smoother: Smoother,
  criterion: Criterion,
): (feature: Projected) => Float64Array {
  const { unit } = smoother
  const criticize = CRITERIA[criterion]
  const penaltiesAt = (place: Float64Array): Float64Array =>
    place.map((value, j) => unit[j]! * Math.exp(value))
  const lattice = latticeOf(unit.length).map((place) => {
    const penalties = penaltiesAt(place)
    return { place, penalties, matrices: penalized(smoother, penalties) }
  })
  return (feature) => {
    const at = (place: Float64Array): Criticized => {
      const penalties = penaltiesAt(place)
      return criticize(smoother, feature, penalties, penalized(smoother, penalties))
    }
    const values = lattice.map(
      ({ penalties, matrices }) => criticize(smoother, feature, penalties, matrices).value,
    )
    let best: Found = { place: new Float64Array(unit.length), value: Number.POSITIVE_INFINITY }
    for (const start of lowPoints(values, unit.length)) {
      const end = descended(lattice[start]!.place, at)
      if (end.value < best.value) best = end
    }
    return penaltiesAt(best.place)
  }
}

/** Chosen: the search goes down from so many low points of the lattice, the lowest first. Of 2,400 features of random tables, 10 changed from one to three, none with more. */
const STARTS = 3

/** Where no neighbour along an axis is lower. */
function lowPoints(values: readonly number[], terms: number): readonly number[] {
  const count = places(terms)
  const low = [...values.keys()].filter((k) =>
    Array.from({ length: terms }, (_, j) => count ** j).every((apart) => {
      const step = Math.floor(k / apart) % count
      const below = step > 0 ? values[k - apart]! : Number.POSITIVE_INFINITY
      const above = step + 1 < count ? values[k + apart]! : Number.POSITIVE_INFINITY
      return values[k]! <= below && values[k]! <= above
    }),
  )
  return low.sort((a, b) => values[a]! - values[b]!).slice(0, STARTS)
}

/** Every combination of evenly spaced places from LEAST to MOST. */
function latticeOf(terms: number): readonly Float64Array[] {
  const count = places(terms)
  return Array.from({ length: count ** terms }, (_, k) =>
    Float64Array.from({ length: terms }, (__, j) => {
      const step = Math.floor(k / count ** j) % count
      return LEAST + (step / (count - 1)) * (MOST - LEAST)
    }),
  )
}

interface Found {
  readonly place: Float64Array
  readonly value: number
}

function descended(from: Float64Array, at: (place: Float64Array) => Criticized): Found {
  let place = from
  let here = at(place)
  for (let step = 0; step < MOST_STEPS; step++) {
    const slope = here.slope()
    const free = [...place.keys()].filter(
      (j) => !((place[j]! <= LEAST && slope[j]! > 0) || (place[j]! >= MOST && slope[j]! < 0)),
    )
    if (free.every((j) => Math.abs(slope[j]!) < FLAT)) break
    const direction = newton(free, place, slope, at)
    let moved = false
    for (let share = 1; share > 1e-6 && !moved; share /= 2) {
      const next = place.map((value, j) => Math.min(MOST, Math.max(LEAST, value + share * direction[j]!)))
      const there = at(next)
      moved = there.value < here.value
      if (moved) [place, here] = [next, there]
    }
    if (!moved) break
  }
  return { place, value: here.value }
}

/** Newton's step with the curvature taken as positive everywhere, so that it always leads down. */
function newton(
  free: readonly number[],
  place: Float64Array,
  slope: Float64Array,
  at: (place: Float64Array) => Criticized,
): Float64Array {
  const size = free.length
  const bend = new Float64Array(size * size)
  free.forEach((j, row) => {
    const beside = at(place.with(j, place[j]! + APART)).slope()
    free.forEach((k, column) => {
      const value = (beside[k]! - slope[k]!) / APART / 2
      bend[row * size + column]! += value
      bend[column * size + row]! += value
    })
  })
  const { values, vectors } = symmetricEigen(bend, size)
  const out = new Float64Array(place.length)
  for (let v = 0; v < size; v++) {
    let along = 0
    for (let row = 0; row < size; row++) along += vectors[v * size + row]! * slope[free[row]!]!
    const length = Math.max(-LONGEST, Math.min(LONGEST, -along / Math.max(Math.abs(values[v]!), 1e-12)))
    for (let row = 0; row < size; row++) out[free[row]!]! += length * vectors[v * size + row]!
  }
  return out
}
