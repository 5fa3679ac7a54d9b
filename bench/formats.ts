/** Reading and writing a NIfTI image of 192 x 256 x 256, int16. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readNifti } from '../src/formats/nifti/read.ts'
import { writeNifti } from '../src/formats/nifti/write.ts'
import { largeHead } from './apply.ts'
import { fixed, publish } from './result.ts'
import { workplace } from './workplace.ts'

const RUNS = 5

export async function formats(words: readonly string[]): Promise<void> {
  const input = await largeHead()
  const { volume, header } = await readNifti(input)
  const rows: string[][] = []
  const plain = join(workplace, 'formats.nii')
  const cases = [
    ['.nii', plain, undefined],
    ...[1, 6].map((level) => [`.nii.gz, level ${level}`, `${plain}.gz`, level] as const),
  ] as const
  for (const [name, path, gzipLevel] of cases) {
    const options = { like: header, dtype: 'same', ...(gzipLevel !== undefined && { gzipLevel }) } as const
    const write = await least(() => writeNifti(path, volume, options))
    const read = await least(() => readNifti(path))
    rows.push([name, fixed(read, 2), fixed(write, 2), fixed((await stat(path)).size / 1e6, 1)])
  }
  await publish('formats', 'NIfTI, 192 x 256 x 256, int16', words, [
    { columns: ['file', 'read, s', 'write, s', 'MB'], rows, notes: [`Wall time, least of ${RUNS} runs.`] },
  ])
}

async function least(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const started = performance.now()
    await work()
    times.push((performance.now() - started) / 1000)
  }
  return Math.min(...times)
}
