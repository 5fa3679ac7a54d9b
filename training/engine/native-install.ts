/**
 * Builds the native engine from package registries alone: the binding from tfjs-node's own C++ source, against the
 * libtensorflow inside TensorFlow's Python wheel. No script of either package is run.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { cp, mkdir, readdir, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { InputError, MissingError } from '../../src/errors.ts'
import { temporaryPath, withTemporary } from '../../src/files.ts'
import { engineFolder, nativeFolder, nativeParts, npmPackages, tensorflow } from './native-folder.ts'

const execute = promisify(execFile)

/**
 * Builds the engine into `nativeFolder()`, which appears whole or not at all; an engine that already loads is kept.
 * Takes 20-40 s, downloads 210 MB, keeps 590 MB.
 * @throws {MissingError} naming what this machine lacks: another platform, no g++, no pip, no npm, no registry
 * @throws {InputError} when a download is not the pinned one
 */
export async function installNative(
  log: (line: string) => void,
): Promise<{ folder: string; built: boolean }> {
  await requirePlatformAndTools()
  const folder = nativeFolder()
  if (existsSync(folder)) {
    if (await loads(folder)) return { folder, built: false }
    log(`removing ${folder}, which does not load`)
    await rm(folder, { recursive: true, force: true })
  }
  const work = temporaryPath(engineFolder())
  await withTemporary(work, async () => {
    const engine = join(work, 'engine')
    await mkdir(engine, { recursive: true })
    await fetchScripts(work, engine, log)
    await fetchLibraries(work, engine, log)
    await compile(work, engine, log)
    if (!(await loads(engine)))
      throw new MissingError(
        `The engine was built, but libtensorflow ${tensorflow.version} does not load.`,
        'It needs glibc 2.17 and a CPU with AVX. Train with --engine wasm.',
      )
    await rename(engine, folder).catch((error) => {
      if (!existsSync(folder)) throw error // else another process was first
    })
  })
  return { folder, built: true }
}

async function requirePlatformAndTools(): Promise<void> {
  const { platform, arch } = process
  if (platform !== 'linux' || arch !== 'x64')
    throw new MissingError(
      `The native engine is built for Linux on x86-64 only; this is ${platform} on ${arch}.`,
      'Train with --engine wasm.',
    )
  const tools = [
    { name: 'g++', probe: ['g++', '--version'], package: 'g++' },
    { name: 'pip for Python 3', probe: ['python3', '-m', 'pip', '--version'], package: 'python3-pip' },
    { name: 'npm', probe: ['npm', '--version'], package: 'npm' },
    { name: 'tar', probe: ['tar', '--version'], package: 'tar' },
  ] as const
  const found = await Promise.all(tools.map(({ probe: [tool, ...words] }) => succeeds(tool, words)))
  const missing = tools.filter((_, i) => !found[i])
  if (missing.length > 0)
    throw new MissingError(
      `Building the native engine needs ${missing.map(({ name }) => name).join(' and ')}, which this machine lacks.`,
      `On Debian or Ubuntu: apt-get install ${missing.map((tool) => tool.package).join(' ')}. Or train with --engine wasm.`,
    )
}

function succeeds(tool: string, words: readonly string[]): Promise<boolean> {
  return execute(tool, words).then(
    () => true,
    () => false,
  )
}

/** Runs a tool in silence; when it fails, its last lines become the error. */
async function run(what: string, tool: string, words: readonly string[], cwd: string): Promise<void> {
  try {
    await execute(tool, words, { cwd, maxBuffer: 1 << 26 })
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string }
    const said = stderr.trim().split('\n').slice(-5).join('\n')
    throw new MissingError(
      `${what} failed:\n${said}`,
      'Check the connection to the package registries and try again.',
      {
        cause,
      },
    )
  }
}

async function requireDigest(path: string, algorithm: 'sha256' | 'sha512', expected: string): Promise<void> {
  const hash = createHash(algorithm)
  await pipeline(createReadStream(path), hash)
  const digest = hash.digest(algorithm === 'sha256' ? 'hex' : 'base64')
  if (digest !== expected)
    throw new InputError(
      `${path} has ${algorithm} ${digest}, not the pinned ${expected}.`,
      'The registry served another file; nothing was installed.',
    )
}

async function fetchScripts(work: string, engine: string, log: (line: string) => void): Promise<void> {
  for (const [name, { version, sha512 }] of Object.entries(npmPackages)) {
    log(`fetching ${name} ${version} (npm)`)
    const download = join(work, name)
    await mkdir(download, { recursive: true })
    await run(`npm pack ${name}`, 'npm', ['pack', '--silent', `${name}@${version}`], download)
    const [tarball = ''] = await readdir(download)
    await requireDigest(join(download, tarball), 'sha512', sha512)
    await run(`Unpacking ${tarball}`, 'tar', ['-xzf', tarball], download)
    await keepScripts(join(download, 'package'), join(engine, nativeParts.modules, name))
  }
}

/** Copies what is loaded at run time: no tests, C++ sources, types. */
async function keepScripts(from: string, to: string): Promise<void> {
  const unused = /(_test\.js|\.ts)$|[/\\](src|binding|scripts|python)$/
  await cp(from, to, { recursive: true, filter: (path) => !unused.test(path) })
}

/** Headers that tfjs-node's binding includes, directly or through others. */
const headerFolders = [
  'tensorflow/c/',
  'tensorflow/core/platform/ctstring',
  'tensorflow/tsl/platform/ctstring',
  'tensorflow/tsl/c/',
  'tsl/platform/ctstring',
  'tsl/c/',
  'xla/c/',
]

/** Copies libraries and headers out of the wheel (a zip file): Python as an unzip tool. */
const unzip = `
import os, shutil, sys, zipfile
wheel, libraries, headers, *folders = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        inner = name.removeprefix('tensorflow/include/')
        if name in ('tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2'):
            path = os.path.join(libraries, os.path.basename(name))
        elif inner != name and inner.endswith('.h') and inner.startswith(tuple(folders)):
            path = os.path.join(headers, inner)
        else:
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with archive.open(name) as source, open(path, 'wb') as target:
            shutil.copyfileobj(source, target, 1 << 22)
`

async function fetchLibraries(work: string, engine: string, log: (line: string) => void): Promise<void> {
  log(`fetching libtensorflow ${tensorflow.version} (PyPI, 207 MB)`)
  const download = join(work, 'wheel')
  await mkdir(download)
  const platform = ['--platform', 'manylinux_2_17_x86_64', '--platform', 'manylinux2014_x86_64']
  const python = ['--implementation', 'cp', '--python-version', '311', '--abi', 'cp311']
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:']
  const words = ['-m', 'pip', 'download', ...quiet, ...python, ...platform, '-d', download, tensorflow.wheel]
  await run('pip download', 'python3', words, work)
  const [wheel = ''] = await readdir(download)
  await requireDigest(join(download, wheel), 'sha256', tensorflow.sha256)
  log('unpacking libtensorflow')
  const libraries = join(engine, nativeParts.libraries)
  const unpack = ['-c', unzip, join(download, wheel), libraries, join(work, 'include'), ...headerFolders]
  await run('Unpacking the wheel', 'python3', unpack, work)
  // the names that the linker looks for
  await symlink('libtensorflow_cc.so.2', join(libraries, 'libtensorflow.so'))
  await symlink('libtensorflow_framework.so.2', join(libraries, 'libtensorflow_framework.so'))
}

async function compile(work: string, engine: string, log: (line: string) => void): Promise<void> {
  log('compiling the binding (g++)')
  const sources = join(work, '@tensorflow', 'tfjs-node', 'package', 'binding')
  const nodeHeaders = dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json'))
  const binding = join(engine, nativeParts.binding)
  await mkdir(dirname(binding))
  const flags = ['-std=c++17', '-O2', '-shared', '-fPIC', '-DNAPI_VERSION=8', '-DNDEBUG', '-w']
  const include = ['-I', join(work, 'include'), '-I', join(nodeHeaders, 'include')]
  const files = [join(sources, 'tfjs_backend.cc'), join(sources, 'tfjs_binding.cc'), '-o', binding]
  const libraries = ['-L', join(engine, nativeParts.libraries), '-ltensorflow', '-ltensorflow_framework']
  const runPath = `-Wl,-rpath,$ORIGIN/../${nativeParts.libraries}`
  await run('Compiling', 'g++', [...flags, ...include, ...files, ...libraries, runPath], work)
}

/** Whether a fresh process can load the binding and finds the pinned libtensorflow behind it. */
async function loads(folder: string): Promise<boolean> {
  const script = 'process.stdout.write(require(process.argv[1]).TF_Version)'
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' }
  const load = execute(process.execPath, ['-e', script, join(folder, nativeParts.binding)], { env })
  return load.then(
    ({ stdout }) => stdout === tensorflow.version,
    () => false,
  )
}
