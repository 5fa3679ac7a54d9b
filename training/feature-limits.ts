/** What a trained network sees in the scans it was trained on: the limits of its guard. */
import type { Cohort } from '../src/cohort/cohort.ts'
import { loadScan } from '../src/cohort/images.ts'
import { featureLimitsOf, type SeenScan } from '../src/harmonizer/feature-guard.ts'
import { nonFiniteIn } from '../src/harmonizer/image-facts.ts'
import type { DomainLimits } from '../src/harmonizer/manifest.ts'
import { graphsOf, openNetwork } from '../src/harmonizer/networks.ts'
import { toFloat32 } from '../src/volume/volume.ts'
import type { Fitted } from './fit.ts'

/**
 * The limits of every source domain, with those on features where the network has them; images of the target pass through without it.
 * @param cohort that the network was fitted on
 */
export async function withFeatureLimits(
  guards: Readonly<Record<string, DomainLimits>>,
  { scans }: Cohort,
  target: string,
  { model, files }: Pick<Fitted, 'model' | 'files'>,
  onScan: (done: number, total: number) => void,
): Promise<Readonly<Record<string, DomainLimits>>> {
  if (model.kind !== 'residual-unet') return guards
  const seen = new Map<string, SeenScan[]>()
  const network = await openNetwork('the trained network', model, graphsOf(model.kind, files), { threads: 2 })
  try {
    const sources = scans.filter(({ domain }) => domain !== target)
    for (const [index, scan] of sources.entries()) {
      const { subject, domain } = scan
      const { volume, mask, origin } = await loadScan(scan)
      const x = toFloat32(volume)
      const image = { volume, x, mask, nonFinite: nonFiniteIn(x), domain, acquisition: origin.acquisition }
      const { features } = await network.apply({ ...image, profile: 'fast' }, [])
      if (features) seen.set(domain, [...(seen.get(domain) ?? []), { subject, features }])
      onScan(index + 1, sources.length)
    }
  } finally {
    await network.close()
  }
  return Object.fromEntries(
    Object.entries(guards).map(([domain, limits]) => {
      const own = seen.get(domain)
      return [domain, own === undefined ? limits : { ...limits, features: featureLimitsOf(own) }]
    }),
  )
}
