/** The contrast that the name of a file says. */
import { CONTRASTS } from './preparation.ts'

/** The last word of a name that is a contrast, as in `sub-01_T1w`, `study1_T1W`, `FLAIR`, `IXI012-HH-1211-T1_ds`, and what stands around it. */
export function contrastIn(
  name: string,
): { readonly before: string; readonly contrast: string; readonly after: string } | undefined {
  const [stem, ending] = splitEnding(name)
  const words = stem.split(/([_-])/)
  const at = words.findLastIndex((word) => contrastOf(word) !== undefined)
  if (at < 0) return undefined
  return {
    before: words.slice(0, at).join(''),
    contrast: contrastOf(words[at] as string) as string,
    after: `${words.slice(at + 1).join('')}${ending}`,
  }
}

function contrastOf(text: string): string | undefined {
  const word = text.toUpperCase()
  if (/^T1(W?POST|W?CE|W?GD|C)$/.test(word)) return 'T1w'
  return CONTRASTS.find((name) => word === name.toUpperCase() || `${word}W` === name.toUpperCase())
}

/** `scan.nii.gz` in `scan` and `.nii.gz`. */
export function splitEnding(name: string): readonly [stem: string, ending: string] {
  const ending = /\.(nii|hdr|img)(\.gz)?$/i.exec(name)?.[0] ?? ''
  return [name.slice(0, name.length - ending.length), ending]
}
