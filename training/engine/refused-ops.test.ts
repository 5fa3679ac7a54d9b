/** Without fixes and refusals, as TensorFlow.js ships: nothing is replaced or refused here that would have been right. */
import { existsSync } from 'node:fs'
import '@tensorflow/tfjs'
import * as tf from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { examine } from './conformance/conformance.ts'
import { operations } from './conformance/operations.ts'
import { startCpu, startWasm } from './javascript.ts'
import { startNative } from './native.ts'
import { nativeFolder } from './native-folder.ts'

const everywhere = [
  'where, condition of a variable',
  'stridedSlice',
  'gatherND',
  'depthToSpace',
  'conv2d, 3x3, dilation 2',
  'conv3dTranspose',
  'resizeBilinear, half-pixel centres, doubled',
  'resizeBilinear, half-pixel centres, smaller',
  'mirrorPad, reflect',
  'mirrorPad, symmetric',
  'einsum',
]
const averages = ['avgPool, 3x3 windows, padded', 'avgPool3d']

const engines = [
  { name: 'native', start: startNative, wrong: everywhere },
  {
    name: 'wasm',
    start: startWasm,
    wrong: [
      ...everywhere,
      ...averages,
      'gather, axis 0',
      'gather, axis 1',
      'gather, by batch',
      'unsortedSegmentSum',
      'conv2d, 3x3',
      'conv2d, 3x3, valid',
      'conv2d, 3x3, stride 2',
      'conv2d, 4x4, stride 2',
      'conv2d, 1x1',
      'conv1d',
      'conv2dTranspose, 2x2, stride 2',
      'conv2dTranspose, 4x4, stride 2',
      'depthwiseConv2d',
      'fused conv2d with bias and relu',
      'conv3d, 3x3x3',
      'conv3d, 3x3x3, stride 2',
      'conv3d, 1x1x1',
      'maxPool',
      'maxPool below 0',
      'maxPool3d below 0',
    ],
  },
  {
    name: 'cpu',
    start: startCpu,
    wrong: [
      ...everywhere,
      ...averages,
      'resizeBilinear, doubled',
      'resizeBilinear, smaller',
      'resizeBilinear, corners aligned',
    ],
  },
]
if (!existsSync(nativeFolder()))
  process.stdout.write('native engine is not installed: its tests are skipped\n')

it.each(engines.filter(({ name }) => name !== 'native' || existsSync(nativeFolder())))(
  'TensorFlow.js as shipped fails on $name where it is fixed or refused, and nowhere else',
  async ({ start, wrong }) => {
    await start()
    const findings = await examine(tf, operations)
    const failing = findings.filter(({ verdict }) => verdict !== 'right').map(({ name }) => name)
    expect(failing.sort()).toEqual(wrong.sort())
  },
)
