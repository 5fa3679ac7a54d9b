/** Which NIfTI a file is, told by its first bytes alone; or what it is instead. */
import { InputError } from '../../errors.ts'
import { HEADER_BYTES, type Version } from './header.ts'

export interface Identity {
  readonly version: Version
  /** Whether samples lie in a file of their own (.hdr/.img). */
  readonly paired: boolean
}

/** Byte position and text of the mark; NIfTI-2 adds line ends that a transfer as text would damage. @see nifti1.h, nifti2.h */
const MARKS = {
  1: { at: 344, single: 'n+1\0', paired: 'ni1\0' },
  2: { at: 4, single: 'n+2\0\r\n\x1a\n', paired: 'ni2\0\r\n\x1a\n' },
} as const

const CONVERT = 'Convert it to NIfTI (.nii or .nii.gz) first, for example with dcm2niix or nibabel.'

/**
 * @param head the beginning of the uncompressed file, with the whole header where the file holds one
 * @param source the file's name, for messages
 * @throws {InputError} naming what the file is instead, where that can be told
 */
export function identify(head: Uint8Array, source: string): Identity {
  const text = (from: number, to: number): string => Buffer.from(head.subarray(from, to)).toString('latin1')
  const version = versionOf(head)
  if (version !== undefined) {
    const need = HEADER_BYTES[version]
    if (head.length < need)
      throw new InputError(
        `${source}: holds ${head.length} bytes; a NIfTI-${version} header alone takes ${need}.`,
        'The file is incomplete: copy or convert it again.',
      )
    const { at, single, paired } = MARKS[version]
    const mark = text(at, at + single.length)
    if (mark === single || mark === paired) return { version, paired: mark === paired }
    throw new InputError(
      `${source}: has the size of a NIfTI-${version} header but not its mark ("${single.slice(0, 3)}" or "${paired.slice(0, 3)}" at byte ${at}): ` +
        `${version === 1 ? 'an ANALYZE image or ' : ''}a damaged file.`,
      CONVERT,
    )
  }
  if (text(128, 132) === 'DICM') throw new InputError(`${source}: is a DICOM file.`, CONVERT)
  if (/^\s*<(!doctype|html|\?xml)/i.test(text(0, 32)))
    throw new InputError(
      `${source}: is a web page, not an image.`,
      'The download went wrong: fetch the file again, and look at the page for the reason.',
    )
  if (text(0, 32).startsWith('version https://git-lfs'))
    throw new InputError(
      `${source}: is a Git LFS pointer, not the image.`,
      'Fetch the file itself: git lfs pull.',
    )
  throw new InputError(
    head.length === 0
      ? `${source}: is empty.`
      : head.length < HEADER_BYTES[1]
        ? `${source}: holds ${head.length} bytes; a NIfTI-1 header alone takes ${HEADER_BYTES[1]}.`
        : `${source}: is not a NIfTI file (it begins with ${Buffer.from(head.subarray(0, 8)).toString('hex')}).`,
    'Give a NIfTI image: .nii, .nii.gz, or .hdr with its .img beside it.',
  )
}

/** By the header's first field, its own size, in either byte order. */
function versionOf(head: Uint8Array): Version | undefined {
  if (head.length < 4) return undefined
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  const sizes = [view.getInt32(0, true), view.getInt32(0, false)]
  return ([1, 2] as const).find((version) => sizes.includes(HEADER_BYTES[version]))
}
