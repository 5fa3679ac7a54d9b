/** Which MLflow server is meant, from the environment variables that MLflow's own clients read. */
import { ConfigError } from '../errors.ts'

export interface MlflowServer {
  /** Without credentials and without a slash at the end; it may have a path. */
  readonly url: string
  /** The Authorization header. */
  readonly authorization?: string
}

/** An environment, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Whether the environment names a server; a folder or a database, which MLflow takes too, is none. */
export function namesServer(environment: Environment): boolean {
  return /^https?:\/\//i.test(environment['MLFLOW_TRACKING_URI'] ?? '')
}

/**
 * `MLFLOW_TRACKING_URI` with `MLFLOW_TRACKING_USERNAME` and `_PASSWORD` (Basic), or else `MLFLOW_TRACKING_TOKEN` (Bearer).
 * Credentials in the address are taken out of it, since addresses are shown.
 * @throws {ConfigError} when no server is named, or only half of the credentials
 */
export function mlflowServer(environment: Environment): MlflowServer {
  const address = environment['MLFLOW_TRACKING_URI'] ?? ''
  if (!namesServer(environment) || !URL.canParse(address))
    throw new ConfigError(
      address === ''
        ? 'MLFLOW_TRACKING_URI is not set.'
        : 'MLFLOW_TRACKING_URI is not the address of a server.',
      'Set it to an address such as http://127.0.0.1:5000.',
    )
  const url = new URL(address)
  const user = environment['MLFLOW_TRACKING_USERNAME'] || decodeURIComponent(url.username)
  const password = environment['MLFLOW_TRACKING_PASSWORD'] || decodeURIComponent(url.password)
  const token = environment['MLFLOW_TRACKING_TOKEN']
  if ((user === '') !== (password === ''))
    throw new ConfigError(
      `MLFLOW_TRACKING_${user === '' ? 'PASSWORD' : 'USERNAME'} is set without MLFLOW_TRACKING_${user === '' ? 'USERNAME' : 'PASSWORD'}.`,
      'Set both, or neither.',
    )
  const authorization =
    user !== ''
      ? `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
      : token
        ? `Bearer ${token}`
        : undefined
  return {
    url: `${url.origin}${url.pathname}`.replace(/\/+$/, ''),
    ...(authorization !== undefined && { authorization }),
  }
}
