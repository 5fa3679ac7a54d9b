import { describe, expect, it } from 'vitest'
import type { Scan } from '../cohort/cohort.ts'
import { InputError } from '../errors.ts'
import type { Visit } from './joint.ts'
import { visitsOf } from './visits.ts'

const scan = (subject: string, domain: string, session: string): Scan => ({
  ...{ subject, domain, session, image: `${subject}-${domain}-${session}.nii` },
  truth: {},
  covariates: {},
})
const [first, second, third] = ['1', '2', '3'].map((session) => scan('anna', 'A', session)) as [
  Scan,
  Scan,
  Scan,
]
const elsewhere = scan('anna', 'B', '1')
const target = [scan('anna', 'T', '1'), scan('anna', 'T', '2')] as const
const someone = scan('ben', 'A', '1')
const cohort = { source: 'here', scans: [first, someone, second, elsewhere, third, ...target] }
const given = ({ session }: Scan): Visit => ({
  kind: 'values',
  values: Float32Array.of(Number(session)),
  scale: 1,
})

describe('visits of one person on one scanner', () => {
  it('share with each other, and not with other people, scanners or the target', async () => {
    const visits = visitsOf(cohort, 'T', async (one) => given(one))
    expect((await visits.sharedBy(first))?.visits).toEqual([given(second), given(third)])
    expect((await visits.sharedBy(third))?.visits).toEqual([given(first), given(second)])
    for (const alone of [someone, elsewhere, ...target]) expect(await visits.sharedBy(alone)).toBeUndefined()
  })

  it('are looked at once, however many of them ask', async () => {
    const looked: string[] = []
    const visits = visitsOf(cohort, 'T', async (one) => {
      looked.push(one.session)
      return given(one)
    })
    for (const one of [first, second, third]) await visits.sharedBy(one)
    expect(looked).toEqual(['1', '2', '3'])
  })

  it('have no say where they are refused or cannot be read', async () => {
    const visits = visitsOf(cohort, 'T', async (one) => {
      if (one === second) throw new InputError('It is damaged.', 'Copy it again.')
      return given(one)
    })
    expect((await visits.sharedBy(first))?.visits).toEqual([given(third)])
  })
})
