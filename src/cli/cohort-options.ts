/** Options of every command that takes a cohort: how a BIDS dataset is read. */
import type { DomainSource } from '../cohort/bids-domain.ts'
import type { CohortOptions } from '../cohort/manifest.ts'
import { ConfigError } from '../errors.ts'
import { type CommonOptions, remarks } from './output.ts'

export interface CohortFlags {
  readonly suffix: string | undefined
  readonly 'domain-from': string | undefined
}

export const COHORT_FLAGS = {
  suffix: { type: 'string', describe: 'Of a BIDS dataset: which images, such as T2w or acq-fast_T1w [T1w]' },
  'domain-from': {
    type: 'string',
    describe: 'Of a BIDS dataset: session, column:NAME or fields (of the scanner) [fields where there are]',
  },
} as const

/** @throws {ConfigError} for a `--domain-from` that is none of the three */
export function cohortOptions(options: CohortFlags & CommonOptions): CohortOptions {
  const { suffix, 'domain-from': from } = options
  return {
    ...(suffix !== undefined && { suffix }),
    ...(from !== undefined && { domainFrom: domainSource(from) }),
    onNote: remarks(options),
  }
}

function domainSource(text: string): DomainSource {
  if (text === 'session' || text === 'fields') return text
  const column = /^column:(.+)$/.exec(text)?.[1]
  if (column !== undefined) return { column }
  throw new ConfigError(`--domain-from is "${text}".`, 'Give session, fields, or column:NAME.')
}
