/** network.onnx of `residual-unet` in another program, with all that the card says lies around it. */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { CODE_FIELDS } from '../../src/harmonizer/image-code.ts'
import { voxelToBox } from '../../src/inference/curves.ts'
import { readLattice } from '../../src/inference/reading.ts'
import { openResidualUnet } from '../../src/inference/residual-unet.ts'
import { packageFile } from '../../src/package-root.ts'
import { toFloat32 } from '../../src/volume/volume.ts'
import { temporaryFolder } from '../fixtures/nifti.ts'
import { awkwardHeads } from '../local-tone-volumes.ts'
import { sampleUnet } from '../residual-unet-oracle.ts'

const python = process.env['ATTUNE_PYTHON']
const reason = 'ATTUNE_PYTHON is not set: name an interpreter that has onnxruntime and numpy'
if (python === undefined) process.stdout.write(`${reason}\n`)
const folder = await temporaryFolder()

it("gives in Python's onnxruntime what apply gives, within 1e-4 of the bound", async ({ skip }) => {
  if (python === undefined) return skip(reason)
  const { graph, model } = sampleUnet(CODE_FIELDS, 300)
  const { volume, mask } = awkwardHeads()[1]!
  const first = toFloat32(volume)
  const code = Float32Array.from(CODE_FIELDS, (_, k) => 0.1 * k)
  const reading = readLattice(volume, mask)
  const network = await openResidualUnet(graph, { threads: 2 })
  const expected = first.slice()
  await network.addResidual(expected, volume, reading, code, 'quality')
  await network.close()
  const bytes = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
    new Uint8Array(buffer, byteOffset, byteLength)
  const write = (name: string, content: string | Uint8Array): Promise<void> =>
    writeFile(join(folder, name), content)
  const [nx, ny, nz] = volume.shape
  await write('network.onnx', graph)
  await write('first.f32', bytes(first))
  await write('mask.f32', bytes(Float32Array.from(mask)))
  const geometry = [...voxelToBox(reading.placement)]
  await write('case.json', JSON.stringify({ shape: [nz, ny, nx], geometry, code: [...code] }))
  await promisify(execFile)(python, [packageFile('test/python/run_residual.py'), folder])
  const file = await readFile(join(folder, 'harmonized.f32'))
  const found = new Float32Array(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength))
  expect(found.length).toBe(expected.length)
  const changed = expected.filter((value, i) => Math.abs(value - first[i]!) > 0.1 * model.bound).length
  expect(changed).toBeGreaterThan(1000)
  let worst = 0
  for (let i = 0; i < found.length; i++) worst = Math.max(worst, Math.abs(found[i]! - expected[i]!))
  expect(worst / model.bound).toBeLessThan(1e-4)
}, 300_000)
