/**
 * Plots as SVG text. They are drawn at the width they are read at (340 px fits a phone), take their colours
 * from the page's style sheet, so that dark mode and print work, and carry one text alternative each.
 */
import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import type { Curves, Evidence, JointHistograms, LossPoint } from '../evidence/evidence.ts'
import { densityPng } from './density.ts'
import { escapeText, type Markup, trusted } from './markup.ts'
import { figureOf, isFloor, methodName, methodsOf } from './words.ts'

const WIDTH = 340
const { document } = parseHTML('<!doctype html><html><body></body></html>')

type Options = Parameters<typeof Plot.plot>[0]

/** The error of each method, with the scan-rescan floor as a line that no correction can undercut. */
export function errorPlot(evidence: Evidence, domain: string): Markup {
  const rows = methodsOf(evidence)
    .filter((method) => method !== 'identity' && !isFloor(method))
    .flatMap((method) => {
      const figure = figureOf(evidence, domain, method, 'mae')
      if (figure?.value === undefined) return []
      const { low, high } = figure.interval ?? { low: figure.value, high: figure.value }
      const tested = method === evidence.harmonizer.method
      const sure = figure.confidence ?? { low: figure.value, high: figure.value }
      return [
        {
          method: methodName(method),
          value: 100 * figure.value,
          low: 100 * low,
          high: 100 * high,
          sureLow: 100 * sure.low,
          sureHigh: 100 * sure.high,
          tested,
        },
      ]
    })
  const floor = figureOf(evidence, domain, 'rescan', 'mae')?.value
  const color = (d: { tested: boolean }): string => (d.tested ? 'var(--accent)' : 'var(--muted)')
  const spoken = rows.map(({ method, value }) => `${method} ${value.toFixed(1)} %`).join(', ')
  return svg(
    {
      height: 66 + 30 * rows.length,
      marginLeft: 160,
      marginRight: 36,
      marginTop: 18,
      marginBottom: 42,
      x: {
        label: 'MAE, % of range',
        labelAnchor: 'center',
        labelArrow: 'none',
        domain: [0, 1.06 * Math.max(...rows.map((r) => r.high), 100 * (floor ?? 0))],
        ticks: 4,
      },
      y: { label: null, domain: rows.map((r) => r.method), tickSize: 0 },
      marks: [
        Plot.gridX({ stroke: 'var(--line)', strokeOpacity: 1, ticks: 4 }),
        floor === undefined
          ? null
          : Plot.ruleX([100 * floor], { stroke: 'var(--floor)', strokeWidth: 1.5, strokeDasharray: '4 3' }),
        floor === undefined
          ? null
          : Plot.text(['rescan'], {
              x: 100 * floor,
              frameAnchor: 'top',
              dy: -14,
              fill: 'var(--floor)',
              fontSize: 11,
            }),
        Plot.ruleY(rows, {
          x1: 'low',
          x2: 'high',
          y: 'method',
          stroke: color,
          strokeWidth: 2,
          strokeOpacity: 0.45,
        }),
        Plot.ruleY(rows, {
          x1: 'sureLow',
          x2: 'sureHigh',
          y: 'method',
          stroke: color,
          strokeWidth: 5,
          strokeOpacity: 0.45,
        }),
        Plot.dot(rows, { x: 'value', y: 'method', fill: color, r: 5 }),
        Plot.text(rows, {
          x: 'high',
          y: 'method',
          text: (d) => d.value.toFixed(1),
          dx: 10,
          textAnchor: 'start',
          fill: color,
          fontWeight: 600,
        }),
      ],
    },
    `Mean absolute error on ${domain}: ${spoken}${floor === undefined ? '' : `; scan-rescan floor ${(100 * floor).toFixed(1)} %`}.`,
  )
}

/** Intensities of image and target at the same voxels; on the diagonal they agree. */
export function jointPlot(joint: JointHistograms, which: 'before' | 'after'): Markup {
  const { low, high } = joint.range
  const size = WIDTH - 62
  return svg(
    {
      width: WIDTH,
      height: size + 52,
      marginLeft: 52,
      marginRight: 10,
      marginTop: 10,
      marginBottom: 42,
      x: {
        label: which === 'before' ? 'Before' : 'After',
        domain: [low, high],
        ticks: 4,
        tickFormat: shortNumber,
        labelAnchor: 'center',
        labelArrow: 'none',
      },
      y: {
        label: 'Target',
        domain: [low, high],
        ticks: 4,
        tickFormat: shortNumber,
        labelAnchor: 'center',
        labelArrow: 'none',
      },
      marks: [
        Plot.image([0], {
          x: (low + high) / 2,
          y: (low + high) / 2,
          width: size,
          height: size,
          src: () => `data:image/png;base64,${densityPng(joint[which], joint.bins)}`,
          preserveAspectRatio: 'none',
          imageRendering: 'pixelated',
        }),
        Plot.line([low, high], {
          x: (v: number) => v,
          y: (v: number) => v,
          stroke: 'var(--ink)',
          strokeOpacity: 0.55,
          strokeDasharray: '4 3',
        }),
        Plot.frame({ stroke: 'var(--line)' }),
      ],
    },
    `Joint histogram of the image ${which} harmonization and the target, subject ${joint.subject}, ${joint.domain}.`,
  )
}

const DASHES = ['0', '7 3', '2 3', '9 3 2 3', '12 4']

/** Output against input at several places: curves that differ show what one curve for the whole image cannot do. */
export function curvesPlot({ domain, subject, positions }: Curves): Markup {
  return svg(
    {
      height: 300,
      marginLeft: 52,
      marginBottom: 42,
      marginRight: 10,
      x: { label: 'Input', ticks: 4, tickFormat: shortNumber, labelAnchor: 'center', labelArrow: 'none' },
      y: { label: 'Output', ticks: 4, tickFormat: shortNumber, labelAnchor: 'center', labelArrow: 'none' },
      marks: [
        Plot.gridX({ stroke: 'var(--line)', strokeOpacity: 1, ticks: 4 }),
        Plot.gridY({ stroke: 'var(--line)', strokeOpacity: 1, ticks: 4 }),
        ...positions.map(({ input, output }, index) =>
          Plot.line(input, {
            x: input,
            y: output,
            stroke: `var(--series-${index + 1})`,
            strokeWidth: 2,
            strokeDasharray: DASHES[index] ?? '0',
          }),
        ),
      ],
    },
    `Mapping of ${domain} for subject ${subject} at ${positions.map(({ label }) => label).join(', ')}.`,
  )
}

/** One entry per curve: the same stroke as in the plot. */
export function curveKey({
  positions,
}: Curves): readonly { readonly label: string; readonly swatch: Markup }[] {
  return positions.map(({ label, at }, index) => ({
    label: `${label} (${at.join(', ')} mm)`,
    swatch: trusted(
      `<svg width="26" height="8" aria-hidden="true"><line x1="0" x2="26" y1="4" y2="4" stroke="var(--series-${index + 1})" stroke-width="2" stroke-dasharray="${DASHES[index] ?? '0'}"/></svg>`,
    ),
  }))
}

/** Contrast kept of every lesion, with the accepted band. */
export function lesionPlot(evidence: Evidence, accepted: readonly [low: number, high: number]): Markup {
  const { method } = evidence.harmonizer
  const rows = evidence.lesions.flatMap(({ domain, visible, kept }) => {
    const value = kept[method]
    return value === undefined ? [] : [{ domain, visible, value: Math.min(2, Math.max(0, value)) }]
  })
  const domains = [...new Set(rows.map((r) => r.domain))]
  return svg(
    {
      height: 62 + 34 * domains.length,
      marginLeft: 110,
      marginRight: 14,
      marginTop: 10,
      marginBottom: 42,
      x: { label: 'Contrast kept', domain: [0, 2], ticks: 5, labelAnchor: 'center', labelArrow: 'none' },
      y: { label: null, domain: domains, tickSize: 0 },
      marks: [
        Plot.rect([0], { x1: accepted[0], x2: accepted[1], fill: 'var(--band)' }),
        Plot.gridX({ stroke: 'var(--line)', strokeOpacity: 1, ticks: 5 }),
        Plot.tickX(
          rows.filter((r) => !r.visible),
          {
            x: 'value',
            y: 'domain',
            stroke: 'var(--muted)',
            strokeOpacity: 0.5,
            insetTop: 8,
            insetBottom: 8,
          },
        ),
        Plot.tickX(
          rows.filter((r) => r.visible),
          { x: 'value', y: 'domain', stroke: 'var(--accent)', strokeWidth: 1.5, strokeOpacity: 0.6 },
        ),
      ],
    },
    `Contrast kept of ${rows.length} lesions by ${domains.join(', ')}; the accepted band is ${accepted[0]} to ${accepted[1]}. Values above 2 are drawn at 2.`,
  )
}

export function lossPlot(points: readonly LossPoint[]): Markup {
  const validation = points.filter((point) => point.validation !== undefined)
  return svg(
    {
      height: 240,
      marginLeft: 52,
      marginBottom: 42,
      marginRight: 14,
      x: { label: 'Step', ticks: 4, tickFormat: shortNumber, labelAnchor: 'center', labelArrow: 'none' },
      y: {
        label: 'Loss',
        type: 'log',
        ticks: 4,
        tickFormat: shortNumber,
        labelAnchor: 'center',
        labelArrow: 'none',
      },
      marks: [
        Plot.gridY({ stroke: 'var(--line)', strokeOpacity: 1, ticks: 4 }),
        Plot.line(points, { x: 'step', y: 'loss', stroke: 'var(--accent)', strokeWidth: 1.5 }),
        Plot.line(validation, {
          x: 'step',
          y: 'validation',
          stroke: 'var(--series-2)',
          strokeWidth: 1.5,
          strokeDasharray: '6 3',
        }),
      ],
    },
    `Training loss over ${points.at(-1)?.step ?? 0} steps, from ${points[0]?.loss.toPrecision(3)} to ${points.at(-1)?.loss.toPrecision(3)}.`,
  )
}

function shortNumber(value: number): string {
  return Math.abs(value) >= 10_000 ? `${Math.round(value / 1000)}k` : String(Number(value.toPrecision(6)))
}

/**
 * Screen readers get the text alternative and nothing of the inside: Plot labels its groups in ways that ARIA
 * prohibits. Its embedded style sheets go too: the page has one for all plots.
 */
export function svg(options: Options, alternative: string, className = 'plot'): Markup {
  const figure = Plot.plot({
    width: WIDTH,
    ...options,
    className,
    document: document as never,
  }) as unknown as { readonly outerHTML: string }
  const inside = figure.outerHTML
    .replace(/<style>[\s\S]*?<\/style>/g, '')
    .replace(/ (?:role|aria-[a-z]+)="[^"]*"/g, '')
    .replace(/^<svg/, `<svg role="img" aria-label="${escapeText(alternative)}"`)
  return trusted(inside)
}
