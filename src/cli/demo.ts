import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import type { CommandModule } from 'yargs'
import type { Evidence } from '../evidence/evidence.ts'
import type { DemoOptions, DemoResult } from './demo-steps.ts'
import { type CommonOptions, clearProgress, progress, remarks, report } from './output.ts'

interface DemoArguments extends CommonOptions, Pick<DemoOptions, 'engine' | 'steps' | 'overwrite'> {
  readonly dir: string
  readonly open: boolean
}

export const demo: CommandModule<object, DemoArguments> = {
  command: 'demo [dir]',
  describe: 'See all of it in minutes: simulate, train, apply, validate, report',
  builder: (args) =>
    args
      .positional('dir', { type: 'string', default: 'demo', describe: 'Folder for what the demo makes' })
      .option('engine', { choices: ['auto', 'native', 'wasm', 'cpu'] as const, default: 'auto' as const })
      .option('steps', { type: 'number', describe: 'Training steps [200]' })
      .option('overwrite', { type: 'boolean', default: false, describe: 'Start again from the beginning' })
      .option('open', { type: 'boolean', default: false, describe: 'Open the report in the browser' })
      .example('$0 demo', 'writes demo/report/report.html; a second run continues where the first ended')
      .epilogue(
        'Takes about 100 MB in DIR. Needs no data: heads are simulated, and one real scan ships with attune.',
      ),
  handler: async ({ dir, engine, steps, overwrite, open, ...options }) => {
    const { runDemo } = await import('./demo-steps.ts')
    const started = performance.now()
    const result = await runDemo(
      { folder: dir, engine, steps, overwrite },
      { say: remarks(options), draw: progress(options) },
    )
    clearProgress()
    const seconds = (performance.now() - started) / 1000
    const { summary } = await import('./demo-summary.ts')
    report(options, summary(result, seconds), asData(result, seconds))
    if (open) openInBrowser(result.unseen.report)
  },
}

/** With the opener of the desktop; where there is none, the path has been printed. */
function openInBrowser(path: string): void {
  const opener = process.platform === 'darwin' ? 'open' : 'xdg-open'
  const child = spawn(opener, [resolve(path)], { detached: true, stdio: 'ignore' })
  child.on('error', () => {})
  child.unref()
}

function asData({ unseen, real, ...rest }: DemoResult, seconds: number): object {
  const facts = ({ design, gates, figures }: Evidence): object => ({ design, gates, figures })
  return {
    ...rest,
    seconds,
    unseen: { report: unseen.report, ...facts(unseen.evidence) },
    real: { report: real.report, ...facts(real.evidence) },
  }
}
