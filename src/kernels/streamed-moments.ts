/** Mean and variance of numbers that come in pieces, none of which is kept. */

export interface StreamedMoments {
  count: number
  mean: number
  /** Sum of squared differences from the mean. */
  squares: number
}

export function streamedMoments(): StreamedMoments {
  return { count: 0, mean: 0, squares: 0 }
}

/**
 * NaN left out. Within a piece the mean is taken first; pieces are joined by their means, so that nothing large is subtracted.
 * @see Chan, Golub, LeVeque, Am Stat 37(3):242-247 (1983), doi:10.1080/00031305.1983.10483115
 */
export function addMoments(to: StreamedMoments, piece: Float64Array): void {
  let count = 0
  let sum = 0
  for (let i = 0; i < piece.length; i++)
    if (!Number.isNaN(piece[i])) {
      count++
      sum += piece[i]!
    }
  if (count === 0) return
  const mean = sum / count
  let squares = 0
  for (let i = 0; i < piece.length; i++) if (!Number.isNaN(piece[i])) squares += (piece[i]! - mean) ** 2
  const all = to.count + count
  const apart = mean - to.mean
  to.squares += squares + (apart * apart * to.count * count) / all
  to.mean += (apart * count) / all
  to.count = all
}

/** Divisor n - 1; NaN for fewer than two numbers. */
export function varianceOf({ count, squares }: StreamedMoments): number {
  return count > 1 ? squares / (count - 1) : Number.NaN
}
