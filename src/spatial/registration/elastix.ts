/** The door to elastix: the only file that knows @itk-wasm/elastix, which is loaded when a registration is asked for. */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { MissingError, UnfittableError } from '../../errors.ts'
import { type Affine, multiply, type Vector3 } from '../../kernels/matrix.ts'
import { toFloat32, type Volume, voxelSize } from '../../volume/volume.ts'
import { invertRigid } from './rigid.ts'

type Elastix = typeof import('@itk-wasm/elastix')
/** An image as elastix takes it. */
type ItkImage = NonNullable<NonNullable<Parameters<Elastix['elastixNode']>[1]>['fixed']>

const PACKAGE = '@itk-wasm/elastix'
const VERSION = '1.0.1'

/**
 * Mutual information of intensities (scanners differ in contrast), a coarse-to-fine pyramid, stochastic descent with automatic steps
 * (Klein, Pluim, Staring, Viergever, IJCV 81:227-239 (2009), doi:10.1007/s11263-008-0168-y). These are elastix's own settings for rigid
 * registration, with half its iterations (chosen): on simulated pairs of 2 mm all of them, or twice the samples, changed the error of the mean of
 * both directions by 0.04 mm at most, and took 1.5 to 5 times as long.
 */
const PARAMETERS = {
  AutomaticParameterEstimation: ['true'],
  AutomaticScalesEstimation: ['true'],
  AutomaticTransformInitialization: ['false'],
  CheckNumberOfSamples: ['true'],
  FixedImagePyramid: ['FixedSmoothingImagePyramid'],
  ImageSampler: ['RandomCoordinate'],
  Interpolator: ['LinearInterpolator'],
  MaximumNumberOfIterations: ['128'],
  MaximumNumberOfSamplingAttempts: ['8'],
  Metric: ['AdvancedMattesMutualInformation'],
  MovingImagePyramid: ['MovingSmoothingImagePyramid'],
  NewSamplesEveryIteration: ['true'],
  NumberOfResolutions: ['3'],
  NumberOfSamplesForExactGradient: ['4096'],
  NumberOfSpatialSamples: ['2048'],
  Optimizer: ['AdaptiveStochasticGradientDescent'],
  Registration: ['MultiResolutionRegistration'],
  ResampleInterpolator: ['FinalBSplineInterpolator'],
  Resampler: ['DefaultResampler'],
  ResultImageFormat: ['nii'],
  Transform: ['EulerTransform'],
  WriteResultImage: ['false'],
} as const

/** What goes to a worker, and what comes back. */
interface Job {
  readonly library: string
  readonly parameters: Readonly<Record<string, readonly string[]>>
  readonly fixed: ItkImage
  readonly moving: ItkImage
}
type Answer =
  | { readonly angles: readonly number[]; readonly centre: readonly number[] }
  | { readonly failed: string }

/**
 * elastix blocks its thread for seconds and prints what it meets, so it runs in threads of its own, whose output nobody reads. They are
 * given as text because a thread starts from a file of JavaScript, and sources and package have different ones.
 */
const THREAD = `
const { parentPort } = require('node:worker_threads')
parentPort.on('message', async ({ library, parameters, fixed, moving }) => {
  try {
    const { elastixNode } = await import(library)
    const { transform } = await elastixNode([parameters], { fixed, moving })
    const { parameters: angles, fixedParameters: centre } =
      transform.find(({ transformType }) => transformType.transformParameterization === 'Euler3D')
    parentPort.postMessage({ angles: Object.values(angles), centre: Object.values(centre) })
  } catch (cause) {
    parentPort.postMessage({ failed: String(cause) })
  }
})`

/** Threads that have loaded elastix and wait for work; `closeElastix` ends them. */
const idle: Worker[] = []

/** Ends the threads that wait: a program that keeps them does not end by itself. */
export async function closeElastix(): Promise<void> {
  await Promise.all(idle.splice(0).map((worker) => worker.terminate()))
}

/**
 * Address of the package's entry.
 * @throws {MissingError} when the optional package is not installed
 */
export function findElastix(): string {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve(PACKAGE)).href
  } catch (cause) {
    throw new MissingError(
      `Registration needs the package ${PACKAGE}, which is not installed.`,
      `Install it: npm install ${PACKAGE}@${VERSION}`,
      { cause },
    )
  }
}

/**
 * The rigid map that takes a place in `fixed` to the same anatomy in `moving` (world to world, mm), found from `start`.
 * Equal input and seed give equal bits. Calls may run at the same time, each in its own thread.
 * @param fixed float32 with orthogonal axes, as is `moving` (`workingImage` makes them so)
 * @param seed whole, below 2^31
 * @throws {UnfittableError} when elastix finds nothing to hold on to
 * @throws {MissingError} when elastix is not installed, or its thread has no memory left
 */
export async function registerOnce(
  fixed: Volume,
  moving: Volume,
  start: Affine,
  seed: number,
): Promise<Affine> {
  // The start goes into the placement of the moving image, so that elastix begins at the identity.
  const placed = { ...moving, affine: multiply(invertRigid(start), moving.affine) }
  const answer = await inThread({
    library: findElastix(),
    parameters: { ...PARAMETERS, RandomSeed: [String(seed)] },
    fixed: itkImage(fixed),
    moving: itkImage(placed),
  })
  if ('failed' in answer)
    throw new UnfittableError(
      'elastix found no overlap of the two images, or nothing in them to align.',
      'Look at both images; give masks in the cohort where the head is hard to tell from air.',
      { cause: answer.failed },
    )
  return multiply(start, eulerMap(answer.angles, answer.centre))
}

async function inThread(job: Job): Promise<Answer> {
  const worker = idle.pop() ?? newThread()
  worker.ref()
  const answer = await new Promise<Answer>((resolve, reject) => {
    const settle = (end: () => void): void => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit)
      end()
    }
    const onMessage = (message: Answer): void => settle(() => resolve(message))
    const onError = (cause: Error): void => settle(() => reject(ended(cause.message, cause)))
    const onExit = (code: number): void => settle(() => reject(ended(`exit code ${code}`)))
    worker.on('message', onMessage).on('error', onError).on('exit', onExit)
    worker.postMessage(job)
  })
  worker.unref()
  idle.push(worker)
  return answer
}

function newThread(): Worker {
  const worker = new Worker(THREAD, { eval: true, stdout: true, stderr: true })
  worker.stdout.resume()
  worker.stderr.resume()
  return worker
}

function ended(how: string, cause?: Error): MissingError {
  return new MissingError(
    `elastix ended before its work was done: ${how}.`,
    'Check that 1 GB of memory is free, and run again.',
    { cause },
  )
}

/**
 * ITK asks for orthonormal axes in one physical space common to both images, and does not mind which: the world of NIfTI (RAS) stays as it is,
 * and the map comes back in it.
 */
function itkImage(volume: Volume): ItkImage {
  const { affine, shape } = volume
  const spacing = voxelSize(volume)
  const direction = [0, 1, 2].flatMap((row) => spacing.map((mm, c) => (affine[row * 4 + c] as number) / mm))
  return {
    imageType: { dimension: 3, componentType: 'float32', pixelType: 'Scalar', components: 1 },
    name: '',
    origin: [affine[3] as number, affine[7] as number, affine[11] as number],
    spacing: [...spacing],
    direction: Float64Array.from(direction),
    size: [...shape],
    metadata: new Map(),
    data: toFloat32(volume),
  }
}

/**
 * ITK's Euler3DTransform, x -> R (x - c) + c + t with R = Rz Rx Ry.
 * @param angles rotations about x, y, z in radians, then the translation t in mm
 * @param centre c, mm
 */
export function eulerMap(angles: readonly number[], centre: readonly number[]): Affine {
  const [ax = 0, ay = 0, az = 0, tx = 0, ty = 0, tz = 0] = angles
  const [x = 0, y = 0, z = 0] = centre
  const [cx, sx, cy, sy, cz, sz] = [ax, ay, az].flatMap((angle) => [Math.cos(angle), Math.sin(angle)]) as [
    ...[number, number, number, number, number, number],
  ]
  const rotationX = [1, 0, 0, 0, 0, cx, -sx, 0, 0, sx, cx, 0, 0, 0, 0, 1]
  const rotationY = [cy, 0, sy, 0, 0, 1, 0, 0, -sy, 0, cy, 0, 0, 0, 0, 1]
  const rotationZ = [cz, -sz, 0, 0, sz, cz, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
  const rotation = multiply(rotationZ, multiply(rotationX, rotationY))
  return multiply(shift([x + tx, y + ty, z + tz]), multiply(rotation, shift([-x, -y, -z])))
}

function shift([x, y, z]: Vector3): Affine {
  return [1, 0, 0, x, 0, 1, 0, y, 0, 0, 1, z, 0, 0, 0, 1]
}
