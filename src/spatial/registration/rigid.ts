/** Rigid maps of space, SE(3): 4x4 row-major matrices of a rotation and a translation in mm, as in `src/kernels/matrix.ts`. */
import { type Affine, IDENTITY, multiply, transformPoint, type Vector3 } from '../../kernels/matrix.ts'

/**
 * The logarithm of a rigid map: `angular`, the axis of rotation times the angle in radians (at most pi), and `linear`, in mm,
 * so that `rigidExp` of a times it goes the fraction a of the screw motion.
 */
export interface Twist {
  readonly angular: Vector3
  readonly linear: Vector3
}

/** Below this angle (radians) the series of the closed forms are exact to double precision. */
const SMALL_ANGLE = 1e-4
/** Karcher steps of `meanRigid`; each one multiplies the distance left by the cube of the spread, so rotations that spread 90 degrees settle too. */
const MEAN_STEPS = 50

/** The inverse of a rigid map: the rotation transposed, exact where a general inverse rounds. */
export function invertRigid(a: Affine): Affine {
  const at = (k: number): number => a[k] as number
  const shift = (column: number): number =>
    -(at(column) * at(3) + at(4 + column) * at(7) + at(8 + column) * at(11))
  return [
    ...[at(0), at(4), at(8), shift(0)],
    ...[at(1), at(5), at(9), shift(1)],
    ...[at(2), at(6), at(10), shift(2)],
    ...[0, 0, 0, 1],
  ]
}

/** Angle of the rotation, degrees from 0 to 180. */
export function rotationDegrees(a: Affine): number {
  return (Math.hypot(...rotationVector(a)) * 180) / Math.PI
}

/** How far the map moves `point`, mm: unlike the fourth column it does not depend on where the origin of the world is. */
export function shiftAt(a: Affine, point: Vector3): Vector3 {
  const [x, y, z] = transformPoint(a, point)
  return [x - point[0], y - point[1], z - point[2]]
}

/**
 * exp: se(3) -> SE(3).
 * @see Murray, Li, Sastry, A Mathematical Introduction to Robotic Manipulation (1994), eqs. 2.14 and 2.36
 */
export function rigidExp({ angular, linear }: Twist): Affine {
  const [x, y, z] = angular
  const angle2 = x * x + y * y + z * z
  const angle = Math.sqrt(angle2)
  const small = angle < SMALL_ANGLE
  const sine = small ? 1 - angle2 / 6 : Math.sin(angle) / angle
  const versine = small ? 0.5 - angle2 / 24 : (1 - Math.cos(angle)) / angle2
  const rest = small ? 1 / 6 - angle2 / 120 : (1 - sine) / angle2
  // a I + b [w]x + c w w', with w w' = [w]x^2 + angle^2 I
  const series = (a: number, b: number, c: number): readonly number[] => [
    ...[a + c * x * x, c * x * y - b * z, c * x * z + b * y],
    ...[c * x * y + b * z, a + c * y * y, c * y * z - b * x],
    ...[c * x * z - b * y, c * y * z + b * x, a + c * z * z],
  ]
  const rotation = series(1 - versine * angle2, sine, versine)
  const left = series(1 - rest * angle2, versine, rest)
  return [0, 1, 2]
    .flatMap((row) => [
      ...rotation.slice(row * 3, row * 3 + 3),
      dot(left.slice(row * 3, row * 3 + 3), linear),
    ])
    .concat(0, 0, 0, 1)
}

/** log: SE(3) -> se(3), the inverse of `rigidExp` for angles below 180 degrees. */
export function rigidLog(a: Affine): Twist {
  const angular = rotationVector(a)
  const [x, y, z] = angular
  const angle2 = x * x + y * y + z * z
  const angle = Math.sqrt(angle2)
  const half = angle / 2
  const c = angle < SMALL_ANGLE ? 1 / 12 + angle2 / 720 : (1 - half / Math.tan(half)) / angle2
  const t: Vector3 = [a[3] as number, a[7] as number, a[11] as number]
  const once = cross(angular, t)
  const twice = cross(angular, once)
  const part = (k: 0 | 1 | 2): number => t[k] - once[k] / 2 + c * twice[k]
  return { angular, linear: [part(0), part(1), part(2)] }
}

/**
 * The bi-invariant mean: the map m for which the logarithms of m^-1 times each map add up to 0. It does not depend on their order, nor on
 * where the origin and the axes of the world lie; the mean of two is half-way along the screw between them.
 * @param maps at least one; rotations within 90 degrees of each other
 * @see Pennec and Arsigny, Exponential barycenters of the canonical Cartan connection, in Matrix Information Geometry (2013),
 * doi:10.1007/978-3-642-30232-9_7
 */
export function meanRigid(maps: readonly Affine[]): Affine {
  let mean = maps[0] ?? IDENTITY
  for (let step = 0; step < MEAN_STEPS; step++) {
    const back = invertRigid(mean)
    const twist = meanTwist(maps.map((map) => rigidLog(multiply(back, map))))
    mean = multiply(mean, rigidExp(twist))
    if (Math.hypot(...twist.angular) < 1e-12 && Math.hypot(...twist.linear) < 1e-9) break
  }
  return mean
}

function meanTwist(twists: readonly Twist[]): Twist {
  const mean = (of: (twist: Twist) => number): number =>
    twists.reduce((sum, twist) => sum + of(twist), 0) / twists.length
  return {
    angular: [mean((t) => t.angular[0]), mean((t) => t.angular[1]), mean((t) => t.angular[2])],
    linear: [mean((t) => t.linear[0]), mean((t) => t.linear[1]), mean((t) => t.linear[2])],
  }
}

/** Axis times angle, by way of the unit quaternion, which keeps its digits at every angle. */
function rotationVector(a: Affine): Vector3 {
  const at = (row: number, column: number): number => a[row * 4 + column] as number
  const trace = at(0, 0) + at(1, 1) + at(2, 2)
  const w4 = 1 + trace
  const squares = [0, 1, 2].map((k) => 1 - trace + 2 * at(k, k))
  const largest = Math.max(w4, ...squares)
  const skew: Vector3 = [at(2, 1) - at(1, 2), at(0, 2) - at(2, 0), at(1, 0) - at(0, 1)]
  let [w, x, y, z] = [w4, ...skew]
  if (largest !== w4) {
    const k = squares.indexOf(largest)
    const pair = (j: number): number => (j === k ? largest : at(j, k) + at(k, j))
    ;[w, x, y, z] = [skew[k] as number, pair(0), pair(1), pair(2)]
  }
  if (w < 0) [w, x, y, z] = [-w, -x, -y, -z]
  const sine = Math.hypot(x, y, z)
  const factor = sine === 0 ? 0 : (2 * Math.atan2(sine, w)) / sine
  return [x * factor, y * factor, z * factor]
}

function dot(row: readonly number[], [x, y, z]: Vector3): number {
  return (row[0] as number) * x + (row[1] as number) * y + (row[2] as number) * z
}

function cross([a, b, c]: Vector3, [x, y, z]: Vector3): Vector3 {
  return [b * z - c * y, c * x - a * z, a * y - b * x]
}
