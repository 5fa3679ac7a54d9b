import { describe, expect, it } from 'vitest'
import { UNIVERSAL_CONTRASTS, type UniversalContrast } from '../../src/domain/universal-contrast.ts'
import { random } from '../../src/kernels/random.ts'
import { readUniversalRun } from '../../training/universal-run.ts'
import { drawAnyHead, knownAnatomies, preparedScan } from './any-head.ts'
import { ANY_SCANNER_RANGES, CANONICAL, CANONICAL_LEVEL, drawAnyScanner } from './any-scanner.ts'
import { tissueIndex } from './labels.ts'
import { signal } from './signal.ts'
import { relaxation, TISSUE_NAMES, type TissueName } from './tissues.ts'

describe('a scanner of any kind', () => {
  const scanners = Array.from({ length: 400 }, (_, k) => drawAnyScanner(random(1, `scanner ${k}`)))
  it('is drawn from the whole of its ranges', () => {
    for (const field of [0.55, 1.5, 3, 7]) expect(scanners.map((one) => one.fieldTesla)).toContain(field)
    for (const kind of ['mprage', 'bravo', 'tfe', 'flash', 't1w-se'])
      expect(scanners.map(({ protocol }) => protocol)).toContain(kind)
    const shading = scanners.map(({ coil }) => coil.shading)
    expect(Math.min(...shading)).toBeGreaterThanOrEqual(ANY_SCANNER_RANGES.evenShading[0])
    expect(Math.max(...shading)).toBeLessThanOrEqual(ANY_SCANNER_RANGES.rawShading[1])
    expect(shading.filter((value) => value > 3).length).toBeGreaterThan(50)
    const thick = scanners.filter(({ psfFwhmMm }) => Math.max(...psfFwhmMm) >= ANY_SCANNER_RANGES.thickMm[0])
    expect(thick.length / scanners.length).toBeGreaterThan(0.2)
  })
  it('is another one for every scan, and the same one again', () => {
    expect(new Set(scanners.map((one) => JSON.stringify(one))).size).toBe(scanners.length)
    expect(drawAnyScanner(random(1, 'scanner 7'))).toEqual(scanners[7])
  })
})

describe('canonical domains', () => {
  const of = (contrast: UniversalContrast, tissue: TissueName): number => {
    const { fieldTesla, sequence } = CANONICAL[contrast].scanner
    return signal(relaxation(tissue, fieldTesla), sequence)
  }
  it.each([
    ['T1w', ['csf', 'grey-matter', 'lesion', 'thalamus', 'white-matter']],
    ['T2w', ['muscle', 'white-matter', 'grey-matter', 'lesion', 'csf']],
  ] as const)('show tissue in the order of %s images', (contrast, tissues) => {
    const order = tissues.map((tissue) => of(contrast, tissue))
    expect(order).toEqual(order.toSorted((a, b) => a - b))
  })
  it('show fluid dark in T1w and bright in T2w', () => {
    expect(of('T1w', 'csf') / of('T1w', 'white-matter')).toBeLessThan(0.4)
    expect(of('T2w', 'csf') / of('T2w', 'grey-matter')).toBeGreaterThan(2)
  })
  it.each(UNIVERSAL_CONTRASTS)('of %s are those of the named run', async (contrast) => {
    const run = await readUniversalRun(`universal-${contrast.toLowerCase()}`)
    expect(run).toMatchObject({ contrast, target: CANONICAL[contrast].scanner.domain })
  })
  it('have no tissue so bright that it cannot be stored in training (32767 eighths)', () => {
    for (const contrast of UNIVERSAL_CONTRASTS) {
      const unit = of(contrast, CANONICAL[contrast].level) / CANONICAL_LEVEL
      const most = Math.max(...TISSUE_NAMES.map((tissue) => of(contrast, tissue))) / unit
      expect(most).toBeLessThan(0.9 * (32767 / 8))
    }
  })
})

describe('a scan with its truth', async () => {
  const head = await drawAnyHead(3, 0, ['synthseg-01'])
  const scanner = {
    ...drawAnyScanner(random(2)),
    snr: 40,
    responseExponent: 1,
    psfFwhmMm: [0, 0, 0] as const,
  }
  const scan = preparedScan(head, scanner, random(4), 'whole')
  const pure = (name: Parameters<typeof tissueIndex>[0]): number[] => {
    const { start, tissue, fraction } = head.map
    return [...scan.target.keys()].filter(
      (v) =>
        start[v + 1]! - start[v]! === 1 &&
        fraction[start[v]!]! > 0.999 &&
        tissue[start[v]!] === tissueIndex(name),
    )
  }
  const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length
  it('has white matter at 1000 in the canonical domain, whatever the scanner', () => {
    expect(Math.abs(mean(pure('white-matter').map((v) => scan.target[v]!)) - 1000)).toBeLessThan(15)
  })
  it('has noise of the SD asked for about its mean in tissue', () => {
    const white = pure('white-matter')
    const apart = white.map((v) => (scan.image.data[v]! - scan.expected[v]!) / scan.expected[v]!)
    const local = Math.sqrt(mean(apart.map((x) => x * x)))
    expect(Math.abs(mean(apart))).toBeLessThan(0.002)
    // 1/40 where sensitivity is 1; it varies over the head
    expect(local).toBeGreaterThan(0.25 / 40)
    expect(local).toBeLessThan(4 / 40)
  })
  it('is blanked where it was said to be, and its mean with it', () => {
    const brain = preparedScan(head, scanner, random(4), 'brain')
    const outside = [...brain.brain.keys()].filter((v) => brain.brain[v] === 0)
    expect(outside.every((v) => brain.image.data[v] === 0 && brain.expected[v] === 0)).toBe(true)
  })
  it('refuses an anatomy that is none', () => {
    expect(() => knownAnatomies(['synthseg-99'])).toThrow(/synthseg-99.*synthseg-01/s)
  })
})
