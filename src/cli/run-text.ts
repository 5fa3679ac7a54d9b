/** A run for a terminal. */

import { aligned } from '../report/aligned.ts'
import type { RunDetails } from '../tracking/summary.ts'

export function runText(run: RunDetails): string {
  const section = (title: string, rows: readonly (readonly string[])[]): readonly string[] =>
    rows.length === 0 ? [] : ['', title, ...aligned(rows)]
  const { params, metrics, tags, artifacts } = run
  return [
    `${run.name} (${run.id}), experiment ${run.experiment}: ${run.state}`,
    `from ${new Date(run.started).toISOString()}, ${Math.round(run.seconds)} s, in ${run.path}`,
    ...section('parameters', Object.entries(params)),
    ...section(
      'metrics, last step',
      Object.entries(metrics).map(([name, { step, value }]) => [name, String(value), `step ${step}`]),
    ),
    ...section('tags', Object.entries(tags)),
    ...section(
      'artifacts',
      Object.entries(artifacts).map(([path, { bytes, sha256 }]) => [path, `${bytes} bytes`, sha256]),
    ),
  ].join('\n')
}
