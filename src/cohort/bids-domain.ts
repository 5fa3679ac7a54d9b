/** Which domain a scan of a BIDS dataset is of: by its session, by a column of a table, or by what its sidecar says of the scanner. */
import type { BidsFile } from '../formats/bids/dataset.ts'
import type { JsonObject } from '../formats/bids/json.ts'
import type { Cells } from '../formats/bids/scan-tables.ts'

export type DomainSource = 'session' | 'fields' | { readonly column: string }

/** What a domain is read from. */
export interface Described {
  readonly file: BidsFile
  readonly sidecar: JsonObject
  readonly cells: Cells
}

/** Sidecar fields that tell scanners apart, in the order in which a domain's name lists them. */
export const SCANNER_FIELDS = [
  'Manufacturer',
  'ManufacturersModelName',
  'MagneticFieldStrength',
  'DeviceSerialNumber',
] as const

/** @returns `undefined` where the scan does not say */
export function domainOf(scan: Described, source: DomainSource): string | undefined {
  if (source === 'session') return scan.file.name.entities['ses']
  if (source === 'fields') return scannerLabel(scan.sidecar)
  const cell = scan.cells[source.column]
  return cell === 'n/a' ? undefined : cell
}

/** `fields` where a sidecar has one of them, otherwise `session`. */
export function defaultSource(scans: readonly Described[]): DomainSource {
  return scans.some(({ sidecar }) => scannerLabel(sidecar) !== undefined) ? 'fields' : 'session'
}

/** Why a scan has no domain, and what to do. */
export function missingDomain(source: DomainSource): { readonly message: string; readonly remedy: string } {
  const others = 'or take the domain from elsewhere: --domain-from session | column:NAME | fields.'
  if (source === 'session')
    return { message: 'The name has no session to take the domain from.', remedy: `Rename it, ${others}` }
  if (source === 'fields')
    return {
      message: `Its sidecars have none of ${SCANNER_FIELDS.join(', ')}.`,
      remedy: `Add them, ${others}`,
    }
  return {
    message: `The column ${source.column} has no value for it.`,
    remedy: `Fill it in in the table of its participant, session or scan, ${others}`,
  }
}

/** In words, with how many scans have each field. */
export function describeSource(source: DomainSource, scans: readonly Described[]): string {
  if (source === 'session') return 'the session of each name'
  if (source !== 'fields') return `the column ${source.column}`
  const counts = SCANNER_FIELDS.map(
    (field) => [field, scans.filter(({ sidecar }) => part(field, sidecar) !== undefined).length] as const,
  )
  const found = counts.filter(([, count]) => count > 0)
  return `the sidecar fields ${found
    .map(([field, count]) => (count === scans.length ? field : `${field} (${count} of ${scans.length})`))
    .join(', ')}`
}

/** `Siemens_Prisma-fit_3T_167006`: a name that needs no quotes in a shell. */
function scannerLabel(sidecar: JsonObject): string | undefined {
  const parts = SCANNER_FIELDS.flatMap((field) => part(field, sidecar) ?? [])
  return parts.length === 0 ? undefined : parts.join('_')
}

function part(field: (typeof SCANNER_FIELDS)[number], sidecar: JsonObject): string | undefined {
  const value = sidecar[field]
  if (field === 'MagneticFieldStrength') {
    const tesla = typeof value === 'string' ? Number.parseFloat(value) : value
    return typeof tesla === 'number' && tesla > 0 ? `${nominalTesla(tesla)}T` : undefined
  }
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  const vendor =
    field === 'Manufacturer' && VENDORS.find((name) => new RegExp(`^${name}\\b`, 'i').test(String(value)))
  if (vendor) return vendor
  const text = String(value)
    .replace(/[^\p{L}\p{N}.]+/gu, '-')
    .replace(/^-|-$/g, '')
  return text === '' || text === 'n-a' ? undefined : text
}

/** Short names, as the converter dcm2niix writes them, of what DICOM files call GE MEDICAL SYSTEMS, SIEMENS, Philips Healthcare ... */
const VENDORS = ['Bruker', 'Canon', 'GE', 'Hitachi', 'Philips', 'Siemens', 'Toshiba', 'UIH']

/** Field strengths that scanners are sold as. One scanner's files say 3 or 2.89362, by its software: within 5 % (chosen) they are one. */
const NOMINAL_TESLA = [0.064, 0.2, 0.35, 0.55, 0.7, 1, 1.2, 1.5, 3, 4.7, 7, 9.4, 10.5, 11.7]

function nominalTesla(tesla: number): number {
  return NOMINAL_TESLA.find((nominal) => Math.abs(tesla / nominal - 1) < 0.05) ?? tesla
}
