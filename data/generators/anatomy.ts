/** Base anatomies as shipped in data/anatomy, and the individuals that are made from them. */
import { readNifti } from '../../src/formats/nifti/read.ts'
import type { Vector3 } from '../../src/kernels/matrix.ts'
import type { Random } from '../../src/kernels/random.ts'
import { packageFile } from '../../src/package-root.ts'
import type { Shape } from '../../src/volume/volume.ts'
import { type Displacement, randomFlow, smallestJacobian } from './deformation.ts'

/** Names of the base anatomies: six adults, and the ICBM template inside a schematic skull. */
export const ANATOMIES = [
  'synthseg-01',
  'synthseg-02',
  'synthseg-03',
  'synthseg-04',
  'synthseg-05',
  'synthseg-06',
  'mni152',
] as const
export type AnatomyName = (typeof ANATOMIES)[number]

/** A label map of 1 mm, axes R, A, S; where `soft` is present, grey and white matter are probabilities (0..255) laid over it. */
export interface Anatomy {
  readonly name: AnatomyName
  readonly shape: Shape
  readonly labels: Uint8Array
  readonly soft?: { readonly grey: Uint8Array; readonly white: Uint8Array }
}

const loaded = new Map<AnatomyName, Promise<Anatomy>>()

export function isAnatomyName(name: string): name is AnatomyName {
  return (ANATOMIES as readonly string[]).includes(name)
}

export function loadAnatomy(name: AnatomyName): Promise<Anatomy> {
  const cached = loaded.get(name) ?? readAnatomy(name)
  loaded.set(name, cached)
  return cached
}

async function readAnatomy(name: AnatomyName): Promise<Anatomy> {
  const read = async (file: string) => (await readNifti(packageFile(`data/anatomy/${file}.nii.gz`))).volume
  const bytes = async (file: string): Promise<Uint8Array> => (await read(file)).data as Uint8Array
  if (name !== 'mni152') {
    const { data, shape } = await read(name)
    return { name, shape, labels: data as Uint8Array }
  }
  const { data, shape } = await read('mni152-labels')
  const soft = { grey: await bytes('mni152-gm'), white: await bytes('mni152-wm') }
  return { name, shape, labels: data as Uint8Array, soft }
}

/** How far an individual may differ from its base. */
export interface Variation {
  /** Standard deviation of the logarithm of the scale along each axis. */
  readonly logScale: number
  /** Standard deviation of shears (and, with them, small rotations) per unit. */
  readonly shear: number
  /** Root mean square velocity of the diffeomorphism along each axis, mm, and the scale on which it varies. */
  readonly flowMm: number
  readonly flowScaleMm: number
}

/** Chosen: the variation of adult heads within one population. */
const ADULTS: Variation = { logScale: 0.03, shear: 0.015, flowMm: 2.5, flowScaleMm: 28 }

/** Maps a point of the individual (mm from the head's centre) to one of the base map (voxels of 1 mm from its corner). */
export interface Individual {
  readonly anatomy: Anatomy
  /** Rows of the linear part. */
  readonly linear: readonly [Vector3, Vector3, Vector3]
  readonly flow: Displacement
  /** Smallest Jacobian determinant of the flow: above 0, so nothing folds. */
  readonly smallestJacobian: number
}

const FLOW_SPACING = 4
/** The space of an individual reaches this far beyond its base map. */
export const FLOW_MARGIN_MM = 24

/** Size in mm of the space in which an individual of `anatomy` is drawn; its centre is the base map's. */
function individualExtent({ shape }: Anatomy): Shape {
  return shape.map(
    (n) => Math.ceil((n + 2 * FLOW_MARGIN_MM) / FLOW_SPACING) * FLOW_SPACING,
  ) as unknown as Shape
}

/** Draws an individual. A flow that folds anywhere is drawn weaker until it does not. */
export function drawIndividual(
  random: Random,
  anatomy: Anatomy,
  { logScale, shear, flowMm, flowScaleMm }: Variation = ADULTS,
): Individual {
  const affine = random.fork('affine')
  const scale = [0, 1, 2].map(() => Math.exp(logScale * affine.normal()))
  const linear = [0, 1, 2].map((row) =>
    [0, 1, 2].map((column) => (row === column ? scale[row]! : shear * affine.normal())),
  ) as unknown as Individual['linear']
  const extent = individualExtent(anatomy)
  const shape = extent.map((mm) => mm / FLOW_SPACING + 1) as unknown as Shape
  for (let rmsMm = flowMm; ; rmsMm *= 0.8) {
    const flow = randomFlow(random.fork('flow'), shape, FLOW_SPACING, rmsMm, flowScaleMm)
    const jacobian = smallestJacobian(flow)
    if (jacobian > 0.1) return { anatomy, linear, flow, smallestJacobian: jacobian }
  }
}
