/** The native engine: tfjs-node on libtensorflow, built by `attune engine install native` (native-install.ts). */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import util from 'node:util'
import * as tf from '@tensorflow/tfjs-core'
import { AttuneError, MissingError } from '../../src/errors.ts'
import { temporaryPath, withTemporary } from '../../src/files.ts'
import { nativeFolder, nativeParts } from './native-folder.ts'
import { registerNativeKernels } from './native-kernels.ts'

const requireHere = createRequire(import.meta.url)

/**
 * Registers the backend `tensorflow`, and makes it current. The number of threads is that of TF_NUM_INTRAOP_THREADS,
 * where it is set before the start, otherwise one per core.
 * @throws {MissingError} when it is not installed, or does not load
 */
export async function startNative(): Promise<string> {
  const folder = nativeFolder()
  if (!existsSync(join(folder, nativeParts.binding)))
    throw new MissingError(
      'native is not installed:',
      '`attune engine install native` makes training about 3x faster',
    )
  try {
    if (tf.findBackendFactory('tensorflow') === null) await register(folder)
    await tf.setBackend('tensorflow')
    return `libtensorflow ${loadBinding(folder).TF_Version}`
  } catch (cause) {
    if (cause instanceof AttuneError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MissingError(
      `native does not load: ${reason}.`,
      `Remove ${folder} and run \`attune engine install native\`.`,
      { cause },
    )
  }
}

interface Binding {
  readonly TF_Version: string
}

function loadBinding(folder: string): Binding {
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2' // libtensorflow otherwise greets with the CPU's features
  return requireHere(join(folder, nativeParts.binding))
}

/**
 * Does what the main module of tfjs-node does, without its downloader and its file and image handling, for which it
 * would load sixty more packages.
 */
async function register(folder: string): Promise<void> {
  // tfjs-node 4.22 calls this function, which Node 23 removed
  Object.assign(util, { isNullOrUndefined: (value: unknown) => value === null || value === undefined })
  const binding = loadBinding(folder)
  const { NodeJSKernelBackend, registered } = await loadKernels(folder)
  if (registered !== tf.engine()) throw new TypeError('it is linked to another copy of TensorFlow.js')
  tf.registerBackend('tensorflow', () => new NodeJSKernelBackend(binding, '@tensorflow/tfjs-node'))
  registerNativeKernels()
}

interface Kernels {
  readonly NodeJSKernelBackend: new (binding: Binding, packageName: string) => tf.KernelBackend
  readonly registered: ReturnType<typeof tf.engine>
}

async function loadKernels(folder: string): Promise<Kernels> {
  const linked = createRequire(join(await linkedModules(folder), 'main.js'))
  linked('@tensorflow/tfjs-node/dist/register_all_kernels.js')
  const { NodeJSKernelBackend } = linked('@tensorflow/tfjs-node/dist/nodejs_kernel_backend.js')
  return { NodeJSKernelBackend, registered: linked('@tensorflow/tfjs').engine() }
}

/**
 * The engine is shared by every attune of this user, while its scripts must find the very copy of TensorFlow.js that
 * this attune uses: a second copy would have its own kernels and its own variables. So each copy gets a folder beside
 * the engine with the scripts (1 MB) and links, made once.
 */
async function linkedModules(folder: string): Promise<string> {
  const key = createHash('sha256').update(packageFolder('@tensorflow/tfjs-core')).digest('hex').slice(0, 12)
  const linked = join(folder, `linked-${key}`)
  if (existsSync(linked)) return linked
  try {
    await removeOrphans(folder)
    await link(folder, linked)
  } catch (cause) {
    throw new MissingError(
      `${folder} cannot be written, and the native engine has to be linked to this copy of attune there.`,
      'Set ATTUNE_ENGINE_DIR to a folder of yours and run `attune engine install native`.',
      { cause },
    )
  }
  return linked
}

async function link(folder: string, linked: string): Promise<void> {
  const temporary = temporaryPath(folder)
  await withTemporary(temporary, async () => {
    const from = join(folder, nativeParts.modules)
    const to = join(temporary, nativeParts.modules)
    const scripts = join('@tensorflow', 'tfjs-node')
    await mkdir(join(to, '@tensorflow'), { recursive: true })
    await cp(join(from, scripts), join(to, scripts), { recursive: true })
    await symlink(join(from, 'google-protobuf'), join(to, 'google-protobuf'))
    for (const name of ['@tensorflow/tfjs', '@tensorflow/tfjs-core'])
      await symlink(packageFolder(name), join(to, name))
    await rename(temporary, linked).catch((error) => {
      if (!existsSync(linked)) throw error // else another process was first
    })
  })
}

/** Removes the folders of copies of attune that are no longer there. */
async function removeOrphans(folder: string): Promise<void> {
  for (const name of (await readdir(folder)).filter((entry) => entry.startsWith('linked-')))
    if (!existsSync(join(folder, name, nativeParts.modules, '@tensorflow', 'tfjs-core')))
      await rm(join(folder, name), { recursive: true, force: true })
}

function packageFolder(name: string): string {
  return dirname(requireHere.resolve(`${name}/package.json`))
}
