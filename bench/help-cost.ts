/** CPU time of `attune --help` beyond that of an empty Node: the goal is 0.15 s. */
import { spawnSync } from 'node:child_process'
import { packageFile } from '../src/package-root.ts'

const rounds = 11

export interface HelpCost {
  /** CPU seconds (user and system) of `node -e 0`, the least of several runs. */
  readonly empty: number
  /** The same of `attune --help`. */
  readonly help: number
}

/** Runs the compiled program, turn about with an empty one, so that both meet the same load. */
export function measureHelpCost(): HelpCost {
  const runs = Array.from({ length: rounds }, () => ({
    empty: cpuSeconds(['-e', '0']),
    help: cpuSeconds([packageFile('dist/src/cli/main.js'), '--help']),
  }))
  return {
    empty: Math.min(...runs.map(({ empty }) => empty)),
    help: Math.min(...runs.map(({ help }) => help)),
  }
}

const printCpu = `data:text/javascript,${encodeURIComponent(
  `process.on('exit', () => { const { user, system } = process.cpuUsage(); console.error((user + system) / 1e6) })`,
)}`

function cpuSeconds(words: readonly string[]): number {
  const { stderr } = spawnSync(process.execPath, ['--import', printCpu, ...words], { encoding: 'utf8' })
  return Number(stderr)
}
