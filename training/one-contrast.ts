/** One harmonizer is for one contrast. */
import { MIXED } from '../src/domain/preparation.ts'
import { RefusedError } from '../src/errors.ts'
import type { Survey } from './closed-form.ts'

/**
 * From T1w to T2w every tissue changes places with another: whatever does that invents the second image from the first, which is a translation and
 * no harmonization. Contrasts count where the name, the file beside the image or the column `prepared` says them.
 * @throws {RefusedError} when the contrast of a domain is not that of the target, or its scans have several
 */
export function requireOneContrast({ guards }: Pick<Survey, 'guards'>, target: string): void {
  const contrastOf = (domain: string): string | undefined => guards[domain]?.preparation?.contrast
  const wanted = contrastOf(target)
  for (const domain of Object.keys(guards)) {
    const found = contrastOf(domain)
    if (found === MIXED)
      throw new RefusedError(
        `Scans of ${domain} are of several contrasts.`,
        'Train one harmonizer for each contrast: divide the cohort, or name the images with --suffix.',
      )
    if (wanted !== undefined && found !== undefined && found !== wanted)
      throw new RefusedError(
        `Scans of ${domain} are ${found}, those of the target ${target} ${wanted}: to make one from the other is a translation, no harmonization.`,
        'Train one harmonizer for each contrast; correct what is said of the images where it is wrong. Where people were scanned in both, --translation declares it as what it is.',
      )
  }
}
