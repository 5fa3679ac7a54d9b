/** Harmonizers that ship with attune, by the names that users call them. */
import { packageFile } from '../package-root.ts'

const SHIPPED: Readonly<Record<string, string>> = {
  universal: 'models/universal-t1w',
  'universal-t1w': 'models/universal-t1w',
}

/** Folder of a shipped bundle; `undefined` for any other name. */
export function shippedBundle(name: string): string | undefined {
  const folder = Object.hasOwn(SHIPPED, name) ? SHIPPED[name] : undefined
  return folder === undefined ? undefined : packageFile(folder)
}
