/** The complete graph in another program: Python's onnxruntime, where ATTUNE_PYTHON names an interpreter that has it. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { voxelToBox } from '../../src/inference/curves.ts'
import { openLocalTone } from '../../src/inference/local-tone.ts'
import { packageFile } from '../../src/package-root.ts'
import { toFloat32 } from '../../src/volume/volume.ts'
import { exportLocalTone } from '../../training/parts/onnx-local-tone.ts'
import { sampleModel, sampleWeights } from '../local-tone-oracle.ts'
import { awkwardHeads } from '../local-tone-volumes.ts'

const python = process.env['ATTUNE_PYTHON']
const reason = 'ATTUNE_PYTHON is not set: name an interpreter that has onnxruntime and numpy'
if (python === undefined) process.stdout.write(`${reason}\n`)

it("gives in Python's onnxruntime what apply gives, within 1e-4 of the robust range", async ({ skip }) => {
  if (python === undefined) return skip(reason)
  const model = sampleModel()
  const graphs = exportLocalTone(model, sampleWeights(model, 21))
  const { volume, mask } = awkwardHeads()[1]!
  const localTone = await openLocalTone(model, graphs.curves, { threads: 1 })
  const expected = await localTone.apply(volume, mask, 'c')
  const { placement } = await localTone.curvesFor(volume, mask, 'c')
  await localTone.close()
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
})
