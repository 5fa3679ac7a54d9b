import type { CommandModule } from 'yargs'
import type { MlflowServer } from '../tracking/mlflow-server.ts'
import { type CommonOptions, remarks, report } from './output.ts'
import { trackFolder } from './track-options.ts'

interface TrackArguments extends CommonOptions {
  readonly dir: string | undefined
}

const DIR = {
  dir: { type: 'string', describe: 'Folder of runs [ATTUNE_TRACK, or attune-runs]' },
} as const

const list: CommandModule<object, TrackArguments> = {
  command: 'list',
  describe: 'Every run: when, what, how it ended, its last loss',
  builder: (args) => args.options(DIR).example('$0 track list', 'the runs in attune-runs'),
  handler: async (options) => {
    const { listRuns } = await import('../tracking/run-folder.ts')
    const { summaryOf } = await import('../tracking/summary.ts')
    const { aligned } = await import('../report/aligned.ts')
    const folder = trackFolder(options.dir, process.env)
    const runs = (await listRuns(folder)).map(summaryOf)
    const rows = runs.map((run) => [
      run.id.slice(0, 8),
      new Date(run.started).toISOString().slice(0, 16).replace('T', ' '),
      run.state,
      run.seconds === undefined ? '' : `${Math.round(run.seconds)} s`,
      run.params['method'] ?? '',
      run.metrics['loss']?.value.toString().slice(0, 8) ?? '',
      run.name,
    ])
    const head = ['run', 'started (UTC)', 'state', 'took', 'method', 'loss', 'name']
    report(options, runs.length === 0 ? `${folder} has no runs.` : aligned([head, ...rows]).join('\n'), {
      folder,
      runs,
    })
  },
}

const show: CommandModule<object, TrackArguments & { readonly run: string }> = {
  command: 'show <run>',
  describe: 'Parameters, last metrics, tags and artifacts of a run; with --json every step',
  builder: (args) =>
    args
      .positional('run', { type: 'string', demandOption: true, describe: 'Its id, or enough of its start' })
      .options(DIR)
      .example('$0 track show 1a2b3c4d', 'a run by the start of its id'),
  handler: async (options) => {
    const { chooseRuns } = await import('../tracking/run-folder.ts')
    const { detailsOf } = await import('../tracking/summary.ts')
    const { runText } = await import('./run-text.ts')
    const [run] = await chooseRuns(trackFolder(options.dir, process.env), [options.run])
    if (run === undefined) return
    const details = detailsOf(run)
    report(options, runText(details), details)
  },
}

const exportRuns: CommandModule<object, TrackArguments & { readonly out: string; readonly runs: string[] }> =
  {
    command: 'export <out> [runs..]',
    describe: "Write runs as MLflow's file store, which `mlflow migrate-filestore` imports",
    builder: (args) =>
      args
        .positional('out', {
          type: 'string',
          demandOption: true,
          describe: 'Folder to write; mlruns/ is made in it',
        })
        .positional('runs', { type: 'string', array: true, default: [], describe: 'Which; all by default' })
        .options(DIR)
        .example(
          '$0 track export for-mlflow',
          'then: mlflow migrate-filestore --source for-mlflow --target sqlite:///mlflow.db',
        ),
    handler: async (options) => {
      const { chooseRuns } = await import('../tracking/run-folder.ts')
      const { exportFileStore } = await import('../tracking/file-store.ts')
      const runs = await chooseRuns(trackFolder(options.dir, process.env), options.runs)
      const written = await exportFileStore(runs, options.out)
      const source = options.out
      report(
        options,
        `${written}: ${runs.length} runs. Import them with: mlflow migrate-filestore --source ${source} --target sqlite:///mlflow.db`,
        { path: written, runs: runs.map(({ facts }) => facts.id) },
      )
    },
  }

const send: CommandModule<object, TrackArguments & { readonly runs: string[] }> = {
  command: 'send [runs..]',
  describe: 'Send runs, or what is left of them, to the MLflow server of MLFLOW_TRACKING_URI',
  builder: (args) =>
    args
      .positional('runs', {
        type: 'string',
        array: true,
        default: [],
        describe: 'Ids or folders; all by default',
      })
      .options(DIR)
      .example('$0 track send', 'after a server was away; what it has is not sent again'),
  handler: async (options) => {
    const { mlflowServer } = await import('../tracking/mlflow-server.ts')
    const server = mlflowServer(process.env)
    const results = await sendAll(options, server)
    const lines = results.map(
      ({ run, runId, entries, refused }) =>
        `${run.slice(0, 8)}: ${entries} entries sent to run ${runId}${refused.map((line) => `\n  not taken: ${line}`).join('')}`,
    )
    report(options, lines.join('\n') || 'There is nothing to send.', { server: server.url, runs: results })
  },
}

interface SentRun {
  readonly run: string
  readonly runId: string
  readonly entries: number
  readonly refused: readonly string[]
}

async function sendAll(
  options: TrackArguments & { readonly runs: string[] },
  server: MlflowServer,
): Promise<readonly SentRun[]> {
  const { chooseRuns, readLog, stateOf } = await import('../tracking/run-folder.ts')
  const { mlflowHttp } = await import('../tracking/mlflow-http.ts')
  const { sendRun } = await import('../tracking/send.ts')
  const http = mlflowHttp(server)
  const say = remarks(options)
  const results: SentRun[] = []
  for (const run of await chooseRuns(trackFolder(options.dir, process.env), options.runs)) {
    if (stateOf(readLog(run)) === 'running') {
      say(`${run.facts.id.slice(0, 8)} is still running; send it when it has ended.`)
      continue
    }
    const { runId, entries, refused } = await sendRun(run, http)
    results.push({ run: run.facts.id, runId, entries, refused })
  }
  return results
}

export const track: CommandModule = {
  command: 'track',
  describe: 'List and show tracked trainings, export them, send them to a server',
  builder: (args) =>
    args
      .command(list)
      .command(show)
      .command(exportRuns)
      .command(send)
      .demandCommand(1, 'Which of list, show, export, send?')
      .example('$0 track list', 'what `attune train --track` has written down'),
  handler: () => {},
}
