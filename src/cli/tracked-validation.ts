/** A validation written down as a run of its own: figures by scanner, gates, and the report, all without names. */
import { join } from 'node:path'
import type { Evidence } from '../evidence/evidence.ts'
import { withoutNames } from '../evidence/nameless.ts'
import { temporaryPath, withTemporary } from '../files.ts'
import { packageVersion } from '../package-root.ts'
import { writeReport } from '../report/write.ts'
import { followRun } from '../tracking/follow.ts'
import { createRunFolder, type RunFolder } from '../tracking/run-folder.ts'
import { openTracker, type Tracker } from '../tracking/tracker.ts'
import { type PlaceOptions, placeOfRuns } from './track-options.ts'

/** Keeps the evidence with a run, and waits until a server has it or is found to be away. */
type Keep = (evidence: Evidence) => Promise<RunFolder>

/**
 * @returns `undefined` where nothing is to be tracked
 * @throws {MissingError} when the folder that `--track` names cannot be written; {ConfigError} for half of a server's credentials
 */
export async function trackValidation(options: PlaceOptions): Promise<Keep | undefined> {
  const { environment, say } = options
  const place = await placeOfRuns('validation', options)
  if (place === undefined) return undefined
  return async (evidence) => {
    const run = createRunFolder(place.folder, {
      name: `validation of ${evidence.harmonizer.name}`,
      experiment: environment['MLFLOW_EXPERIMENT_NAME'] || 'attune',
      key: '',
    })
    const tracker = openTracker(run, say)
    // a validation is another run than the training that MLFLOW_RUN_ID may name
    const follower = place.server && followRun(run, place.server, undefined, say)
    describe(tracker, evidence)
    const folder = temporaryPath(run.path)
    await withTemporary(folder, async () => {
      await writeReport(withoutNames(evidence), join(folder, 'report'))
      await tracker.artifact('report', join(folder, 'report'))
    })
    tracker.end('finished')
    await follower?.stop()
    return run
  }
}

function describe(tracker: Tracker, { harmonizer, design, gates, figures, provenance }: Evidence): void {
  const { method, target, manifestSha256 } = harmonizer
  tracker.params({
    ...{ method, target, kind: design.kind },
    'cohort.sha256': provenance.cohort.sha256,
    'cohort.subjects': design.subjects.length,
    'cohort.domains': design.domains.length,
    'version.attune': packageVersion(),
    'version.node': process.versions.node,
  })
  tracker.tags({
    'mlflow.source.type': 'LOCAL',
    'mlflow.source.name': 'attune validate',
    'attune.bundle.sha256': manifestSha256,
    ...Object.fromEntries(gates.map(({ id, status }) => [`gate/${id}`, status])),
  })
  tracker.metrics(
    Object.fromEntries(
      figures.flatMap(({ domain, method: of, metric, value }) =>
        of === method && value !== undefined ? [[`${plain(domain)}/${metric}`, value] as const] : [],
      ),
    ),
    0,
  )
}

/** What names of metrics may hold. */
function plain(domain: string): string {
  return domain.replaceAll(/[^A-Za-z0-9_. -]+/g, '-')
}
