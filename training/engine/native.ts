/** The native engine: tfjs-node on libtensorflow, built by `attune engine install native` (native-install.ts). */
import { MissingError } from '../../src/errors.ts'

/** @throws {MissingError} when it is not installed, or does not load */
export async function startNative(): Promise<string> {
  throw new MissingError(
    'native is not installed:',
    '`attune engine install native` makes training about 3x faster',
  )
}
