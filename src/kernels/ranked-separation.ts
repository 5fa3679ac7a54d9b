/** How well a score ranks the members of one class above those of another. */

export interface Ranked {
  /** Area under the receiver operating curve: the chance that a member scores above a non-member, ties half. */
  readonly area: number
  /** Its standard error; NaN with fewer than two of either. */
  readonly error: number
}

/**
 * @see DeLong, DeLong, Clarke-Pearson, Biometrics 44(3):837-845 (1988), doi:10.2307/2531595
 */
export function rankedSeparation(members: readonly number[], others: readonly number[]): Ranked {
  const above = (x: number, y: number): number => (x > y ? 1 : x === y ? 0.5 : 0)
  const ofMembers = members.map((x) => others.reduce((sum, y) => sum + above(x, y), 0) / others.length)
  const ofOthers = others.map((y) => members.reduce((sum, x) => sum + above(x, y), 0) / members.length)
  const area = ofMembers.reduce((sum, value) => sum + value, 0) / members.length
  const variance = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + (value - area) ** 2, 0) / (values.length - 1)
  return {
    area,
    error: Math.sqrt(variance(ofMembers) / members.length + variance(ofOthers) / others.length),
  }
}
