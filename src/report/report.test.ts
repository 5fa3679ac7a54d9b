import { parseHTML } from 'linkedom'
import { describe, expect, it } from 'vitest'
import type { Evidence } from '../evidence/evidence.ts'
import { renderHtml } from './html.ts'
import { renderMarkdown } from './markdown.ts'
import { summaryText } from './summary.ts'
import { tsvFiles } from './tables.ts'

const hash = 'b'.repeat(64)
const hostile = '<script>alert(1)</script> & "A|B" `x`'
const png = 'iVBORw0KGgo='
const evidence: Evidence = {
  schema: 'attune-evidence/1',
  title: hostile,
  harmonizer: {
    name: 'b',
    method: 'local-tone',
    target: 'B',
    sources: ['A'],
    trainingSubjects: ['s1'],
    manifestSha256: hash,
  },
  design: {
    kind: 'held-out',
    subjects: ['s2'],
    domains: [hostile],
    grid: 'source',
    mask: 'given',
    range: { low: 0, high: 10, meaning: 'percentiles' },
    rescan: 'none',
  },
  gates: [
    { id: 'error', title: 'Closer', status: 'pass', criterion: 'less', finding: 'is less' },
    {
      id: 'lesions',
      title: 'Lesion contrast kept',
      status: 'fail',
      criterion: '0.9 to 1.1',
      finding: 'median 0.70',
    },
    { id: 'noise', title: 'Noise', status: 'not-evaluated', criterion: 'some', finding: hostile },
  ],
  figures: [
    { domain: hostile, method: 'zscore', metric: 'mae', value: 0.2, unit: 'range', n: 2 },
    {
      domain: hostile,
      method: 'local-tone',
      metric: 'mae',
      value: 0.1,
      unit: 'range',
      n: 2,
      interval: { kind: 'range', low: 0.05, high: 0.2 },
      confidence: { low: 0.07, high: 0.16, families: 2 },
    },
    {
      domain: hostile,
      method: 'local-tone',
      metric: 'removable-share',
      value: 0.67,
      unit: '1',
      n: 2,
      note: hostile,
    },
    { domain: hostile, method: 'rescan', metric: 'mae', value: 0.03, unit: 'range', n: 2 },
    {
      domain: hostile,
      method: 'local-tone',
      metric: 'lesion-contrast',
      value: 0.7,
      unit: '1',
      n: 1,
      interval: { kind: 'p10-p90', low: 0.6, high: 0.8 },
    },
  ],
  pairs: [
    {
      subject: 's\t2',
      domain: hostile,
      sourceSession: '1',
      targetSession: '1',
      method: 'local-tone',
      voxels: 9,
      mae: 0.123456789,
      ssim: 0.9,
    },
  ],
  lesions: [
    {
      subject: 's2',
      domain: hostile,
      lesion: 1,
      volumeMm3: 60,
      measured: 'core',
      sourceCnr: 2,
      visible: true,
      kept: { 'local-tone': 0.7 },
    },
  ],
  pictures: [
    {
      domain: hostile,
      subject: hostile,
      window: { low: 0, high: 10 },
      differenceSpan: 2,
      planes: [{ name: 'axial', images: [{ name: 'before', width: 1, height: 1, png }] }],
    },
  ],
  histograms: [
    {
      domain: hostile,
      subject: 's2',
      bins: 2,
      range: { low: 0, high: 10 },
      before: [1, 0, 0, 1],
      after: [2, 0, 0, 2],
    },
  ],
  curves: [
    {
      domain: hostile,
      subject: 's2',
      positions: [{ label: hostile, at: [1, 2, 3], radiusMm: 18, input: [1, 2, 3], output: [2, 4, 6] }],
    },
  ],
  ladder: [
    { method: 'zscore', rung: 1 },
    { method: 'local-tone', rung: 4 },
  ],
  separations: [
    {
      subject: 's2',
      domain: hostile,
      session: '1',
      method: 'local-tone',
      tissues: [1, 2],
      voxels: 900,
      fisher: 3.25,
      targetFisher: 4,
    },
  ],
  probe: {
    scanners: ['A', 'B'],
    scans: 20,
    families: 5,
    features: ['mean'],
    results: [
      { method: 'identity', training: 'retrained', accuracy: 1, chance: { low: 0.3, high: 0.7 }, p: 0.005 },
      { method: 'local-tone', training: 'frozen', accuracy: 0.45, chance: { low: 0.3, high: 0.7 }, p: 0.6 },
      {
        method: 'local-tone',
        training: 'retrained',
        accuracy: 0.85,
        chance: { low: 0.3, high: 0.7 },
        p: 0.01,
      },
    ],
  },
  identification: {
    subjects: 5,
    results: [
      {
        method: 'local-tone',
        scans: 10,
        rankOne: 0.9,
        confidence: { low: 0.7, high: 1, families: 5 },
        self: 0.95,
        others: 0.4,
      },
    ],
  },
  unseen: [
    {
      domain: 'C',
      refusal: hostile,
      figures: [{ domain: 'C', method: 'zscore', metric: 'mae', value: 0.31, unit: 'range', n: 3 }],
    },
  ],
  training: [
    { step: 1, loss: 0.5 },
    { step: 2, loss: 0.1 },
  ],
  provenance: {
    attune: '0.1.0',
    node: '20',
    command: hostile,
    date: '2026-01-01',
    cohort: { name: hostile, sha256: hash },
    inputs: [{ subject: 's2', domain: 'A', session: '1', name: hostile, sha256: hash }],
    versions: {},
  },
  limits: [hostile],
}

describe('report.html', () => {
  const page = renderHtml(evidence)
  const { document } = parseHTML(page)

  it('needs no network and runs no script, whatever the data say', () => {
    expect(document.querySelectorAll('script')).toHaveLength(0)
    for (const element of document.querySelectorAll('*'))
      for (const { name, value } of element.attributes)
        if (/^(?:xlink:)?(?:src|href|srcset|action|data)$/.test(name))
          expect(value).toMatch(/^data:image\/png;/)
    expect(page).not.toMatch(/@import|url\(/)
    expect(page.replaceAll(/xmlns(:\w+)?="[^"]*"/g, '')).not.toMatch(/https?:\/\//)
    expect(page).toContain("default-src 'none'")
  })

  it('escapes every text of the data', () => {
    expect(page).not.toContain('<script>')
    expect(document.querySelector('h1')?.textContent).toBe(hostile)
    expect(document.querySelector('code')?.textContent).toBe(hostile)
  })

  it('says in words and symbols, not by colour alone, which criteria are met', () => {
    const gates = [...document.querySelectorAll('.gates li')].map((li) => li.textContent)
    expect(gates[0]).toMatch(/✓.*Closer: met/s)
    expect(gates[1]).toMatch(/✕.*Lesion contrast kept: missed/s)
    expect(gates[2]).toMatch(/–.*Noise: not evaluated/s)
    expect(document.querySelector('.lead')?.textContent).toBe(
      '1 criterion missed: Lesion contrast kept. 1 criterion could not be evaluated.',
    )
  })

  it('gives pictures, plots and tables an alternative in text', () => {
    for (const image of document.querySelectorAll('img')) expect(image.getAttribute('alt')).toMatch(/\w/)
    const plots = [...document.querySelectorAll('svg.plot')]
    expect(plots).toHaveLength(6)
    for (const plot of plots) {
      expect(plot.getAttribute('role')).toBe('img')
      expect(plot.getAttribute('aria-label')).toMatch(/\w/)
      expect(plot.querySelectorAll('[role], [aria-label]')).toHaveLength(0)
    }
    for (const table of document.querySelectorAll('table')) {
      expect(table.querySelector('caption')?.textContent).toMatch(/\w/)
      for (const th of table.querySelectorAll('th')) expect(th.getAttribute('scope')).toMatch(/row|col/)
    }
  })
})

describe('report.md, tables and terminal', () => {
  it('carry the same figures as the page', () => {
    const markdown = renderMarkdown(evidence)
    for (const text of [markdown, summaryText(evidence), renderHtml(evidence)]) {
      expect(text).toContain('67 %')
      expect(text).toContain('20.0 %')
      expect(text).toContain('missed')
    }
    expect(markdown.replaceAll(/^- Command: `.*`$/gm, '')).not.toMatch(/(?<!\\)<script/)
    expect(markdown).not.toMatch(/^\|.*A\|B/m)
  })

  it('keep every digit in TSV, one row a pair, n/a where nothing was measured', () => {
    const [head, row, end] = (tsvFiles(evidence)['pairs.tsv'] ?? '')
      .split('\n')
      .map((line) => line.split('\t'))
    expect(row).toHaveLength(head?.length ?? 0)
    expect(row?.slice(0, 1)).toEqual(['s 2'])
    expect(row?.[head?.indexOf('mae') ?? -1]).toBe('0.123456789')
    expect(row?.[head?.indexOf('psnr') ?? -1]).toBe('n/a')
    expect(end).toEqual([''])
  })

  it('weigh the proof in sentences: what the probe names, whom scans find, which scanner is refused', () => {
    for (const text of [renderMarkdown(evidence), parseHTML(renderHtml(evidence)).document.toString()]) {
      expect(text).toMatch(
        /names the scanner of 85 % of those of other people \(before: 100 %; by chance 30 % to 70 %\)/,
      )
      expect(text).toContain('something of the scanner is left')
      expect(text).toContain('10.0 % (7.0 to 16.0)')
      expect(text).toContain('0.550')
      expect(text).toMatch(/Their scans were refused \(C: /)
      expect(text).toContain('31.0 %')
    }
    expect(tsvFiles(evidence)['separations.tsv']).toMatch(/\t1\t2\t900\t3\.25\t4\n$/)
  })

  it('say why the probe and the search for people were not done', () => {
    const note = 'Too few people.'
    const { probe, identification, ...rest } = evidence
    if (probe === undefined || identification === undefined) throw new TypeError('both are given above')
    const text = renderMarkdown({
      ...rest,
      probe: { ...probe, results: [], note },
      identification: { subjects: 1, results: [], note },
    })
    expect(text.match(/Not evaluated\. Too few people\./g)).toHaveLength(2)
  })

  it('bear evidence from before these were measured', () => {
    const { ladder: _l, separations: _s, probe: _p, identification: _i, unseen: _u, ...old } = evidence
    expect(renderHtml(old)).not.toContain('Can the scanner still be told?')
    expect(renderMarkdown(old)).not.toContain('The ladder')
  })
})
