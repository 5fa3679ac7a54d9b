/** How an image was acquired, as far as the file beside it says so: what a network may read beside the image itself. */

/** Field strength in tesla, times in seconds, flip angle in degrees. */
export interface Acquisition {
  readonly fieldStrength?: number
  readonly repetitionTime?: number
  readonly echoTime?: number
  readonly inversionTime?: number
  readonly flipAngle?: number
}

/** Where an image comes from, as far as a mapping asks. */
export interface Origin {
  readonly domain: string
  readonly acquisition: Acquisition
}

/** BIDS names. @see BIDS specification 1.10, appendix "Glossary of objects", metadata of MRI */
const KEYS: Readonly<Record<keyof Acquisition, string>> = {
  fieldStrength: 'MagneticFieldStrength',
  repetitionTime: 'RepetitionTime',
  echoTime: 'EchoTime',
  inversionTime: 'InversionTime',
  flipAngle: 'FlipAngle',
}

/** Fields that are absent, no numbers, or not positive are left out. */
export function acquisitionOf(sidecar: Readonly<Record<string, unknown>>): Acquisition {
  const known = Object.entries(KEYS).flatMap(([name, key]) => {
    const value = sidecar[key]
    return typeof value === 'number' && Number.isFinite(value) && value > 0 ? [[name, value] as const] : []
  })
  return Object.fromEntries(known)
}
