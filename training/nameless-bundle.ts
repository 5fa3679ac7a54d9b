/** A copy of a bundle that names neither people nor folders, for places where others read it. It harmonizes alike. */
import { readBundle, writeBundle } from '../src/harmonizer/bundle.ts'
import { type Manifest, namelessly } from '../src/harmonizer/manifest.ts'
import { trainingEvidence } from '../src/harmonizer/training-evidence.ts'
import { modelCard } from './card.ts'

/**
 * Subjects become hashes (salted by the hash of the cohort; who has the cohort can still tell who was trained on), the cohort's
 * name becomes the start of its hash, and the card is written anew. Its manifest, and so its hash, is another than the original's.
 * @param to `NAME.harmonizer`, to be written
 * @returns the hash of the original's manifest
 * @throws {InputError} when the bundle cannot be read; {MissingError} when the copy cannot be written
 */
export async function copyWithoutNames(path: string, to: string): Promise<string> {
  const bundle = await readBundle(path)
  const { files: _hashes, training, ...rest } = bundle.manifest
  const { sha256 } = training.cohort
  const manifest: Omit<Manifest, 'files'> = {
    ...rest,
    training: {
      ...training,
      cohort: { name: sha256.slice(0, 12), sha256 },
      subjects: training.subjects.map((subject) => namelessly(subject, sha256)),
    },
  }
  const card = modelCard(bundle.name, manifest, trainingEvidence(bundle).selection)
  await writeBundle(to, manifest, { ...bundle.files, 'card.md': card })
  return bundle.sha256
}
