/** What the demo found, in the words of a terminal: figures, what they mean, and what they do not. */
import type { Evidence, Metric } from '../evidence/evidence.ts'
import { figureOf, figureText, gain, verdict } from '../report/words.ts'
import type { DemoResult, Study } from './demo-steps.ts'

export function summary({ engine, steps, images, unseen, real }: DemoResult, seconds: number): string {
  return [
    '',
    'Two digital heads that training has not seen:',
    ...unseen.evidence.design.domains.flatMap((domain) => domainLines(unseen.evidence, domain)),
    `  ${verdict(unseen.evidence).headline}`,
    '  Simulated scanners: this shows that the machinery works, not how well it does on yours.',
    '',
    'The right half of a real head, after training on its left half:',
    ...real.evidence.design.domains.flatMap((domain) => domainLines(real.evidence, domain)),
    `  ${verdict(real.evidence).headline}`,
    '  One person, one acquisition: this shows that the mapping carries over to other places, not to other people.',
    '',
    `Done in ${duration(seconds)} with ${steps} training steps on the engine ${engine}.`,
    `Images:  ${images.join('\n         ')}`,
    `Reports: ${reportLine(unseen)}\n         ${reportLine(real)}`,
  ].join('\n')
}

function domainLines(evidence: Evidence, domain: string): string[] {
  const { method } = evidence.harmonizer
  const text = (of: string, metric: Metric): string | undefined => {
    const figure = figureOf(evidence, domain, of, metric)
    return figure?.value === undefined ? undefined : figureText(figure)
  }
  const floor = text('rescan', 'mae')
  const share = text(method, 'removable-share')
  const better = gain(evidence, domain)
  const parts = [
    `  ${domain}: error ${text('zscore', 'mae')} -> ${text(method, 'mae')}`,
    floor === undefined ? '' : ` (scanned twice: ${floor})`,
    share === undefined ? '' : `, ${share} of the removable error`,
    `; SSIM ${text('zscore', 'ssim')} -> ${text(method, 'ssim')}`,
  ]
  if (better === undefined) return [parts.join('')]
  const less = Math.round(100 * better.share)
  const compared = less >= 0 ? `${less} % less error` : `${-less} % more error`
  return [parts.join(''), `    ${compared} than the best weaker method: ${better.rival}`]
}

function reportLine({ report, evidence: { design } }: Study): string {
  return `${report} (${design.kind})`
}

function duration(seconds: number): string {
  const whole = Math.round(seconds)
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}
