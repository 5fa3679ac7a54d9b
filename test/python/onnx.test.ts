/** The complete graph in another program: Python's onnxruntime, where ATTUNE_PYTHON names an interpreter that has it. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { voxelToBox } from '../../src/inference/curves.ts'
import { openLocalTone } from '../../src/inference/local-tone.ts'
import { readLattice } from '../../src/inference/reading.ts'
import { packageFile } from '../../src/package-root.ts'
import { toFloat32, volumeOf } from '../../src/volume/volume.ts'
import type { TrainedCurves } from '../../training/parts/loaded-network.ts'
import { exportPasses } from '../../training/parts/onnx-local-tone.ts'
import type { TrainedTone } from '../../training/parts/tone-curve.ts'
import { sampleTone } from '../even-blocks-oracle.ts'
import { sampleModel, sampleWeights } from '../local-tone-oracle.ts'
import { awkwardHeads } from '../local-tone-volumes.ts'

const python = process.env['ATTUNE_PYTHON']
const reason = 'ATTUNE_PYTHON is not set: name an interpreter that has onnxruntime and numpy'
if (python === undefined) process.stdout.write(`${reason}\n`)

const trained = (seed: number): TrainedCurves => {
  const model = sampleModel()
  return { model, weights: sampleWeights(model, seed) }
}

it.for<readonly [string, readonly [TrainedCurves, ...TrainedCurves[]], TrainedTone?]>([
  ['one pass', [trained(21)]],
  ['two passes', [trained(21), trained(22)]],
  ['two passes and one for the tone', [trained(21), trained(22)], sampleTone(23, ['a', 'b', 'c'])],
])(
  "gives in Python's onnxruntime what apply gives, within 1e-4 of the robust range: %s",
  async ([, passes, tone], { skip }) => {
    if (python === undefined) return skip(reason)
    const graphs = exportPasses(passes, tone)
    const { volume, mask } = awkwardHeads()[1]!
    const { placement } = readLattice(volume, mask)
    let expected = toFloat32(volume)
    for (const [k, { model }] of [...passes, ...(tone ? [tone] : [])].entries()) {
      const localTone = await openLocalTone(model, graphs.curves[k]!, { threads: 1 })
      expected = await localTone.apply(volumeOf(volume, expected), mask, 'c')
      await localTone.close()
    }
    const folder = await mkdtemp(join(tmpdir(), 'attune-'))
    try {
      const [nx, ny, nz] = volume.shape
      const bytes = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
        new Uint8Array(buffer, byteOffset, byteLength)
      const write = (name: string, content: string | Uint8Array): Promise<void> =>
        writeFile(join(folder, name), content)
      await write('model.onnx', graphs.complete)
      await write('image.f32', bytes(toFloat32(volume)))
      await write('mask.f32', bytes(Float32Array.from(mask)))
      const geometry = [...voxelToBox(placement)]
      await write('case.json', JSON.stringify({ shape: [nz, ny, nx], domain: 'c', geometry }))
      await promisify(execFile)(python, [packageFile('test/python/run_complete.py'), folder])
      const file = await readFile(join(folder, 'harmonized.f32'))
      const found = new Float32Array(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength))
      expect(found.length).toBe(expected.length)
      const tissue = expected.filter((_, i) => mask[i] === 1).toSorted()
      const range = tissue[Math.floor(tissue.length * 0.99)]! - tissue[Math.floor(tissue.length * 0.01)]!
      let worst = 0
      for (let i = 0; i < found.length; i++) worst = Math.max(worst, Math.abs(found[i]! - expected[i]!))
      expect(worst / range).toBeLessThan(1e-4)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
)
