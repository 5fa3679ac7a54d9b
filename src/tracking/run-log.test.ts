import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { completeLines, isInside, isName, metricValue, parseLog } from './run-log.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const LINE = '{"at":5,"metric":"loss","step":10,"value":0.25}\n'

describe('a log', () => {
  it('gives entries with the byte after each', () => {
    expect(parseLog(bytes(LINE + LINE), 'log')).toEqual([
      { entry: { at: 5, metric: 'loss', step: 10, value: 0.25 }, end: LINE.length },
      { entry: { at: 5, metric: 'loss', step: 10, value: 0.25 }, end: 2 * LINE.length },
    ])
  })

  it('does not count a line that a crash cut off, wherever it was cut', () => {
    for (let cut = 0; cut < LINE.length; cut++)
      expect(parseLog(completeLines(bytes(LINE + LINE.slice(0, cut))), 'log')).toHaveLength(1)
  })

  it.each([
    ['no JSON', 'loss 0.25'],
    ['another key', '{"at":5,"metric":"loss","step":10,"value":0.25,"subject":"sub-01"}'],
    ['a step before the first', '{"at":5,"metric":"loss","step":-1,"value":0}'],
    [
      'an artifact outside its folder',
      `{"at":5,"artifact":"../../etc/passwd","bytes":1,"sha256":"${'0'.repeat(64)}"}`,
    ],
    ['a model outside its folder', '{"at":5,"model":"m","folder":"/etc"}'],
    ['a parameter that is a path', '{"at":5,"param":"../x","value":"1"}'],
  ])('is refused with %s', (_what, line) => {
    expect(() => parseLog(bytes(`${line}\n`), 'log.ndjson')).toThrow(/log\.ndjson has a line/)
  })
})

describe('names and paths', () => {
  it('stay in their folder: no chain of parts leaves it', () => {
    const part = fc.constantFrom('a', 'b c', '..', '.', '', 'x.y', '\0', '\\')
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
        const path = parts.join('/')
        const outside = new URL(`file:///base/${path}`).pathname.startsWith('/base/') === false
        if (outside) expect(isInside(path)).toBe(false)
        if (parts.every((text) => ['a', 'b c', 'x.y'].includes(text))) expect(isInside(path)).toBe(true)
      }),
    )
  })

  it('are those that MLflow takes', () => {
    for (const name of ['loss', 'fold_1/loss', 'cohort.sha256', 'a b', 'x:y-z', 'a'.repeat(250)])
      expect(isName(name)).toBe(true)
    for (const name of ['', '/a', 'a/', 'a//b', 'a/../b', 'loss (mean)', 'a@b', 'ä', 'a'.repeat(251)])
      expect(isName(name)).toBe(false)
  })
})

it('writes numbers that JSON does not have as words', () => {
  expect([1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(metricValue)).toEqual([
    1.5,
    'NaN',
    'Infinity',
    '-Infinity',
  ])
})
