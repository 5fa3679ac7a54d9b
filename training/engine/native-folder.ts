/** Where the native engine lies once built, and from what it is built: every part pinned by version and digest. */
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The last libtensorflow whose wheel runs on glibc 2.17 and logs little; newer ones train no faster. */
export const tensorflow = {
  version: '2.15.1',
  wheel: 'tensorflow-cpu==2.15.1',
  sha256: '54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26',
} as const

/** tfjs-node at the version of attune's tfjs-core, and the one package that its backend loads besides that. */
export const npmPackages = {
  '@tensorflow/tfjs-node': {
    version: '4.22.0',
    sha512: 'uHrXeUlfgkMxTZqHkESSV7zSdKdV0LlsBeblqkuKU9nnfxB1pC6DtoyYVaLxznzZy7WQSegjcohxxCjAf6Dc7w==',
  },
  'google-protobuf': {
    version: '3.21.4',
    sha512: 'MnG7N936zcKTco4Jd2PX2U96Kf9PxygAPKBug+74LHzmHXmceN16MmRcdgZv+DGef/S9YvQAfRsNCn4cjf9yyQ==',
  },
} as const

/** The folder of all built engines: ATTUNE_ENGINE_DIR, otherwise the user's cache. */
export function engineFolder(): string {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  return process.env['ATTUNE_ENGINE_DIR'] || join(cache, 'attune', 'engines')
}

/** The folder of this version of the native engine. Any Node can load it: the binding speaks Node-API 8. */
export function nativeFolder(): string {
  const { version } = npmPackages['@tensorflow/tfjs-node']
  const parts = ['native', `tfjs${version}`, `tf${tensorflow.version}`, process.platform, process.arch]
  return join(engineFolder(), parts.join('-'))
}

/** Inside `nativeFolder()`: `addon/`, `lib/` (libtensorflow) and `node_modules/` as npm would lay them out. */
export const nativeParts = {
  binding: 'addon/tfjs_binding.node',
  libraries: 'lib',
  modules: 'node_modules',
} as const
