import { beforeAll, describe, expect, it } from 'vitest'
import { random } from '../../src/kernels/random.ts'
import { startEngine } from '../engine/engine.ts'
import { dissimilarity, edgeDifference, meanAbsolute } from './image-loss.ts'

const [BATCH, HEIGHT, WIDTH] = [2, 11, 13]
const rng = random(1, 'losses')
const draw = () => Float32Array.from({ length: BATCH * HEIGHT * WIDTH }, () => rng.uniform())
const [a, b] = [draw(), draw()]
const weight = draw().map((value) => (value > 0.3 ? 1 : 0))
const index = (n: number, r: number, c: number): number => (n * HEIGHT + r) * WIDTH + c

let tf: Awaited<ReturnType<typeof startEngine>>['tf']
beforeAll(async () => {
  tf = (await startEngine('cpu', () => {})).tf
})
const value = (loss: typeof meanAbsolute): number => {
  const image = (x: Float32Array) => tf.tensor4d(x, [BATCH, HEIGHT, WIDTH, 1])
  return tf.tidy(() => loss(tf, image(a), image(b), image(weight)).dataSync()[0]!)
}

describe('losses, each against its definition', () => {
  it('mean absolute difference where the weight is 1', () => {
    let [sum, n] = [0, 0]
    for (let i = 0; i < a.length; i++) if (weight[i] === 1) [sum, n] = [sum + Math.abs(a[i]! - b[i]!), n + 1]
    expect(value(meanAbsolute)).toBeCloseTo(sum / n, 5)
  })

  it('differences between neighbours that both count', () => {
    const total = [
      [1, 0],
      [0, 1],
    ].map(([down, right]) => {
      let [sum, n] = [0, 0]
      for (let k = 0; k < BATCH; k++)
        for (let r = 0; r + down! < HEIGHT; r++)
          for (let c = 0; c + right! < WIDTH; c++) {
            const [i, j] = [index(k, r, c), index(k, r + down!, c + right!)]
            if (weight[i] === 0 || weight[j] === 0) continue
            sum += Math.abs(a[j]! - a[i]! - (b[j]! - b[i]!))
            n++
          }
      return sum / n
    })
    expect(value(edgeDifference)).toBeCloseTo(total[0]! + total[1]!, 5)
  })

  it('1 - SSIM over whole windows of 7 x 7, with the constants of Wang et al. (2004)', () => {
    let [sum, total] = [0, 0]
    for (let k = 0; k < BATCH; k++)
      for (let r = 0; r + 7 <= HEIGHT; r++)
        for (let c = 0; c + 7 <= WIDTH; c++) {
          const at = Array.from({ length: 49 }, (_, i) => index(k, r + Math.floor(i / 7), c + (i % 7)))
          const mean = (f: (i: number) => number): number => at.reduce((s, i) => s + f(i), 0) / 49
          const [ma, mb] = [mean((i) => a[i]!), mean((i) => b[i]!)]
          const va = mean((i) => (a[i]! - ma) ** 2)
          const vb = mean((i) => (b[i]! - mb) ** 2)
          const vab = mean((i) => (a[i]! - ma) * (b[i]! - mb))
          const ssim =
            ((2 * ma * mb + 1e-4) * (2 * vab + 9e-4)) / ((ma * ma + mb * mb + 1e-4) * (va + vb + 9e-4))
          const share = mean((i) => weight[i]!)
          sum += share * (1 - ssim)
          total += share
        }
    expect(value(dissimilarity)).toBeCloseTo(sum / total, 4)
  })
})
