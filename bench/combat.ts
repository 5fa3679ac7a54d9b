/** ComBat of large tables beside its peers, each in a process of its own; and the whole command on a CSV. Needs dist, and Linux. */
import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { MissingError } from '../src/errors.ts'
import { random } from '../src/kernels/random.ts'
import { packageFile } from '../src/package-root.ts'
import { leastCost } from './process-cost.ts'
import { fixed, publish, say } from './result.ts'
import { workplace } from './workplace.ts'

const [ROWS, FEATURES, SITES] = [1000, 20_000, 8]
const MIB = (8 * ROWS * FEATURES) / 2 ** 20
const [CSV_ROWS, CSV_FEATURES] = [2000, 2000]
const PEERS = ['neuroCombat', 'neuroHarmonize'] as const
const SMOOTH_FEATURES = 20 // neuroHarmonize takes more than a tenth of a second for each

interface TableCost {
  /** Seconds, all threads. */
  readonly cpu: number
  /** MiB of the peak above what was held before. */
  readonly added: number
  /** Mean absolute value of the result: all programs must have done the same. */
  readonly check: number
  readonly version: string
}

/** What combat-peers.py does, with the compiled library. */
const OURS = `
import { openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
const [dist, path, variant, compat, ...numbers] = process.argv.slice(1)
const [rows, features, sites] = numbers.map(Number)
const { fitCombat } = await import(dist + '/src/combat/fit.js')
const { applyCombat } = await import(dist + '/src/combat/apply.js')
const values = new Float64Array(rows * features)
readSync(openSync(path), new Uint8Array(values.buffer)) // no second copy: freed memory would be used again, and not be counted
const table = { names: Array.from({ length: features }, (_, f) => 'f' + f), rows, values }
const row = Array.from({ length: rows }, (_, k) => k)
const samples = {
  batchName: 'site', rowName: String, source: 'bench', batch: row.map((k) => String(k % sites)),
  covariates: [
    { name: 'age', kind: 'continuous', values: Float64Array.from(row, (k) => 20 + ((k * 37) % 61)) },
    { name: 'sex', kind: 'continuous', values: Float64Array.from(row, (k) => Math.floor(k / sites) % 2) },
  ],
}
const status = (key) => Number(new RegExp(key + ':\\\\s+(\\\\d+)').exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024
globalThis.gc()
writeFileSync('/proc/self/clear_refs', '5')
const smooth = compat === 'smooth' ? { smooth: { columns: ['age'], penalty: 'reml', basis: 10 } } : {}
const held = status('VmRSS')
const before = process.cpuUsage()
const model = fitCombat(table, samples, { variant, compat: compat === 'neurocombat' ? compat : null, reference: null, singleRow: 'refuse', software: '', ...smooth })
const out = applyCombat(model, table, samples).values
const { user, system } = process.cpuUsage(before)
const added = status('VmHWM') - held
process.stdout.write(JSON.stringify({ cpu: (user + system) / 1e6, added, check: out.reduce((sum, x) => sum + Math.abs(x), 0) / out.length, version: '' }))
`

export async function combat(words: readonly string[]): Promise<void> {
  const python = process.env['ATTUNE_PYTHON']
  if (python === undefined)
    throw new MissingError(
      'ATTUNE_PYTHON is not set, and the peers are written in Python.',
      'Name an interpreter that has test/goldens/combat/requirements.txt installed.',
    )
  const load = fixed(loadavg()[0], 1)
  const path = join(workplace, 'combat.f64')
  await mkdir(workplace, { recursive: true })
  await writeFile(path, new Uint8Array(drawValues(ROWS, FEATURES).buffer))
  const size = [ROWS, FEATURES, SITES].map(String)
  const ours = (variant: string, compat: string): TableCost =>
    run(process.execPath, [
      ...['--expose-gc', '--input-type=module', '-e', OURS, '--'],
      ...[packageFile('dist'), path, variant, compat, ...size],
    ])
  const rows: [string, TableCost][] = []
  for (const peer of PEERS) {
    say(peer)
    const cost = run(python, [packageFile('bench/combat-peers.py'), peer, path, ...size])
    rows.push([cost.version, cost])
  }
  say('attune')
  rows.push(['attune eb, fixed point', ours('eb', 'fixed')])
  rows.push(['attune eb --compat neurocombat', ours('eb', 'neurocombat')])
  rows.push(['attune no-eb', ours('no-eb', 'fixed')])
  const [first] = rows
  say('smooth terms')
  const few = [ROWS, SMOOTH_FEATURES, SITES].map(String)
  const fewPath = join(workplace, 'combat-few.f64')
  await writeFile(fewPath, new Uint8Array(drawValues(ROWS, SMOOTH_FEATURES).buffer))
  const [peerFile, dist] = [packageFile('bench/combat-peers.py'), packageFile('dist')]
  const smoothPeer = run(python, [peerFile, 'neuroHarmonize-smooth', fewPath, ...few])
  const script = ['--expose-gc', '--input-type=module', '-e', OURS, '--', dist]
  const smoothFew = run(process.execPath, [...script, fewPath, 'eb', 'smooth', ...few])
  const smoothAll = run(process.execPath, [...script, path, 'eb', 'smooth', ...size])
  say('CSV')
  const table = join(workplace, 'combat.csv')
  await writeFile(table, csv())
  const out = [
    '--out',
    join(workplace, 'combat.json'),
    '--output',
    join(workplace, 'combat-out.csv'),
    '--quiet',
  ]
  const whole = leastCost(
    [packageFile('dist/src/cli/main.js'), 'combat', 'fit', table, '--batch', 'site', ...out],
    3,
  )
  await publish('combat', 'ComBat and its peers', words, [
    {
      title: `${ROWS} rows, ${FEATURES} features, ${SITES} sites, 2 covariates (${fixed(MIB, 0)} MiB of float64)`,
      columns: [
        'program',
        'CPU, s',
        'of the first',
        'added memory, MiB',
        'times the data',
        'mean of absolute results',
      ],
      rows: rows.map(([name, { cpu, added, check }]) => [
        name,
        fixed(cpu, 2),
        fixed(cpu / (first?.[1].cpu ?? Number.NaN), 2),
        fixed(added, 0),
        fixed(added / MIB, 1),
        check.toFixed(9),
      ]),
      notes: [
        'Fit and application in one process, once, from values in memory to new values in memory: CPU seconds of all threads; added memory is the peak above what was held before, with the result. Reading the table and starting are left out.',
        `Other work shares the cores: load of the machine at the start ${load}. Every program ran under it; compare within the table.`,
      ],
    },
    {
      title: `A smooth effect of age, the penalty of each feature chosen: ${ROWS} rows, ${SITES} sites`,
      columns: ['program', 'features', 'CPU, s', 'ms a feature', 'of the first'],
      rows: (
        [
          [smoothPeer.version, SMOOTH_FEATURES, smoothPeer],
          ['attune eb, REML', SMOOTH_FEATURES, smoothFew],
          ['attune eb, REML', FEATURES, smoothAll],
        ] as const
      ).map(([name, features, { cpu }]) => [
        name,
        String(features),
        fixed(cpu, 2),
        fixed((1000 * cpu) / features, 2),
        fixed(cpu / features / (smoothPeer.cpu / SMOOTH_FEATURES), 4),
      ]),
      notes: [
        'Fit and application as above. neuroHarmonize chooses its penalty from random folds; few features show the cost of starting.',
      ],
    },
    {
      title: `attune combat fit with --output, CSV of ${CSV_ROWS} x ${CSV_FEATURES}`,
      columns: ['wall, s', 'CPU, s', 'peak of the process, MiB'],
      rows: [[fixed(whole.wall, 2), fixed(whole.cpu, 2), fixed(whole.peak, 0)]],
      notes: ['The whole command, least of 3 runs: read, fit, write the model and the table.'],
    },
  ])
}

/** Features with effects of site on location and scale, around 10. */
function drawValues(rows: number, features: number): Float64Array {
  const { normal } = random(1, 'combat bench')
  const out = new Float64Array(rows * features)
  for (let f = 0; f < features; f++) {
    const shifts = Array.from({ length: SITES }, normal)
    for (let row = 0; row < rows; row++) {
      const site = row % SITES
      out[f * rows + row] = 10 + 0.3 * (shifts[site] ?? 0) + (0.8 + 0.05 * site) * normal()
    }
  }
  return out
}

function csv(): string {
  const values = drawValues(CSV_ROWS, CSV_FEATURES)
  const lines = [['site', ...Array.from({ length: CSV_FEATURES }, (_, f) => `f${f}`)].join(',')]
  for (let row = 0; row < CSV_ROWS; row++)
    lines.push(
      [row % SITES, ...Array.from({ length: CSV_FEATURES }, (_, f) => values[f * CSV_ROWS + row])].join(','),
    )
  return lines.join('\n')
}

function run(command: string, words: readonly string[]): TableCost {
  const { status, stdout, stderr } = spawnSync(command, words, { encoding: 'utf8' })
  if (status !== 0)
    throw new MissingError(`${command} ended with ${status}:\n${stderr}`, 'npm run build, or run it by hand.')
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as TableCost
}
