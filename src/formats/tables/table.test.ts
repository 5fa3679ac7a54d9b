import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../../test/fixtures/nifti.ts'
import { InputError } from '../../errors.ts'
import { readCells, readTable, writeCells, writeTsv } from './table.ts'

const folder = await temporaryFolder()
const path = join(folder, 'table')
const read = async (content: string | Uint8Array) => {
  await writeFile(path, content)
  return readTable(path)
}

it('reads tabs or commas as the first line says, whatever the name', async () => {
  const rows = [{ a: '1', b: 'x,y' }]
  expect((await read('a\tb\n1\tx,y\n')).rows).toEqual(rows)
  expect((await read('a,b\n1,"x,y"\n')).rows).toEqual(rows)
})
it('understands quotes, a byte order mark, either line end, blank lines and blanks around cells', async () => {
  const table = await read('\ufeffa,"b b"\r\n\r\n 1 , 2\r\n"say ""hi""","two\nlines"\r\n')
  expect(table.columns).toEqual(['a', 'b b'])
  expect(table.rows).toEqual([
    { a: '1', 'b b': '2' },
    { a: 'say "hi"', 'b b': 'two\nlines' },
  ])
})
it('takes a lone quote in a TSV cell as it is, as BIDS writes inches', async () => {
  expect((await read('coil\tn\n8" loop\t1\n')).rows).toEqual([{ coil: '8" loop', n: '1' }])
})
it('keeps columns named like parts of an object as plain cells', async () => {
  const table = await read('__proto__,constructor\n1,2\n')
  expect(Object.entries(table.rows[0]!)).toEqual([
    ['__proto__', '1'],
    ['constructor', '2'],
  ])
})
it('takes a column without a name, as row numbers have in exports of pandas', async () => {
  expect((await read(',a\n0,x\n')).rows).toEqual([{ '': '0', a: 'x' }])
})
it('a header alone is a table without rows', async () => {
  expect((await read('a\tb\n')).rows).toEqual([])
})
it.each([
  ['nothing', '', /is empty/],
  ['blank lines', '\n\n', /is empty/],
  ['a repeated column', 'a,b,a\n1,2,3\n', /repeats the column "a"/],
  ['a short row', 'a,b\n1\n', /line 2/],
  ['a long row', 'a,b\n1,2,3\n', /line 2/],
  ['an open quote', 'a,b\n"1,2\n', /is not a table/],
  ['bytes that are no text', Buffer.from([0x61, 0x2c, 0xff, 0xfe]), /UTF-8/],
  ['UTF-16', Buffer.from('a,b\n1,2\n', 'utf16le'), /UTF-8/],
] as const)('refuses %s', async (_, content, message) => {
  await expect(read(content)).rejects.toThrow(message)
  await expect(read(content)).rejects.toThrow(InputError)
})
it('refuses a missing file and a folder', async () => {
  await expect(readTable(join(folder, 'nothing.tsv'))).rejects.toThrow(/does not exist/)
  await expect(readTable(folder)).rejects.toThrow(/is a folder/)
})
it('writes what it reads back', async () => {
  const cell = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/[\0\r]/g, '').trim())
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(cell, cell), { maxLength: 5 }), async (cells) => {
      const rows = cells.map(([a, b]) => ({ a: `x${a}`, b }))
      await writeTsv(path, ['a', 'b'], rows)
      expect((await readTable(path)).rows).toEqual(rows)
    }),
    { numRuns: 60 },
  )
})
it('writes columns in the order given, numbers as they print, and nothing for what is absent', async () => {
  await writeTsv(path, ['b', 'a'], [{ a: 0.1, b: 'x' }, { b: 'y' }])
  expect(await readFile(path, 'utf8')).toBe('b\ta\nx\t0.1\ny\t\n')
})
it('knows the line on which each row begins, with blank lines and with cells of several lines', async () => {
  await writeFile(path, 'a,b\n\n1,2\r\n3,4\n')
  expect((await readCells(path)).lines).toEqual([3, 4])
  await writeFile(path, 'a,b\n\n1,"x\ny"\n3,4\n')
  expect((await readCells(path)).lines).toEqual([3, 5])
})
it('keeps a row of empty cells, with quotes in the table and without', async () => {
  await writeFile(path, 'a\tb\n\t\n1\t2\n')
  expect((await readCells(path)).rows).toEqual([
    ['', ''],
    ['1', '2'],
  ])
  await writeFile(path, 'a,b\n,\n"1",2\n')
  expect((await readCells(path)).rows).toEqual([
    ['', ''],
    ['1', '2'],
  ])
})
it.each([',', '\t'] as const)(
  'writes lists of cells that it reads back, separated by %j',
  async (delimiter) => {
    const cell = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/[\0\r]/g, '').trim())
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { maxLength: 5 }), async (cells) => {
        const rows = cells.map(([a, b]) => [`x${a}`, b])
        await writeCells(path, ['a', 'b'], rows, delimiter)
        expect(await readCells(path)).toMatchObject({ columns: ['a', 'b'], rows, delimiter })
      }),
      { numRuns: 60 },
    )
  },
)
it.each([',', '\t'] as const)(
  'writes numbers with the digits of String, between text, separated by %j',
  async (delimiter) => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 5 }), async (pairs) => {
        const rows = pairs.map(([a, b]) => [a, b, 'x', b, 'y'])
        await writeCells(path, ['a', 'b', 'c', 'd', 'e'], rows, delimiter)
        expect((await readCells(path)).rows).toEqual(rows.map((cells) => cells.map(String)))
      }),
      { numRuns: 60 },
    )
  },
)
