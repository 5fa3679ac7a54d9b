/** Where evidence enters from a file, it is checked once; past here nobody checks again. */
import * as z from 'zod'
import { InputError } from '../errors.ts'
import { EVIDENCE_SCHEMA, type Evidence } from './evidence.ts'
import { selectionSchema } from './selection.ts'
import { uncertaintyResultSchema } from './uncertainty.ts'

const range = z.strictObject({ low: z.number(), high: z.number() })
const count = z.int().min(0)
const hash = z.string().regex(/^[0-9a-f]{64}$/)
const point = z.tuple([z.number(), z.number(), z.number()])
const base64 = z.base64()

const confidence = z.strictObject({ ...range.shape, families: count })

const figure = z.strictObject({
  domain: z.string(),
  method: z.string(),
  metric: z.enum([
    'mae',
    'psnr',
    'ssim',
    'noise-ratio-target',
    'noise-ratio-source',
    'removable-share',
    'lesion-contrast',
    'fisher-ratio',
    'new-edges',
    'atrophy-kept',
    'reference-change',
    'consistency',
    'round-trip',
  ]),
  value: z.exactOptional(z.number()),
  unit: z.string(),
  interval: z.exactOptional(z.strictObject({ kind: z.enum(['range', 'p10-p90']), ...range.shape })),
  confidence: z.exactOptional(confidence),
  n: count,
  note: z.exactOptional(z.string()),
})

const change = z.strictObject({ before: z.number(), after: z.number() })

const schema = z.strictObject({
  schema: z.literal(EVIDENCE_SCHEMA),
  title: z.string(),
  harmonizer: z.strictObject({
    name: z.string(),
    method: z.string(),
    target: z.string(),
    translation: z.strictObject({ from: z.string(), to: z.string(), caveat: z.string() }).optional(),
    sources: z.array(z.string()),
    trainingSubjects: z.array(z.string()),
    manifestSha256: hash,
  }),
  design: z.strictObject({
    kind: z.enum(['held-out', 'within-subject']),
    subjects: z.array(z.string()),
    domains: z.array(z.string()),
    grid: z.string(),
    mask: z.string(),
    range: z.strictObject({ ...range.shape, meaning: z.string() }),
    rescan: z.string(),
    confidence: z.exactOptional(z.string()),
    tissues: z.exactOptional(z.string()),
  }),
  gates: z.array(
    z.strictObject({
      id: z.string(),
      title: z.string(),
      status: z.enum(['pass', 'fail', 'not-evaluated']),
      criterion: z.string(),
      finding: z.string(),
    }),
  ),
  figures: z.array(figure),
  pairs: z.array(
    z.strictObject({
      subject: z.string(),
      domain: z.string(),
      sourceSession: z.string(),
      targetSession: z.string(),
      method: z.string(),
      voxels: count,
      mae: z.number(),
      psnr: z.exactOptional(z.number()),
      ssim: z.number(),
      noiseSd: z.exactOptional(z.number()),
      targetNoiseSd: z.exactOptional(z.number()),
      newEdges: z.exactOptional(z.number()),
      roundTrip: z.exactOptional(z.number()),
    }),
  ),
  lesions: z.array(
    z.strictObject({
      subject: z.string(),
      domain: z.string(),
      lesion: z.int(),
      volumeMm3: z.number(),
      measured: z.enum(['eroded', 'core']),
      sourceCnr: z.number(),
      visible: z.boolean(),
      kept: z.record(z.string(), z.number()),
    }),
  ),
  pictures: z.array(
    z.strictObject({
      domain: z.string(),
      subject: z.string(),
      window: range,
      differenceSpan: z.number(),
      planes: z.array(
        z.strictObject({
          name: z.enum(['axial', 'coronal', 'sagittal']),
          images: z.array(
            z.strictObject({
              name: z.enum(['before', 'after', 'target', 'difference-before', 'difference-after']),
              width: count,
              height: count,
              png: base64,
            }),
          ),
        }),
      ),
    }),
  ),
  histograms: z.array(
    z.strictObject({
      domain: z.string(),
      subject: z.string(),
      bins: count,
      range,
      before: z.array(count),
      after: z.array(count),
    }),
  ),
  curves: z.array(
    z.strictObject({
      domain: z.string(),
      subject: z.string(),
      positions: z.array(
        z.strictObject({
          label: z.string(),
          at: point,
          radiusMm: z.number(),
          input: z.array(z.number()),
          output: z.array(z.number()),
        }),
      ),
    }),
  ),
  training: z.exactOptional(
    z.array(z.strictObject({ step: count, loss: z.number(), validation: z.exactOptional(z.number()) })),
  ),
  selection: z.exactOptional(selectionSchema),
  ladder: z.exactOptional(z.array(z.strictObject({ method: z.string(), rung: count }))),
  separations: z.exactOptional(
    z.array(
      z.strictObject({
        subject: z.string(),
        domain: z.string(),
        session: z.string(),
        method: z.string(),
        tissues: z.tuple([count, count]),
        voxels: count,
        fisher: z.number(),
        targetFisher: z.number(),
      }),
    ),
  ),
  probe: z.exactOptional(
    z.strictObject({
      scanners: z.array(z.string()),
      scans: count,
      families: count,
      features: z.array(z.string()),
      results: z.array(
        z.strictObject({
          method: z.string(),
          training: z.enum(['frozen', 'retrained']),
          accuracy: z.number(),
          chance: range,
          p: z.number(),
        }),
      ),
      note: z.exactOptional(z.string()),
    }),
  ),
  identification: z.exactOptional(
    z.strictObject({
      subjects: count,
      results: z.array(
        z.strictObject({
          method: z.string(),
          scans: count,
          rankOne: z.number(),
          confidence: z.exactOptional(confidence),
          self: z.number(),
          others: z.number(),
        }),
      ),
      note: z.exactOptional(z.string()),
    }),
  ),
  atrophy: z.exactOptional(
    z.array(
      z.strictObject({
        subject: z.string(),
        domain: z.string(),
        session: z.string(),
        tissue: count,
        regionMl: z.number(),
        percent: z.number(),
        kept: z.number(),
      }),
    ),
  ),
  referenceChanges: z.exactOptional(
    z.array(z.strictObject({ subject: z.string(), session: z.string(), value: z.number() })),
  ),
  consistency: z.exactOptional(
    z.array(
      z.strictObject({
        subject: z.string(),
        domain: z.string(),
        sessions: z.tuple([z.string(), z.string()]),
        before: z.number(),
        after: z.number(),
      }),
    ),
  ),
  unseen: z.exactOptional(
    z.array(
      z.strictObject({
        domain: z.string(),
        refusal: z.exactOptional(z.string()),
        figures: z.array(figure),
      }),
    ),
  ),
  uncertainty: z.exactOptional(uncertaintyResultSchema),
  units: z.exactOptional(
    z.array(
      z.strictObject({
        subject: z.string(),
        domain: z.string(),
        session: z.string(),
        unit: z.enum(['HU', 'SUVbw']),
        regions: z.array(z.strictObject({ name: z.string(), voxels: count, ...change.shape })),
        extremes: z.strictObject({ voxels: count, changed: count }),
        suv: z.exactOptional(z.strictObject({ sum: change, max: change, peak: change })),
      }),
    ),
  ),
  provenance: z.strictObject({
    attune: z.string(),
    node: z.string(),
    command: z.string(),
    date: z.string(),
    cohort: z.strictObject({ name: z.string(), sha256: hash }),
    inputs: z.array(
      z.strictObject({
        subject: z.string(),
        domain: z.string(),
        session: z.string(),
        name: z.string(),
        sha256: hash,
      }),
    ),
    versions: z.record(z.string(), z.string()),
  }),
  limits: z.array(z.string()),
})

/**
 * @param source where `input` came from, for the message
 * @throws {InputError} with every place that does not fit the schema
 */
export function parseEvidence(input: unknown, source: string): Evidence {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  throw new InputError(
    `${source} is not ${EVIDENCE_SCHEMA}:\n${z.prettifyError(result.error)}`,
    'Give the evidence.json that attune validate wrote.',
  )
}
