/**
 * Makes the anatomies of data/anatomy from the public originals. They are committed; run this only to make them again:
 *
 *     npx tsx data/generators/prepare-anatomy.ts ORIGINALS
 *
 * ORIGINALS holds `brain-label-maps/synthseg/training_seg_0N.nii.gz` and
 * `mni152-tissue/mni_icbm152_{t1,gm,wm}_tal_nlin_sym_09a_converted.nii.gz`; data/anatomy/README.md says where they come from.
 */
import { join } from 'node:path'
import { readNifti } from '../../src/formats/nifti/read.ts'
import { writeNifti } from '../../src/formats/nifti/write.ts'
import type { Affine } from '../../src/kernels/matrix.ts'
import { random } from '../../src/kernels/random.ts'
import { packageFile } from '../../src/package-root.ts'
import { closestAxes, reorient } from '../../src/volume/orientation.ts'
import { type Shape, type Volume, volumeOf } from '../../src/volume/volume.ts'
import { distanceTo } from './distance.ts'
import { EXTRA_CEREBRAL_OFFSET, LABEL } from './labels.ts'
import { smoothField } from './random-field.ts'

/** How far below the vertex an anatomy reaches, mm: the skull base and the upper neck. */
const KEPT_BELOW_VERTEX = 190
const SUBCUTANEOUS_MM = 4.5
const ORBIT_MM = 13

type Box = readonly (readonly [low: number, high: number])[]

async function readOriented(path: string): Promise<Volume> {
  const { volume } = await readNifti(path)
  const { axes, flips } = closestAxes(volume.affine)
  return reorient(volume, axes, flips)
}

/** Label `from` of the original, as one byte. */
function byteLabel(from: number): number {
  return from > 255 ? from - EXTRA_CEREBRAL_OFFSET : from
}

/** Zeroes everything that does not hang together, by faces, with the largest component. */
function keepLargestComponent(labels: Uint8Array, shape: Shape): void {
  const [nx, ny, nz] = shape
  const component = new Int32Array(labels.length)
  const stack: number[] = []
  let best = 0
  let bestSize = 0
  let count = 0
  for (let seed = 0; seed < labels.length; seed++) {
    if (labels[seed] === 0 || component[seed] !== 0) continue
    count++
    let size = 0
    component[seed] = count
    stack.push(seed)
    for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
      size++
      const x = i % nx
      const y = Math.floor(i / nx) % ny
      const z = Math.floor(i / (nx * ny))
      const neighbours = [
        x > 0 ? i - 1 : i,
        x < nx - 1 ? i + 1 : i,
        y > 0 ? i - nx : i,
        y < ny - 1 ? i + nx : i,
        z > 0 ? i - nx * ny : i,
        z < nz - 1 ? i + nx * ny : i,
      ]
      for (const j of neighbours)
        if (labels[j] !== 0 && component[j] === 0) {
          component[j] = count
          stack.push(j)
        }
    }
    if (size > bestSize) {
      best = count
      bestSize = size
    }
  }
  for (let i = 0; i < labels.length; i++) if (component[i] !== best) labels[i] = 0
}

/**
 * Splits CHARM's "other tissues": fat under the skin (thicker and thinner by a smooth field), fat of the orbit,
 * streaks of fat between muscles; the rest stays and counts as muscle.
 */
function splitFat(labels: Uint8Array, shape: Shape, seed: number): void {
  const field = random(seed, 'fat')
  const thickness = smoothField(field.fork('thickness'), shape, 1, 12)
  const streaks = smoothField(field.fork('streaks'), shape, 1, 3)
  const depth = distanceTo((i) => labels[i] === LABEL.skin, shape)
  const orbital: readonly number[] = [LABEL.eye, LABEL.eyeMuscle, LABEL.opticNerve]
  const fromEye = distanceTo((i) => orbital.includes(labels[i]!), shape)
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] !== LABEL.other) continue
    const layer = SUBCUTANEOUS_MM + 1.2 * thickness[i]!
    if (depth[i]! < layer || fromEye[i]! < ORBIT_MM || streaks[i]! > 1.2) labels[i] = LABEL.fat
  }
}

/** The box of all non-zero voxels, a voxel wider, not reaching further down than the neck that is kept. */
function headBox(labels: Uint8Array, shape: Shape): Box {
  const low = [...shape]
  const high = [0, 0, 0]
  let i = 0
  for (let z = 0; z < shape[2]; z++)
    for (let y = 0; y < shape[1]; y++)
      for (let x = 0; x < shape[0]; x++, i++) {
        if (labels[i] === 0) continue
        const at = [x, y, z]
        for (let axis = 0; axis < 3; axis++) {
          low[axis] = Math.min(low[axis]!, at[axis]!)
          high[axis] = Math.max(high[axis]!, at[axis]!)
        }
      }
  const bottom = Math.max(low[2]!, high[2]! - KEPT_BELOW_VERTEX)
  return [0, 1, 2].map((axis) => [
    axis === 2 ? bottom : Math.max(0, low[axis]! - 1),
    Math.min(shape[axis]!, high[axis]! + 2),
  ])
}

function crop(data: Uint8Array, shape: Shape, affine: Affine, box: Box): Volume {
  const [[x0, x1], [y0, y1], [z0, z1]] = box as [[number, number], [number, number], [number, number]]
  const out = new Uint8Array((x1 - x0) * (y1 - y0) * (z1 - z0))
  let to = 0
  for (let z = z0; z < z1; z++)
    for (let y = y0; y < y1; y++) {
      const from = (z * shape[1] + y) * shape[0]
      out.set(data.subarray(from + x0, from + x1), to)
      to += x1 - x0
    }
  const shifted = affine.map((value, k) =>
    k % 4 === 3 && k < 12 ? value + affine[k - 3]! * x0 + affine[k - 2]! * y0 + affine[k - 1]! * z0 : value,
  )
  return volumeOf({ shape: [x1 - x0, y1 - y0, z1 - z0], affine: shifted }, out)
}

async function save(name: string, volume: Volume): Promise<void> {
  await writeNifti(packageFile(`data/anatomy/${name}.nii.gz`), volume, { dtype: 'same', gzipLevel: 9 })
}

async function prepareSynthSeg(originals: string, number: number): Promise<void> {
  const name = `0${number}`
  const path = join(originals, `brain-label-maps/synthseg/training_seg_${name}.nii.gz`)
  const { data, shape, affine } = await readOriented(path)
  const labels = Uint8Array.from(data, byteLabel)
  keepLargestComponent(labels, shape)
  splitFat(labels, shape, number)
  await save(`synthseg-${name}`, crop(labels, shape, affine, headBox(labels, shape)))
}

/** Layers around the brain of the ICBM template, outwards from its mask: where each ends, mm. The template itself is bare. */
const SHELL: readonly (readonly [endsAt: number, label: number])[] = [
  [1.5, LABEL.csf],
  [3.3, LABEL.corticalBone],
  [5.8, LABEL.marrow],
  [7.4, LABEL.corticalBone],
  [11.5, LABEL.fat],
  [13.5, LABEL.skin],
]
const SHELL_MARGIN = 16
/** Gaps of the brain's surface narrower than twice this are bridged, so that the schematic skull is smooth. */
const CLOSING_MM = 10

async function prepareMni(originals: string): Promise<void> {
  const [t1, gm, wm] = await Promise.all(
    ['t1', 'gm', 'wm'].map(async (what) => {
      const name = `mni_icbm152_${what}_tal_nlin_sym_09a_converted.nii.gz`
      return pad(await readOriented(join(originals, 'mni152-tissue', name)), SHELL_MARGIN)
    }),
  )
  if (!t1 || !gm || !wm) return
  const { shape, affine } = t1
  const fromBrain = distanceTo((i) => t1.data[i] !== 0, shape)
  const fromFar = distanceTo((i) => fromBrain[i]! > CLOSING_MM, shape)
  const fromClosed = distanceTo((i) => fromFar[i]! > CLOSING_MM, shape)
  const labels = Uint8Array.from(fromClosed, (distance) =>
    distance === 0 ? LABEL.csf : (SHELL.find(([endsAt]) => distance <= endsAt)?.[1] ?? LABEL.air),
  )
  const [x, y, [, top]] = headBox(labels, shape) as [Box[0], Box[0], Box[0]]
  // the schematic skull has no neck: the field of view ends at the lowest slice of brain
  const box: Box = [x!, y!, [SHELL_MARGIN, top]]
  const cropped = (data: Volume['data']): Volume => crop(data as Uint8Array, shape, affine, box)
  await save('mni152-labels', cropped(labels))
  await save('mni152-gm', cropped(gm.data))
  await save('mni152-wm', cropped(wm.data))
}

/** `volume` with `margin` zero voxels on every side. */
function pad({ data, shape, affine }: Volume, margin: number): Volume {
  const [nx, ny, nz] = shape.map((n) => n + 2 * margin) as [number, number, number]
  const out = new Uint8Array(nx * ny * nz)
  for (let z = 0; z < shape[2]; z++)
    for (let y = 0; y < shape[1]; y++) {
      const from = (z * shape[1] + y) * shape[0]
      out.set(
        data.subarray(from, from + shape[0]) as Uint8Array,
        ((z + margin) * ny + y + margin) * nx + margin,
      )
    }
  const shifted = affine.map((value, k) =>
    k % 4 === 3 && k < 12 ? value - margin * (affine[k - 3]! + affine[k - 2]! + affine[k - 1]!) : value,
  )
  return volumeOf({ shape: [nx, ny, nz], affine: shifted }, out)
}

const [originals] = process.argv.slice(2)
if (originals === undefined)
  process.stderr.write('Usage: npx tsx data/generators/prepare-anatomy.ts ORIGINALS\n')
else {
  for (const number of [1, 2, 3, 4, 5, 6]) await prepareSynthSeg(originals, number)
  await prepareMni(originals)
}
