/** How reports name things and write numbers; one place, so that HTML and Markdown agree. */
import type { Evidence, Figure, Gate, Metric, Picture } from '../evidence/evidence.ts'

const METHODS: Readonly<Record<string, string>> = {
  identity: 'Nothing done',
  zscore: 'Gain and offset (zscore)',
  whitestripe: 'White stripe (whitestripe)',
  kde: 'Peak of a tissue (kde)',
  fcm: 'Mean of a tissue (fcm)',
  lsq: 'Means of three tissues (lsq)',
  nyul: 'Standard scale (nyul)',
  histogram: 'Histogram matching',
  tone: 'One tone curve (tone)',
  rescan: 'Scan-rescan floor',
  'rescan-target': 'Rescan, target scanner',
  'rescan-source': 'Rescan, source scanner',
}

/** From the weakest correction to the strongest, then what no correction can undercut. */
const ORDER = ['identity', 'zscore', 'whitestripe', 'kde', 'fcm', 'lsq', 'nyul', 'histogram', 'tone']
const FLOORS = ['rescan', 'rescan-target', 'rescan-source']

export function methodName(method: string): string {
  return METHODS[method] ?? method
}

export function isFloor(method: string): boolean {
  return FLOORS.includes(method)
}

/** The methods that have a figure, in the order in which reports list them. */
export function methodsOf({ figures }: Evidence): readonly string[] {
  const found = [...new Set(figures.map((figure) => figure.method))]
  const place = (method: string): number =>
    isFloor(method)
      ? 100 + FLOORS.indexOf(method)
      : ORDER.includes(method)
        ? ORDER.indexOf(method)
        : ORDER.length
  return found.toSorted((a, b) => place(a) - place(b))
}

export const METRICS: Readonly<Record<Metric, { readonly name: string; readonly better: string }>> = {
  mae: { name: 'MAE', better: 'lower is better' },
  psnr: { name: 'PSNR', better: 'higher is better' },
  ssim: { name: 'SSIM', better: 'higher is better' },
  'noise-ratio-target': { name: 'Noise / target', better: 'at least 0.8' },
  'noise-ratio-source': { name: 'Noise / source after tone', better: 'at most 1.1' },
  'removable-share': { name: 'Removed', better: 'share of the removable error; higher is better' },
  'lesion-contrast': { name: 'Lesion contrast kept', better: '1 is unchanged' },
  'fisher-ratio': { name: 'Tissue separation / target', better: '1 is unchanged; above, smoothed' },
  'new-edges': { name: 'Gradient energy in flat places', better: '1 is unchanged; above, drawn in' },
  'atrophy-kept': { name: 'Change of volume kept', better: '1 is unchanged' },
  'reference-change': { name: 'Change of reference images', better: 'lower is better' },
  consistency: { name: 'Rescan difference, after / before', better: 'lower is better' },
  'round-trip': { name: 'Round trip', better: 'lower is better' },
}

export const PICTURES: Readonly<Record<Picture['name'], string>> = {
  before: 'Before',
  after: 'After',
  target: 'Target',
  'difference-before': 'Before − target',
  'difference-after': 'After − target',
}

export const GATES: Readonly<Record<Gate['status'], { readonly symbol: string; readonly word: string }>> = {
  pass: { symbol: '✓', word: 'met' },
  fail: { symbol: '✕', word: 'missed' },
  'not-evaluated': { symbol: '–', word: 'not evaluated' },
}

/** A figure with as many digits as the metric deserves; its unit only where it is not in the column head. */
export function figureText({ metric, value }: Pick<Figure, 'metric' | 'value'>): string {
  if (value === undefined) return '–'
  switch (metric) {
    case 'mae':
      return percent(value, 1)
    case 'removable-share':
      return percent(value, 0)
    case 'psnr':
      return value.toFixed(1)
    case 'ssim':
      return value.toFixed(3)
    case 'noise-ratio-target':
    case 'noise-ratio-source':
    case 'lesion-contrast':
    case 'fisher-ratio':
    case 'new-edges':
    case 'atrophy-kept':
    case 'consistency':
      return value.toFixed(2)
    case 'reference-change':
      return percent(value, 2)
    case 'round-trip':
      return `${(100 * value).toPrecision(2)} %`
    default:
      return metric satisfies never
  }
}

/** 0.0742 as "7.4 %", the minus sign typeset. */
export function percent(value: number, digits: number): string {
  return `${(100 * value).toFixed(digits).replace('-', '−')} %`
}

export function counted(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`
}

/** Names in prose: "a, b and c"; beyond six only their number is worth reading. */
export function listed(names: readonly string[], what: string): string {
  if (names.length > 6) return counted(names.length, what)
  return names.length < 2
    ? (names[0] ?? `no ${what}`)
    : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

export function figureOf(
  { figures }: Evidence,
  domain: string,
  method: string,
  metric: Metric,
): Figure | undefined {
  return figures.find((f) => f.domain === domain && f.method === method && f.metric === metric)
}

/** How much less error the harmonizer leaves than the best weaker method, 0..1; `undefined` where there is none to compare with. */
export function gain(
  evidence: Evidence,
  domain: string,
): { readonly share: number; readonly rival: string } | undefined {
  const { method } = evidence.harmonizer
  const after = figureOf(evidence, domain, method, 'mae')?.value
  const [best] = ORDER.filter((rival) => rival !== method && rival !== 'identity')
    .flatMap((rival) => {
      const error = figureOf(evidence, domain, rival, 'mae')?.value
      return error === undefined ? [] : [{ rival, error }]
    })
    .toSorted((a, b) => a.error - b.error)
  if (after === undefined || best === undefined || best.error === 0) return undefined
  return { share: 1 - after / best.error, rival: methodName(best.rival) }
}

/** What was tested, and how it came out, in a few sentences. */
export function verdict(evidence: Evidence): { readonly headline: string; readonly tested: string } {
  const { harmonizer, design, gates } = evidence
  const missed = gates.filter((gate) => gate.status === 'fail')
  const met = gates.filter((gate) => gate.status === 'pass')
  const open = gates.length - missed.length - met.length
  const unmeasured = open === 0 ? '' : ` ${counted(open, 'criterion', 'criteria')} could not be evaluated.`
  const headline =
    missed.length > 0
      ? `${counted(missed.length, 'criterion', 'criteria')} missed: ${missed.map((gate) => gate.title).join('; ')}.${unmeasured}`
      : met.length > 0
        ? `Every criterion that could be evaluated is met (${met.length}).${unmeasured}`
        : 'No acceptance criterion could be evaluated.'
  const who = `${counted(design.subjects.length, 'subject')} on ${listed(design.domains, 'scanner')}`
  const { translation } = harmonizer
  const named = `${harmonizer.name} (${harmonizer.method})`
  const does = translation
    ? `${translation.caveat} ${named} translates ${translation.from} into ${translation.to} as on ${harmonizer.target}.`
    : `${named} brings images to ${harmonizer.target}.`
  const tested =
    design.kind === 'held-out'
      ? `${does} It was tested on ${who}, none of whom it was trained on.`
      : `${does} It was tested within subjects it was trained on (${who}): this shows how well the mapping fits, not that it carries over to other people.`
  return { headline, tested }
}
