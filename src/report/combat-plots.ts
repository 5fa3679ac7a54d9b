/** Plots of the page of `attune combat diagnose`. Before is drawn in grey, after in the accent colour. */
import * as Plot from '@observablehq/plot'
import type {
  BatchPrior,
  BeforeAfter,
  Components,
  CovariateEffect,
  PriorDensity,
  Probe,
  SiteBox,
} from '../evidence/combat-diagnostics.ts'
import { html, type Markup } from './markup.ts'
import { svg } from './plots.ts'

const BEFORE = 'var(--muted)'
const AFTER = 'var(--accent)'
const GRID = { stroke: 'var(--line)', strokeOpacity: 1, ticks: 4 } as const
const AXIS = { ticks: 4, labelAnchor: 'center', labelArrow: 'none' } as const

/** What the two colours mean; one entry where there is no table after. */
export function beforeAfterKey(harmonized: boolean): Markup {
  return html`<ul class="key"><li>${swatch(BEFORE)}before</li>${harmonized ? html`<li>${swatch(AFTER)}after</li>` : undefined}</ul>`
}

function swatch(color: string): Markup {
  return html`<svg width="12" height="10" aria-hidden="true"><circle cx="5" cy="5" r="4" fill="${color}"/></svg>`
}

/** One line a feature, a dot each for before and after. */
export function pairsPlot(rows: readonly BeforeAfter<number>[], label: string, alternative: string): Markup {
  const dots = rows.flatMap(({ feature, before, after }) => [
    ...(before === null ? [] : [{ feature: short(feature), value: before, color: BEFORE }]),
    ...(after === null ? [] : [{ feature: short(feature), value: after, color: AFTER }]),
  ])
  const both = rows.filter(({ before, after }) => before !== null && after !== null)
  return svg(
    {
      height: 60 + 19 * rows.length,
      marginLeft: 150,
      marginRight: 14,
      marginTop: 8,
      marginBottom: 42,
      x: { label, ...AXIS },
      y: { label: null, domain: rows.map(({ feature }) => short(feature)), tickSize: 0 },
      marks: [
        Plot.gridX(GRID),
        Plot.ruleX([0], { stroke: 'var(--muted)', strokeOpacity: 0.6 }),
        Plot.ruleY(both, {
          x1: 'before',
          x2: 'after',
          y: (row: BeforeAfter<number>) => short(row.feature),
          stroke: 'var(--line)',
          strokeWidth: 2,
        }),
        Plot.dot(dots, { x: 'value', y: 'feature', fill: 'color', r: 4 }),
      ],
      color: { type: 'identity' },
    },
    alternative,
  )
}

/** Balanced accuracy with its interval, over the band that chance reaches. */
export function probePlot(before: Probe | null, after: Probe | null, what: string): Markup {
  const rows = [
    ...(before === null ? [] : [{ table: 'before', color: BEFORE, ...flat(before) }]),
    ...(after === null ? [] : [{ table: 'after', color: AFTER, ...flat(after) }]),
  ]
  return svg(
    {
      height: 62 + 34 * rows.length,
      marginLeft: 60,
      marginRight: 20,
      marginTop: 8,
      marginBottom: 42,
      x: { label: 'Balanced accuracy, %', domain: [0, 100], ...AXIS },
      y: { label: null, domain: rows.map(({ table }) => table), tickSize: 0 },
      color: { type: 'identity' },
      marks: [
        Plot.barX(rows, { x1: 'chanceLow', x2: 'chanceHigh', y: 'table', fill: 'var(--band)' }),
        Plot.gridX(GRID),
        Plot.ruleY(rows, { x1: 'low', x2: 'high', y: 'table', stroke: 'color', strokeWidth: 3 }),
        Plot.dot(rows, { x: 'value', y: 'table', fill: 'color', r: 5 }),
      ],
    },
    `${what}: ${rows.map(({ table, value, chanceLow, chanceHigh }) => `${table} ${value.toFixed(0)} %, chance ${chanceLow.toFixed(0)} to ${chanceHigh.toFixed(0)} %`).join('; ')}.`,
  )
}

function flat({ balancedAccuracy, interval, chance }: Probe) {
  return {
    value: 100 * balancedAccuracy,
    low: 100 * interval.low,
    high: 100 * interval.high,
    chanceLow: 100 * chance.low,
    chanceHigh: 100 * chance.high,
  }
}

/** Effects of one covariate with their intervals: the features with the largest effect before. */
export function effectPlot({ column, per, features }: CovariateEffect, most: number): Markup {
  const chosen = features
    .toSorted((a, b) => Math.abs(b.before?.value ?? 0) - Math.abs(a.before?.value ?? 0))
    .slice(0, most)
  const rows = chosen.flatMap(({ feature, before, after }) => [
    ...(before === null ? [] : [{ feature: short(feature), which: 'before', color: BEFORE, ...before }]),
    ...(after === null ? [] : [{ feature: short(feature), which: 'after', color: AFTER, ...after }]),
  ])
  return svg(
    {
      height: 60 + 26 * chosen.length,
      marginLeft: 150,
      marginRight: 14,
      marginTop: 8,
      marginBottom: 42,
      x: { label: per === 'sd' ? `Residual SD per SD of ${column}` : `Residual SD, ${column}`, ...AXIS },
      y: { label: null, domain: ['before', 'after'], axis: null },
      fy: { label: null, domain: chosen.map(({ feature }) => short(feature)), axis: 'left', padding: 0.25 },
      color: { type: 'identity' },
      marks: [
        Plot.gridX(GRID),
        Plot.ruleX([0], { stroke: 'var(--muted)', strokeOpacity: 0.6 }),
        Plot.ruleY(rows, {
          x1: 'low',
          x2: 'high',
          y: 'which',
          fy: 'feature',
          stroke: 'color',
          strokeWidth: 1.5,
        }),
        Plot.dot(rows, { x: 'value', y: 'which', fy: 'feature', fill: 'color', r: 3 }),
      ],
    },
    `Effect of ${column} on ${chosen.length} features, before and after, with 95 % intervals.`,
  )
}

/** Two boxes a site: before and after. */
export function boxPlot({ feature, before, after }: BeforeAfter<readonly SiteBox[]>): Markup {
  const rows = [
    ...(before ?? []).map((box) => ({ ...box, which: 'before', color: BEFORE })),
    ...(after ?? []).map((box) => ({ ...box, which: 'after', color: AFTER })),
  ]
  const beyond = rows.flatMap(({ site, which, color, beyond: values }) =>
    values.map((value) => ({ site, which, color, value })),
  )
  const sites = [...new Set(rows.map(({ site }) => site))]
  const half = after === null ? 18 : 30
  return svg(
    {
      height: 48 + half * sites.length,
      marginLeft: 90,
      marginRight: 10,
      marginTop: 6,
      marginBottom: 34,
      x: { label: null, inset: 4, ...AXIS },
      y: {
        label: null,
        domain: after === null ? ['before'] : ['before', 'after'],
        axis: null,
        padding: 0.15,
      },
      fy: {
        label: null,
        domain: sites,
        axis: 'left',
        padding: 0.2,
        tickFormat: (site: string) => short(site, 12),
      },
      color: { type: 'identity' },
      marks: [
        Plot.gridX(GRID),
        Plot.ruleY(rows, { x1: 'low', x2: 'high', y: 'which', fy: 'site', stroke: 'color' }),
        Plot.barX(rows, {
          x1: 'quartile1',
          x2: 'quartile3',
          y: 'which',
          fy: 'site',
          fill: 'var(--paper)',
          stroke: 'color',
        }),
        Plot.tickX(rows, { x: 'median', y: 'which', fy: 'site', stroke: 'color', strokeWidth: 2.5 }),
        Plot.dot(beyond, { x: 'value', y: 'which', fy: 'site', stroke: 'color', r: 1.6 }),
      ],
    },
    `${feature} at ${sites.length} sites: quartiles before and after.`,
  )
}

/** Colours of sites, told apart with and without colour vision by symbols too. */
const COLORS = ['#4269d0', '#c98a00', '#d1493f', '#3f9fa6', '#ff8ab7', '#3ca951', '#9c6b4e', '#8a63d2']
const SYMBOLS = ['circle', 'times', 'triangle', 'square', 'star', 'diamond', 'plus', 'wye'] as const

/** Sites beyond the number of colours change the symbol. */
function styleOf(site: number): { color: string; symbol: (typeof SYMBOLS)[number] } {
  const round = Math.floor(site / COLORS.length)
  return {
    color: COLORS[site % COLORS.length] ?? '#888888',
    symbol: SYMBOLS[(site + round) % SYMBOLS.length] ?? 'circle',
  }
}

/** The rows on two components, by site. */
export function componentsPlot(components: Components, sites: readonly string[], which: string): Markup {
  const [first = 0, second = 0] = components.shares
  const points = components.points.map(({ site, x, y }) => ({ x, y, ...styleOf(sites.indexOf(site)) }))
  return svg(
    {
      height: 320,
      marginLeft: 44,
      marginRight: 10,
      marginTop: 10,
      marginBottom: 42,
      inset: 8,
      x: { label: `Component 1, ${(100 * first).toFixed(0)} % of the variance`, ...AXIS },
      y: { label: `Component 2, ${(100 * second).toFixed(0)} %`, ...AXIS },
      color: { type: 'identity' },
      symbol: { type: 'identity' } as never,
      marks: [
        Plot.frame({ stroke: 'var(--line)' }),
        Plot.dot(points, { x: 'x', y: 'y', stroke: 'color', symbol: 'symbol', r: 3, strokeOpacity: 0.8 }),
      ],
    },
    `Principal components ${which}: ${points.length} rows of ${sites.length} sites.`,
  )
}

export function sitesKey(sites: readonly string[]): Markup {
  return html`<ul class="key">${sites.map((site, k) => html`<li>${symbolOf(styleOf(k))}${site}</li>`)}</ul>`
}

function symbolOf({ color, symbol }: ReturnType<typeof styleOf>): Markup {
  return svg(
    {
      width: 14,
      height: 12,
      margin: 0,
      x: { domain: [-1, 1], axis: null },
      y: { domain: [-1, 1], axis: null },
      marks: [Plot.dot([0], { x: () => 0, y: () => 0, stroke: color, symbol, r: 3.5 })],
    },
    '',
    'swatch',
  )
}

/** Estimates of the features (filled) and the prior (line). */
export function priorPlot({ batch }: BatchPrior, density: PriorDensity, label: string): Markup {
  const points = density.at.map((x, k) => ({
    x,
    estimates: density.estimates[k] ?? 0,
    prior: density.prior?.[k] ?? 0,
  }))
  return svg(
    {
      height: 170,
      marginLeft: 14,
      marginRight: 14,
      marginTop: 8,
      marginBottom: 40,
      x: { label, ...AXIS },
      y: { axis: null },
      marks: [
        Plot.areaY(points, { x: 'x', y: 'estimates', fill: BEFORE, fillOpacity: 0.25 }),
        Plot.line(points, { x: 'x', y: 'estimates', stroke: BEFORE, strokeWidth: 1.5 }),
        density.prior === null
          ? null
          : Plot.line(points, { x: 'x', y: 'prior', stroke: AFTER, strokeWidth: 2, strokeDasharray: '6 3' }),
        Plot.ruleY([0], { stroke: 'var(--line)' }),
      ],
    },
    `${label} at ${batch}: density of the estimates of the features${density.prior === null ? '' : ' and the prior'}.`,
  )
}

/** Long names keep their end, which tells features of one family apart. */
function short(name: string, most = 22): string {
  return name.length <= most ? name : `…${name.slice(1 - most)}`
}
