import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { commands } from '../src/cli/commands.ts'
import { packageFile } from '../src/package-root.ts'
import { attune, node, script } from './attune.ts'

const names = commands.map(({ command }) => command.split(' ')[0]!)

describe('attune --help', () => {
  it('lists every command and how to get an example', async () => {
    const { code, stdout, stderr } = await attune('--help')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const { command, describe } of commands) {
      expect(stdout).toContain(`attune ${command.split(' ')[0]}`)
      expect(stdout.replace(/\s+/g, ' ')).toContain(describe)
    }
  })

  it('loads yargs and nothing heavy: no inference, no training, no format library, no schema library', async () => {
    const help = await modulesLoadedBy('--help')
    expect(help.some((file) => file.includes('/yargs/'))).toBe(true)
    expect(help.filter((file) => heavy.test(file))).toEqual([])
    const training = await modulesLoadedBy('engine', 'list')
    expect(training.some((file) => heavy.test(file))).toBe(true)
  })
})

const heavy =
  /onnxruntime|@tensorflow|nifti-reader-js|[/]zod[/]|csv-|protobufjs|@observablehq|linkedom|fast-png/

async function modulesLoadedBy(...words: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await node(['--import', traceLoads, packageFile('src/cli/main.ts'), ...words])
  return stdout.split('\n').filter((line) => line.startsWith('loaded '))
}

/** A module that makes Node print every ECMAScript module it loads, and at exit every CommonJS module. */
const traceLoads = dataUrl(`
  import { register, createRequire } from 'node:module'
  register(${JSON.stringify(
    dataUrl(`
      import { writeSync } from 'node:fs'
      export async function load(url, context, next) {
        writeSync(1, '\\nloaded ' + url + '\\n')
        return next(url, context)
      }`),
  )})
  process.on('exit', () => {
    const { cache } = createRequire(process.execPath)
    for (const file of Object.keys(cache)) process.stdout.write('\\nloaded ' + file + '\\n')
  })`)

function dataUrl(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`
}

describe.each(names)('attune %s --help', (name) => {
  it('shows an example and the common options', async () => {
    const { code, stdout, stderr } = await attune(name, '--help')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`Examples:\\s+attune ${name}`))
    expect(stdout).toMatch(/--json .*--quiet /s)
  })
})

it.each(commands)(
  'the list of commands says of $command what its own file says',
  async ({ command, describe, load }) => {
    const module = await load()
    expect({ command: module.command, describe: module.describe }).toEqual({ command, describe })
  },
)

it('attune --version is the version of the package', async () => {
  const { version } = await import('../package.json', { with: { type: 'json' } }).then((json) => json.default)
  expect(await attune('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
})

describe('wrong usage ends with 2 and points to the help', () => {
  it.each([
    { words: [], says: /No command given.*See: attune --help/s },
    { words: ['enigne', 'list'], says: /Did you mean engine\?/ },
    { words: ['engine'], says: /Which of list, install, check\?.*See: attune engine --help/s },
    { words: ['engine', 'list', '--colour'], says: /Unknown argument: colour/ },
    { words: ['engine', 'check', 'abacus'], says: /abacus.*"native", "wasm", "cpu"/s },
  ])('attune $words', async ({ words, says }) => {
    const { code, stdout, stderr } = await attune(...words)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(says)
    expect(stderr).not.toMatch(/^ +at /m)
  })

  it('with --json the error is an object on standard output', async () => {
    const { code, stdout, stderr } = await attune('engine', 'list', '--colour', '--json')
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'E_CONFIG', what: 'Unknown argument: colour', remedy: 'See: attune engine --help' },
    })
  })
})

const ending = JSON.stringify(packageFile('src/cli/ending.ts'))
const files = JSON.stringify(packageFile('src/files.ts'))

describe('an unforeseen error', () => {
  const throwing = `import { fail } from ${ending}; fail(new TypeError('x is not a function'), false)`

  it('ends with 1 and asks for a report, without a stack', async () => {
    const { code, stdout, stderr } = await script(throwing)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/x is not a function\n.*report/)
    expect(stderr).not.toMatch(/^ +at /m)
  })

  it('shows the stack under ATTUNE_DEBUG=1', async () => {
    const { stderr } = await script(`process.env.ATTUNE_DEBUG = '1'; ${throwing}`)
    expect(stderr).toMatch(/^ +at /m)
  })
})

it.each([
  { signal: 'SIGINT', code: 130 },
  { signal: 'SIGTERM', code: 143 },
] as const)('$signal ends with $code and removes temporary files', async ({ signal, code }) => {
  const folder = mkdtempSync(join(tmpdir(), 'attune-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const temporary = join(folder, '.attune-1.tmp')
  const work = `
    import { writeFileSync } from 'node:fs'
    import { exitOnSignals } from ${ending}
    import { withTemporary } from ${files}
    exitOnSignals()
    await withTemporary(${JSON.stringify(temporary)}, async () => {
      writeFileSync(${JSON.stringify(temporary)}, 'half')
      process.stdout.write('at work')
      await new Promise((resolve) => setTimeout(resolve, 30_000))
    })`
  const ended = await script(work, (child) => {
    expect(existsSync(temporary)).toBe(true)
    child.kill(signal)
  })
  expect(ended.code).toBe(code)
  expect(readdirSync(folder)).toEqual([])
})

it('a reader that leaves early is no error', async () => {
  const printing = `
    import { ignoreClosedPipes } from ${ending}
    ignoreClosedPipes()
    for (let line = 0; line < 40; line++) {
      process.stdout.write('x'.repeat(10_000))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }`
  const { code, stderr } = await script(printing, (child) => child.stdout?.destroy())
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})
