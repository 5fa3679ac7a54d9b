/** What one method costs in a process of its own, which runs the compiled program. Needs dist, and Linux, which tells peaks of memory. */
import { spawnSync } from 'node:child_process'
import { MissingError } from '../src/errors.ts'
import type { Model } from '../src/harmonizer/method.ts'
import { packageFile } from '../src/package-root.ts'

export interface MethodCost {
  /** From values in memory to new values in memory. */
  readonly seconds: number
  /** Peak while the method runs, above what the process held before. */
  readonly addedMiB: number
  readonly peakMiB: number
}

const RUNS = 3
/** Linux forgets the peak so far when 5 is written to clear_refs. */
const script = `
import { readFileSync, writeFileSync } from 'node:fs'
const [dist, image, maskFile, text] = process.argv.slice(1)
const { readNifti } = await import(dist + '/src/formats/nifti/read.js')
const { toFloat32 } = await import(dist + '/src/volume/volume.js')
const { applyClosedForm } = await import(dist + '/src/harmonizer/closed-form.js')
const x = toFloat32((await readNifti(image)).volume)
const mask = Uint8Array.from((await readNifti(maskFile)).volume.data)
const model = JSON.parse(text)
const status = (key) => Number(new RegExp(key + ':\\\\s+(\\\\d+)').exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024
globalThis.gc()
writeFileSync('/proc/self/clear_refs', '5')
const held = status('VmRSS')
let seconds = Infinity
let peakMiB
for (let run = 0; run < ${RUNS}; run++) {
  const started = performance.now()
  applyClosedForm(model, x, mask, 'a')
  seconds = Math.min(seconds, (performance.now() - started) / 1000)
  peakMiB ??= status('VmHWM')
}
process.stdout.write(JSON.stringify({ seconds, addedMiB: peakMiB - held, peakMiB }))
`

/** @throws {MissingError} when the process fails, with what it said */
export function measureMethod(model: Model, image: string, mask: string): MethodCost {
  const words = ['--expose-gc', '--input-type=module', '-e', script, '--']
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...words, packageFile('dist'), image, mask, JSON.stringify(model)],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new MissingError(`${model.kind} ended with ${status}:\n${stderr}`, 'npm run build')
  return JSON.parse(stdout) as MethodCost
}
