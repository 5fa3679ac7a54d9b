/**
 * How commands speak. Results go to standard output, as text or (--json) as one JSON object; progress and
 * remarks go to standard error. Text is plain, without colour, so NO_COLOR has nothing left to switch off.
 */

/** The options that every command takes. */
export interface CommonOptions {
  readonly json?: boolean | undefined
  readonly quiet?: boolean | undefined
}

let drawn = false

/** Prints a command's result: `data` as JSON with --json, else `text`, unless --quiet. */
export function report(options: CommonOptions, text: string, data: object): void {
  clearProgress()
  if (options.json) process.stdout.write(`${JSON.stringify(data)}\n`)
  else if (!options.quiet) process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
}

/** Returns a function that prints a line about what happens to standard error, unless --quiet. */
export function remarks(options: CommonOptions): (line: string) => void {
  if (options.quiet) return () => {}
  return (line) => {
    clearProgress()
    process.stderr.write(`${line}\n`)
  }
}

/** Returns a function that redraws one line on standard error: only on a terminal, and not with --quiet. */
export function progress(options: CommonOptions): (line: string) => void {
  if (options.quiet || !process.stderr.isTTY) return () => {}
  return (line) => {
    const [first = ''] = line.split('\n')
    process.stderr.write(`\r\x1b[2K${first.slice(0, (process.stderr.columns ?? 80) - 1)}`)
    drawn = true
  }
}

/** Removes the progress line, where there is one, so that what follows starts on an empty line. */
export function clearProgress(): void {
  if (drawn) process.stderr.write('\r\x1b[2K')
  drawn = false
}
