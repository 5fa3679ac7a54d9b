/** `tone` and `local-tone` as `attune train` fits them, without what a bundle needs beside: guards, card, evidence. */
import { join } from 'node:path'
import { type Cohort, pairsOf } from '../src/cohort/cohort.ts'
import { loadScan } from '../src/cohort/images.ts'
import { openLocalTone } from '../src/inference/local-tone.ts'
import type { LocalToneModel } from '../src/inference/local-tone-model.ts'
import { readLattice } from '../src/inference/reading.ts'
import { applyTone, toneScale } from '../src/intensity/tone.ts'
import { toFloat32, type Volume } from '../src/volume/volume.ts'
import { readPoints, toneOf } from '../training/closed-form.ts'
import { fitLocalTone } from '../training/fit.ts'
import type { LocalToneOptions } from '../training/local-tone.ts'
import { removeCheckpoint } from '../training/parts/checkpoint.ts'
import { imageScale } from '../training/parts/features.ts'
import type { Correction } from './lesion-kept.ts'

/** An image's own scale: what its intensities are divided by. */
export type Scale = (volume: Volume, mask: Uint8Array) => number

/** That of `tone`: the median of the head. */
export const medianScale: Scale = (volume, mask) => toneScale(toFloat32(volume), mask)

/** That of `local-tone`: white matter. */
export const whiteScale: Scale = (volume, mask) => {
  const lattice = readLattice(volume, mask)
  return imageScale(lattice.image, lattice.mask)
}

/** The method in closed form. */
export async function learnTone(cohort: Cohort, scaleOf: Scale): Promise<Correction> {
  const scales = new Map<string, number>()
  for (const scan of cohort.scans) {
    const { volume, mask } = await loadScan(scan)
    scales.set(scan.image, scaleOf(volume, mask))
  }
  const survey = { guards: {}, scales, hashes: new Map<string, string>(), observed: new Map() }
  const model = toneOf(await readPoints(pairsOf(cohort, 'target'), survey, () => {}), survey)
  return {
    name: 'tone',
    apply: async (source, mask) => applyTone(model, toFloat32(source), scaleOf(source, mask), 'source'),
  }
}

/** A correction that holds something. */
export type Trained = Correction & { close(): Promise<void> }

/**
 * Simulation and extrapolation: what noise of the source does to a mapping is seen by adding as much again, and taken off again.
 * @param noisier trained on sources with twice the variance of noise
 * @see Cook, Stefanski, J Am Stat Assoc 89:1314-1328 (1994), doi:10.1080/01621459.1994.10476871 (SIMEX, linear)
 */
export function extrapolated(trained: Trained, noisier: Trained): Trained {
  return {
    name: trained.name,
    apply: async (source, mask) => {
      const [once, twice] = [await trained.apply(source, mask), await noisier.apply(source, mask)]
      return once.map((value, i) => 2 * value - (twice[i] as number))
    },
    close: async () => {
      await trained.close()
      await noisier.close()
    },
  }
}

/** @param place where a checkpoint may stand while it trains */
export async function learnLocalTone(
  cohort: Cohort,
  options: LocalToneOptions,
  place: string,
): Promise<Trained> {
  const path = join(place, 'checkpoint')
  const { model, files } = await fitLocalTone(
    cohort,
    'target',
    options,
    { path, resume: false, cohort: '' },
    () => {},
  )
  await removeCheckpoint(path)
  const curves = files['curves.onnx'] as Uint8Array
  const network = await openLocalTone(model as LocalToneModel, curves, { threads: 2 })
  return {
    name: 'local-tone',
    apply: (source, mask) => network.apply(source, mask, 'source'),
    close: () => network.close(),
  }
}
