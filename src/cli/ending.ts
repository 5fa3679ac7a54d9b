/** How the program ends: exit codes, errors as people or programs read them, signals, and readers that leave early. */
import { constants } from 'node:os'
import { AttuneError } from '../errors.ts'
import { removeTemporaryFiles } from '../files.ts'
import { clearProgress } from './output.ts'

/** Prints an error, foreseen or not, and sets the exit status. `asJson` says whether --json was given. */
export function fail(error: unknown, asJson: boolean): void {
  clearProgress()
  const { exitCode, code, what, remedy } = error instanceof AttuneError ? error : defect(error)
  if (asJson) process.stdout.write(`${JSON.stringify({ error: { code, what, remedy } })}\n`)
  else process.stderr.write(`attune: ${what}\n${remedy}\n`)
  if (process.env['ATTUNE_DEBUG'] === '1') process.stderr.write(`${stackOf(error)}\n`)
  process.exitCode = exitCode
}

function defect(error: unknown): { exitCode: 1; code: string; what: string; remedy: string } {
  const message = error instanceof Error ? error.message : String(error)
  return {
    exitCode: 1,
    code: 'E_DEFECT',
    what: `unexpected: ${message}`,
    remedy:
      'This is a defect of attune. Please report it with the output of the same command under ATTUNE_DEBUG=1.',
  }
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const stack = error.stack ?? error.message
  return error.cause === undefined ? stack : `${stack}\ncaused by ${stackOf(error.cause)}`
}

/** Ctrl-C and `kill` leave no temporary files and end with 128 + signal, as shells expect. */
export function exitOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      clearProgress()
      removeTemporaryFiles()
      process.exit(128 + constants.signals[signal])
    })
}

/** `attune ... | head` is no error: what is written after the reader has left is dropped. */
export function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
}
