/** Wall time, CPU time and peak memory of a process of Node or Python. */
import { spawnSync } from 'node:child_process'
import { MissingError } from '../src/errors.ts'

export interface Cost {
  /** Seconds. */
  readonly wall: number
  /** Seconds, user and system, all threads. */
  readonly cpu: number
  /** Peak resident memory, MiB. */
  readonly peak: number
}

interface Said {
  /** What it wrote beside its result. */
  readonly said: string
}

const MARK = 'attune-bench-usage '
/** The peak is that of /proc: what the system counts for the process begins with the memory of the one that started it. */
const printUsage = `data:text/javascript,${encodeURIComponent(
  `import { readFileSync } from 'node:fs'
process.on('exit', () => {
  const { userCPUTime, systemCPUTime } = process.resourceUsage()
  const peak = Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1])
  console.error('${MARK}' + JSON.stringify([userCPUTime + systemCPUTime, peak]))
})`,
)}`

const PRINT_USAGE_PYTHON = `import atexit, json, re, resource, sys
def _usage():
    u = resource.getrusage(resource.RUSAGE_SELF)
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
    print("${MARK}" + json.dumps([(u.ru_utime + u.ru_stime) * 1e6, peak]), file=sys.stderr)
atexit.register(_usage)
`

/** @throws {MissingError} when the process fails, with what it said */
export function costOf(words: readonly string[]): Cost & Said {
  return costOfProcess(process.execPath, ['--import', printUsage, ...words])
}

/** The same for a program of Python, given as text. */
export function costOfPython(python: string, program: string, words: readonly string[]): Cost & Said {
  return costOfProcess(python, ['-c', PRINT_USAGE_PYTHON + program, ...words])
}

function costOfProcess(command: string, words: readonly string[]): Cost & Said {
  const started = performance.now()
  const { status, stderr, error } = spawnSync(command, words, { encoding: 'utf8' })
  const wall = (performance.now() - started) / 1000
  const line = stderr?.split('\n').findLast((text) => text.startsWith(MARK))
  if (status !== 0 || line === undefined)
    throw new MissingError(
      `${command} ${words.join(' ')} ended with ${status}:\n${error?.message ?? stderr}`,
      'Run it by hand.',
    )
  const [microseconds, kilobytes] = JSON.parse(line.slice(MARK.length)) as [number, number]
  return { wall, cpu: microseconds / 1e6, peak: kilobytes / 1024, said: stderr }
}

export function leastCost(words: readonly string[], runs: number): Cost {
  return leastOf(Array.from({ length: runs }, () => costOf(words)))
}

/** The least of each over several runs: what the work costs when nothing disturbs it. */
export function leastOf(costs: readonly Cost[]): Cost {
  const least = (key: keyof Cost): number => Math.min(...costs.map((cost) => cost[key]))
  return { wall: least('wall'), cpu: least('cpu'), peak: least('peak') }
}
