/**
 * Every failure that attune foresees: what happened and with which value, then what to do about it.
 * Callers match on `code`; the command line turns `exitCode` into its exit status.
 */
export abstract class AttuneError extends Error {
  abstract readonly code: `E_${string}`
  abstract readonly exitCode: 2 | 3 | 4 | 5 | 75
  override readonly name: string = this.constructor.name
  readonly what: string
  readonly remedy: string

  constructor(what: string, remedy: string, options?: ErrorOptions) {
    super(`${what}\n${remedy}`, options)
    this.what = what
    this.remedy = remedy
  }
}

/** Wrong usage or configuration: an option, a configuration file, a plan. */
export class ConfigError extends AttuneError {
  readonly code = 'E_CONFIG'
  readonly exitCode = 2
}

/** A guard or an acceptance criterion said no; the input itself may be fine. */
export class RefusedError extends AttuneError {
  readonly code = 'E_REFUSED'
  readonly exitCode = 3
}

/** A file that cannot be read, or that does not hold what it claims. */
export class InputError extends AttuneError {
  readonly code = 'E_INPUT'
  readonly exitCode = 4
}

/** The data holds nothing that a method could be fitted on: an empty mask, a constant image. */
export class UnfittableError extends AttuneError {
  readonly code = 'E_UNFITTABLE'
  readonly exitCode = 4
}

/** An engine, a server, a tool or a permission is missing. */
export class MissingError extends AttuneError {
  readonly code = 'E_MISSING'
  readonly exitCode = 5
}
