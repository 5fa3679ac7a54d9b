/** The tables of a report as data: HTML, Markdown and TSV render the same rows. */
import type { Evidence, Metric } from '../evidence/evidence.ts'
import { figureOf, figureText, isFloor, METRICS, methodName, methodsOf, percent } from './words.ts'

export interface Table {
  readonly name: string
  readonly caption: string
  /** Head of the row labels, then of the numeric columns. */
  readonly columns: readonly string[]
  readonly rows: readonly Row[]
  readonly notes: readonly string[]
}

export interface Row {
  readonly label: string
  readonly cells: readonly string[]
  /** The harmonizer under test is set in bold, floors are set apart. */
  readonly role: 'tested' | 'baseline' | 'floor'
}

const COLUMNS: readonly { readonly metric: Metric; readonly head: string }[] = [
  { metric: 'mae', head: 'MAE, % of range ↓' },
  { metric: 'psnr', head: 'PSNR, dB ↑' },
  { metric: 'ssim', head: 'SSIM ↑' },
  { metric: 'noise-ratio-target', head: 'Noise / target' },
  { metric: 'noise-ratio-source', head: 'Noise / source' },
  { metric: 'fisher-ratio', head: 'Tissues / target' },
  { metric: 'removable-share', head: 'Removed ↑' },
]

/** One row per method: the fidelity of one source domain. */
export function fidelityTable(evidence: Evidence, domain: string): Table {
  const methods = methodsOf(evidence).filter((method) =>
    COLUMNS.some(({ metric }) => figureOf(evidence, domain, method, metric) !== undefined),
  )
  const notes = new Map<string, string>()
  const rows = methods.map((method): Row => {
    const cells = COLUMNS.map(({ metric }) => {
      const figure = figureOf(evidence, domain, method, metric)
      if (figure === undefined) return ''
      const mark = figure.note === undefined ? '' : noteMark(notes, figure.note)
      return figureText(figure) + mark
    })
    const role = method === evidence.harmonizer.method ? 'tested' : isFloor(method) ? 'floor' : 'baseline'
    return { label: methodName(method), cells, role }
  })
  const n = evidence.figures.find((f) => f.domain === domain && f.metric === 'mae')?.n ?? 0
  return {
    name: 'fidelity',
    caption: `${domain} to ${evidence.harmonizer.target}: medians over ${n} pair${n === 1 ? '' : 's'}, inside the mask`,
    columns: ['Method', ...COLUMNS.map(({ head }) => head)],
    rows,
    notes: [...notes].map(([note, mark]) => `${mark} ${note}`),
  }
}

/** Lesion contrast kept, per domain and method. */
export function lesionTable(evidence: Evidence): Table {
  const found = evidence.figures.filter(({ metric }) => metric === 'lesion-contrast')
  const notes = new Map<string, string>()
  return {
    name: 'lesion-contrast',
    caption: `${METRICS['lesion-contrast'].name}: output over target (blurred to the source's resolution)`,
    columns: ['Domain, method', 'Median', '10th percentile', '90th percentile', 'Lesions'],
    rows: found.map((figure) => ({
      label: `${figure.domain}, ${methodName(figure.method)}`,
      cells: [
        figureText(figure) + (figure.note === undefined ? '' : noteMark(notes, figure.note)),
        figureText({ metric: 'lesion-contrast', ...given(figure.interval?.low) }),
        figureText({ metric: 'lesion-contrast', ...given(figure.interval?.high) }),
        String(figure.n),
      ],
      role: figure.method === evidence.harmonizer.method ? 'tested' : 'baseline',
    })),
    notes: [...notes].map(([note, mark]) => `${mark} ${note}`),
  }
}

function given(value: number | undefined): { value?: number } {
  return value === undefined ? {} : { value }
}

/** The mark of a note: equal notes share one. */
function noteMark(notes: Map<string, string>, note: string): string {
  const known = notes.get(note)
  if (known !== undefined) return known
  const mark = ['¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][notes.size] ?? '*'
  notes.set(note, mark)
  return mark
}

/** What the figures were pooled from, with every digit, one file a table. */
export function tsvFiles(evidence: Evidence): Readonly<Record<string, string>> {
  const kept = [...new Set(evidence.lesions.flatMap((lesion) => Object.keys(lesion.kept)))]
  return {
    'figures.tsv': tsv(
      [
        'domain',
        'method',
        'metric',
        'value',
        'unit',
        'interval',
        'low',
        'high',
        'confidence_low',
        'confidence_high',
        'families',
        'n',
        'note',
      ],
      evidence.figures.map((f) => [
        f.domain,
        f.method,
        f.metric,
        f.value,
        f.unit,
        f.interval?.kind,
        f.interval?.low,
        f.interval?.high,
        f.confidence?.low,
        f.confidence?.high,
        f.confidence?.families,
        f.n,
        f.note,
      ]),
    ),
    'pairs.tsv': tsv(
      [
        'subject',
        'domain',
        'source_session',
        'target_session',
        'method',
        'voxels',
        'mae',
        'psnr',
        'ssim',
        'noise_sd',
        'target_noise_sd',
      ],
      evidence.pairs.map((p) => [
        p.subject,
        p.domain,
        p.sourceSession,
        p.targetSession,
        p.method,
        p.voxels,
        p.mae,
        p.psnr,
        p.ssim,
        p.noiseSd,
        p.targetNoiseSd,
      ]),
    ),
    'separations.tsv': tsv(
      [
        'subject',
        'domain',
        'session',
        'method',
        'dark_tissue',
        'bright_tissue',
        'voxels',
        'fisher',
        'target_fisher',
      ],
      (evidence.separations ?? []).map(({ tissues: [dark, bright], ...row }) => [
        row.subject,
        row.domain,
        row.session,
        row.method,
        dark,
        bright,
        row.voxels,
        row.fisher,
        row.targetFisher,
      ]),
    ),
    'lesions.tsv': tsv(
      [
        'subject',
        'domain',
        'lesion',
        'volume_mm3',
        'measured',
        'source_cnr',
        'visible',
        ...kept.map((m) => `kept_${m}`),
      ],
      evidence.lesions.map((l) => [
        l.subject,
        l.domain,
        l.lesion,
        l.volumeMm3,
        l.measured,
        l.sourceCnr,
        l.visible,
        ...kept.map((method) => l.kept[method]),
      ]),
    ),
  }
}

type Cell = string | number | boolean | undefined

/** Absent values are `n/a`, as BIDS writes them; tabs and line ends in text become spaces. */
function tsv(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]): string =>
    cells.map((cell) => (cell === undefined ? 'n/a' : String(cell).replace(/[\t\r\n]+/g, ' '))).join('\t')
  return `${[head, ...rows].map(line).join('\n')}\n`
}

const PRESERVED: readonly (readonly [metric: Metric, meaning: string])[] = [
  [
    'atrophy-kept',
    'The border of a deep region of one tissue (in a head a ventricle, where the tissue map shows it) is moved in the source scan so that two visits differ by 1 % and by 5 % of its volume. Both are mapped; kept is the difference found, by least squares in units of the difference that recolouring alone would show (the mean output for each intensity around the region), free of one gain and offset. 1 is unchanged.',
  ],
  [
    'new-edges',
    "Squared gradient (after a Gaussian of one voxel) where the source's own is below that of its noise, in the output over in the source taken through one curve, the mean output of each class of input.",
  ],
  [
    'consistency',
    'Mean absolute difference of two scans of one person on one source scanner, each mapped by itself, over that of the two as they came in the same unit: brought to equal mean and spread by a gain and an offset each, then both through one curve, the mean output of the harmonizer for each intensity.',
  ],
  [
    'round-trip',
    "Mean absolute difference between the source scan and the output taken back through the inverse of the mapping, in units of the source's range (1st to 99th percentile in the mask).",
  ],
  [
    'reference-change',
    'Mean absolute change of scans of the reference scanner that are sent through the mapping as if they had to be mapped. Methods that have no curve for the reference pass its images on unchanged.',
  ],
]

/** The design in words: what each term of the report means. */
export function definitions({
  design,
  probe,
  figures,
}: Evidence): readonly (readonly [term: string, meaning: string])[] {
  const { low, high, meaning } = design.range
  return [
    ['Compared on', design.grid],
    ['Mask', design.mask],
    ['Range', `${Number(low.toPrecision(4))} to ${Number(high.toPrecision(4))}: ${meaning}`],
    ['MAE', 'Mean absolute difference from the target in the mask, in percent of the range.'],
    ['PSNR', '10 log10(range² / mean squared difference), in the mask.'],
    [
      'SSIM',
      'Structural similarity in 3D, Gaussian window of SD 1.5 voxels, constants of Wang et al. 2004, data range as above, mean over the mask.',
    ],
    [
      'Noise',
      'Robust SD of each voxel minus its six neighbours, at the flattest quarter of the brighter half of the mask of the target; the same voxels for every image of a pair.',
    ],
    [
      'Removed',
      `Share of the removable error: (before − after) / (before − rescan) by MAE; before = zscore, rescan = mean of the target's and the source's scan-rescan MAE. At most ${percent(1, 0)}; counts only if noise is at least 0.8 of the target's and at most 1.1 of the source's after tone, since smoothing alone lowers MAE.`,
    ],
    ['Rescan', design.rescan],
    ...(design.confidence === undefined ? [] : [['Intervals', design.confidence] as const]),
    ...(design.tissues === undefined
      ? []
      : [
          [
            'Tissues / target',
            `Fisher's criterion (difference of means)² / (sum of variances) of two tissues, in the image over in the target. Pairs of tissues that are neighbours in intensity, fill 1 % of the mask each and are told apart in the target (criterion at least 1); shown is the pair farthest from 1. Below 1 contrast is lost or noise added, above 1 the image is smoother than the target. ${design.tissues}`,
          ] as const,
        ]),
    ...(probe === undefined || probe.results.length === 0
      ? []
      : [
          [
            'Scanner probe',
            `Linear discriminant analysis with a shrunk covariance (Ledoit, Wolf 2004), fitted in closed form, on ${probe.features.length} features of each scan: ${probe.features.join('; ')}. Each person is named by a classifier that saw none of their relatives. Chance: the middle 95 % of 200 permutations of the scanners among the scans of each person. Target scans take part as they are.`,
          ] as const,
        ]),
    ...PRESERVED.filter(([metric]) => figures.some((figure) => figure.metric === metric)).map(
      ([metric, meaning]) => [METRICS[metric].name, meaning] as const,
    ),
    [
      'Same person',
      "Pearson's correlation of images smoothed and sampled at 4 mm, inside both masks; found means that the own target scan is more similar than anybody else's.",
    ],
    [
      'Lesion contrast kept',
      "Mean in the eroded lesion minus a shell 2 to 6 mm away in the same tissue, output over the target blurred to the source's resolution. Lesions above 50 mm³; those whose CNR in the source is below 1 are counted apart.",
    ],
  ]
}
