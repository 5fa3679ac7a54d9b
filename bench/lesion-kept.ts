/** How much of the contrast of each lesion a correction keeps, against a truth without noise. */
import { type Cohort, type Pair, pairsOf } from '../src/cohort/cohort.ts'
import { loadPair } from '../src/cohort/images.ts'
import { readNifti } from '../src/formats/nifti/read.ts'
import { type LesionTruth, lesionResults, lesionTruth } from '../src/harmonizer/lesions.ts'
import { pooledRange, rangeSample } from '../src/harmonizer/reference-range.ts'
import { lesionContrast } from '../src/metrics/lesion-contrast.ts'
import { mae } from '../src/metrics/mae.ts'
import { noiseSd } from '../src/metrics/noise.ts'
import { toFloat32, type Volume } from '../src/volume/volume.ts'

export interface Correction {
  readonly name: string
  apply(source: Volume, mask: Uint8Array): Promise<Float32Array>
}

export interface Measured {
  readonly lesions: readonly KeptLesion[]
  /** Mean absolute error against the target scan, in units of the reference's range: of each person, by method. */
  readonly mae: Readonly<Record<string, readonly number[]>>
}

export interface KeptLesion {
  readonly person: string
  readonly lesion: number
  readonly volumeMm3: number
  /** Of the source scan: contrast over noise SD. */
  readonly cnr: number
  /** Contrast in the truth at the source's point spread over that at the reference's: what blur leaves. */
  readonly resolved: number
  /** Contrast of the corrected image over that of the truth at the source's point spread, by method. */
  readonly kept: Readonly<Record<string, number>>
  /** The tissue around it, corrected over truth, by method: the part of `kept` that is a matter of gain. */
  readonly level: Readonly<Record<string, number>>
  /** The same as `attune validate` has it, whose truth is the target scan, blurred until it is as smooth as the source. */
  readonly validated?: Readonly<Record<string, number>>
}

/** Paths of one person's noiseless reference scan, at the reference's point spread and at the source's. */
export interface TruthScans {
  readonly sharp: string
  readonly resolved: string
}

/**
 * @param truths   of the people of the cohort, in its order
 * @param validate whether to measure as `attune validate` does as well, which takes longer
 */
export async function measureKept(
  cohort: Cohort,
  truths: readonly TruthScans[],
  corrections: readonly Correction[],
  validate: boolean,
): Promise<Measured> {
  const lesions: KeptLesion[] = []
  const errors = new Map<string, number[]>(corrections.map(({ name }) => [name, []]))
  const samples: Float32Array[] = []
  for (const [index, pair] of pairsOf(cohort, 'target').entries()) {
    const { source, target, mask } = await loadPair(pair)
    const [x, y] = [toFloat32(source), toFloat32(target)]
    samples.push(rangeSample(y, mask))
    const outputs = new Map<string, Float32Array>()
    for (const { name, apply } of corrections) {
      const output = await apply(source, mask)
      outputs.set(name, output)
      errors.get(name)?.push(mae(output, y, mask))
    }
    const { sharp, resolved } = truths[index] as TruthScans
    const ideal = toFloat32((await readNifti(sharp)).volume)
    const reachable = toFloat32((await readNifti(resolved)).volume)
    const noise = noiseSd(x, source.shape, mask)
    const truth = await placesOf(pair, source, mask)
    const judged = validate
      ? lesionResults(pair, source, truth, { source: x, target: y }, outputs, mask)
      : undefined
    for (const [at, place] of truth.places.entries()) {
      const expected = lesionContrast(reachable, place)
      const kept = [...outputs].map(([name, output]) => [name, lesionContrast(output, place) / expected])
      const around = meanAt(reachable, place.shell)
      const level = [...outputs].map(([name, output]) => [name, meanAt(output, place.shell) / around])
      const validated = judged?.[at]?.kept
      lesions.push({
        person: pair.subject,
        lesion: place.lesion,
        volumeMm3: place.volumeMm3,
        cnr: Math.abs(lesionContrast(x, place)) / noise,
        resolved: expected / lesionContrast(ideal, place),
        kept: Object.fromEntries(kept),
        level: Object.fromEntries(level),
        ...(validated && { validated }),
      })
    }
  }
  const { low, high } = pooledRange(samples)
  const relative = [...errors].map(([name, values]) => [name, values.map((error) => error / (high - low))])
  return { lesions, mae: Object.fromEntries(relative) }
}

function meanAt(x: Float32Array, voxels: Uint32Array): number {
  return voxels.reduce((sum, v) => sum + (x[v] as number), 0) / voxels.length
}

/** By path of the truth: it is the same in every arm of a study. */
const places = new Map<string, Promise<LesionTruth>>()

function placesOf(pair: Pair, source: Volume, mask: Uint8Array): Promise<LesionTruth> {
  const key = pair.source.truth.lesions as string
  const known = places.get(key) ?? (lesionTruth(pair, source, mask) as Promise<LesionTruth>)
  places.set(key, known)
  return known
}
