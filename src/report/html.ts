/** Evidence as one HTML file that needs nothing else: no network, no script; what people open first. */
import type { Evidence, Gate, Plane } from '../evidence/evidence.ts'
import { ladderSection } from './ladder.ts'
import { html, type Markup } from './markup.ts'
import { pageOf } from './page.ts'
import { curveKey, curvesPlot, errorPlot, jointPlot, lesionPlot, lossPlot } from './plots.ts'
import { proofSections } from './proof.ts'
import { definitions, fidelityTable, lesionTable, type Table } from './tables.ts'
import { counted, figureOf, figureText, GATES, gain, PICTURES, percent, verdict } from './words.ts'

/** Median contrast kept that passes; drawn as a band. */
export const LESION_BAND = [0.9, 1.1] as const

export function renderHtml(evidence: Evidence): string {
  const { headline, tested } = verdict(evidence)
  const { design, gates } = evidence
  const main = html`<header>
<p class="kicker">attune validation report</p>
<h1>${evidence.title}</h1>
<p class="lead">${headline}</p>
<p class="quiet">${tested}</p>
</header>
<section aria-label="Acceptance criteria">
<ul class="gates">${gates.map(gateItem)}</ul>
</section>
<h2>At a glance</h2>
<p class="quiet">Error left after each method, against the target scan of the same person. The dashed line is what the same person scanned twice differs by; thin lines span the range over pairs, thick ones the 95 % interval of the median. What nothing done leaves is in the tables: raw intensities of two scanners share no scale.</p>
<div class="grid">${design.domains.map((domain) => glance(evidence, domain))}</div>
${proofSections(evidence).map(
  ({ title, meaning, table }) => html`<h2>${title}</h2>
<p class="quiet">${meaning}</p>
${table && dataTable(table)}`,
)}
${design.domains.map((domain) => domainSection(evidence, domain))}
${lesionSection(evidence)}
${ladderSection(evidence)}
${trainingSection(evidence)}
<h2>How it was measured</h2>
<dl>${definitions(evidence).map(([term, meaning]) => html`<dt>${term}</dt><dd>${meaning}</dd>`)}</dl>
<h2>Limits</h2>
<ul>${evidence.limits.map((limit) => html`<li><p>${limit}</p></li>`)}</ul>
${provenanceSection(evidence)}
<footer>Every figure stands in evidence.json and in the tables beside this file. attune is not a medical device, and this report is no clearance of one.</footer>`
  return pageOf(evidence.title, main)
}

function gateItem({ title, status, criterion, finding }: Gate): Markup {
  const { symbol, word } = GATES[status]
  return html`<li class="${status}"><span class="symbol" aria-hidden="true">${symbol}</span><div><strong>${title}:</strong> <span class="word">${word}</span><p>${finding}</p><p class="fine">Criterion: ${criterion}</p></div></li>
`
}

function glance(evidence: Evidence, domain: string): Markup {
  return html`<figure><h3>${domain} to ${evidence.harmonizer.target}</h3>${headlineNumber(evidence, domain)}${errorPlot(evidence, domain)}</figure>
`
}

/** The share of removable error, or where that cannot be known, what was gained on the best weaker method. */
function headlineNumber(evidence: Evidence, domain: string): Markup | undefined {
  const share = figureOf(evidence, domain, evidence.harmonizer.method, 'removable-share')
  if (share?.value !== undefined)
    return html`<p class="share">${figureText(share)}<small>of the removable error removed. ${share.note}</small></p>`
  const gained = gain(evidence, domain)
  if (gained === undefined) return undefined
  const { share: less, rival } = gained
  return html`<p class="share">${percent(Math.abs(less), Math.abs(less) < 0.1 ? 1 : 0)}<small>${less < 0 ? 'more' : 'less'} error than the best weaker method (${rival}). ${share?.note}</small></p>`
}

function domainSection(evidence: Evidence, domain: string): Markup {
  const pictures = evidence.pictures.filter((p) => p.domain === domain)
  const joints = evidence.histograms.filter((j) => j.domain === domain)
  const curves = evidence.curves.filter((c) => c.domain === domain)
  return html`<h2>${domain}</h2>
${dataTable(fidelityTable(evidence, domain))}
${pictures.map(
  ({ subject, window, differenceSpan, planes }) => html`<h3>Slices of ${subject}</h3>
<p class="fine">Every image at one window, ${threeDigits(window.low)} to ${threeDigits(window.high)}. Before is the source with gain and offset matched. Differences from −${threeDigits(differenceSpan)} <span class="bar" role="img" aria-label="blue over black to orange"></span> to +${threeDigits(differenceSpan)}. The patient's right is at the right.</p>
${planes.map((plane) => slices(plane, subject, domain))}`,
)}
<div class="grid">
${joints.map(
  (
    joint,
  ) => html`<figure>${jointPlot(joint, 'before')}<figcaption><strong>Joint histogram, before.</strong> ${joint.subject}; on the diagonal, image and target agree.</figcaption></figure>
<figure>${jointPlot(joint, 'after')}<figcaption><strong>Joint histogram, after.</strong> What width remains holds noise, misregistration and scanner.</figcaption></figure>`,
)}
${curves.map(
  (c) =>
    html`<figure>${curvesPlot(c)}<figcaption><strong>The mapping near ${counted(c.positions.length, 'place')}.</strong> ${c.subject}: median output over input within ${c.positions[0]?.radiusMm ?? 0} mm.</figcaption><ul class="key">${curveKey(c).map(({ label, swatch }) => html`<li>${swatch}${label}</li>`)}</ul></figure>`,
)}
</div>
`
}

function slices({ name, images }: Plane, subject: string, domain: string): Markup {
  return html`<div class="slices">${images.map(
    (image) =>
      html`<figure><img src="data:image/png;base64,${image.png}" width="${image.width}" height="${image.height}" alt="${PICTURES[image.name]}: ${name} slice of ${subject}, ${domain}"><figcaption>${PICTURES[image.name]}</figcaption></figure>`,
  )}</div>
`
}

function lesionSection(evidence: Evidence): Markup | undefined {
  if (evidence.lesions.length === 0) return undefined
  const hidden = evidence.lesions.filter(({ visible }) => !visible).length
  const core = evidence.lesions.filter(({ measured }) => measured === 'core').length
  return html`<h2>Lesions</h2>
<p class="quiet">${counted(evidence.lesions.length, 'lesion')} above 50 mm³. ${hidden} of them the source cannot show (CNR below 1): drawn short and grey, and left out of the percentiles. ${core} vanished under erosion and were measured at their core.</p>
<div class="grid"><figure>${lesionPlot(evidence, LESION_BAND)}<figcaption>One tick per lesion; the median must lie in the green band.</figcaption></figure></div>
${dataTable(lesionTable(evidence))}
`
}

function trainingSection({ training }: Evidence): Markup | undefined {
  if (training === undefined || training.length < 2) return undefined
  return html`<h2>Training</h2>
<div class="grid"><figure>${lossPlot(training)}<figcaption>Loss while training (solid)${training.some((p) => p.validation !== undefined) ? ' and on validation subjects (dashed)' : ''}.</figcaption></figure></div>
`
}

function provenanceSection({ provenance, harmonizer }: Evidence): Markup {
  const facts: readonly (readonly [string, string])[] = [
    ['Command', provenance.command],
    ['Date', provenance.date],
    ['attune', provenance.attune],
    ['Node', provenance.node],
    ...Object.entries(provenance.versions),
    [`Harmonizer ${harmonizer.name}, manifest`, harmonizer.manifestSha256],
    [`Cohort ${provenance.cohort.name}`, provenance.cohort.sha256],
  ]
  return html`<h2>Provenance</h2>
<p class="quiet">Trained on ${counted(harmonizer.trainingSubjects.length, 'subject')}: ${harmonizer.trainingSubjects.join(', ')}.</p>
<dl>${facts.map(([term, value]) => html`<dt>${term}</dt><dd><code>${value}</code></dd>`)}</dl>
<details><summary>${counted(provenance.inputs.length, 'input file')} with SHA-256</summary>
<div class="scroll"><table class="files"><caption>Images, masks and truth as read</caption>
<thead><tr><th scope="col">File</th><th scope="col">SHA-256</th></tr></thead>
<tbody>${provenance.inputs.map(({ name, sha256 }) => html`<tr><td>${name}</td><td><code>${sha256}</code></td></tr>`)}</tbody></table></div></details>
`
}

export function dataTable({ caption, columns, rows, notes }: Table): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>${rows.map(
    ({ label, cells, role }) =>
      html`<tr class="${role}"><th scope="row">${label}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`,
  )}</tbody></table></div>
${notes.map((note) => html`<p class="fine">${note}</p>`)}
`
}

/** Rounded to three digits, without an exponent. */
function threeDigits(value: number): string {
  return String(Number(value.toPrecision(3)))
}
