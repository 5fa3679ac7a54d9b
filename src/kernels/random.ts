/** Seeded random numbers: same seed, same numbers, on every machine. */

export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number
  /** Uniform in [low, high). */
  between(low: number, high: number): number
  /** Uniform integer in [0, n). */
  integer(n: number): number
  /** Standard normal. */
  normal(): number
  /** An independent stream for a named part of the work, so that adding one part leaves the others as they were. */
  fork(label: string): Random
}

/** 32-bit FNV-1a of a label. @see Fowler, Noll, Vo; RFC 9923 */
function hash(label: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < label.length; i++) h = Math.imul(h ^ label.charCodeAt(i), 0x01000193)
  return h >>> 0
}

/**
 * sfc32 (Doty-Humphrey, PractRand), seeded from a number and a label; normals by Marsaglia's polar method.
 * @param seed any integer
 */
export function random(seed: number, label = ''): Random {
  let a = hash(`${seed}|${label}|a`)
  let b = hash(`${seed}|${label}|b`)
  let c = hash(`${seed}|${label}|c`)
  let counter = 1
  const next = (): number => {
    const t = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + t
    c |= 0
    return t >>> 0
  }
  for (let i = 0; i < 15; i++) next()
  const uniform = (): number => next() / 4294967296
  let spare = Number.NaN
  const normal = (): number => {
    if (!Number.isNaN(spare)) {
      const value = spare
      spare = Number.NaN
      return value
    }
    for (;;) {
      const u = 2 * uniform() - 1
      const v = 2 * uniform() - 1
      const s = u * u + v * v
      if (s > 0 && s < 1) {
        const factor = Math.sqrt((-2 * Math.log(s)) / s)
        spare = v * factor
        return u * factor
      }
    }
  }
  return {
    uniform,
    between: (low, high) => low + (high - low) * uniform(),
    integer: (n) => Math.floor(uniform() * n),
    normal,
    fork: (name) => random(seed, `${label}/${name}`),
  }
}
