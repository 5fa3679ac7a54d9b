/** `card.md` of a universal harmonizer: what it maps from, what to, what it never saw. */
import type { UniversalContrast } from '../src/domain/universal-contrast.ts'
import type { Manifest } from '../src/harmonizer/manifest.ts'
import { shippedBundle } from '../src/harmonizer/shipped.ts'
import { CURVES_OF_PASS } from '../src/inference/local-tone-model.ts'
import type { UniversalRun } from './universal-run.ts'

export function universalCard(
  run: UniversalRun,
  { guards, training, target }: Omit<Manifest, 'files'>,
): string {
  const { contrast, network, passes, tone, expected } = run
  const groups = Object.entries(guards).map(
    ([name, { scans, result }]) =>
      `| ${name} | ${scans} | ${result?.histogram.most} | ${result?.radial.most} |`,
  )
  const unlike = Object.values(guards)[0]?.unlikeness
  return `# ${run.name}

Brings ${WORDS[contrast].images} of heads from any scanner to \`${target}\`, without traveling subjects.

    attune apply ${shippedBundle(run.name) ? run.name : `${run.name}.harmonizer`} IN.nii.gz OUT.nii.gz

## Method

\`local-tone\` (rung 4 of the ladder): increasing curves of intensity that vary smoothly over the head, predicted from the image alone. At one
place it keeps the order of intensities, so that it can neither draw nor erase anatomy. Local slopes lie within a factor ${network.slopeRatio} of the mean
curve's; curves change over space by at most ${100 * network.changePerMm} % of the reference's tissue median per mm, which the coverage of a surface coil asks for.
Sharpness and noise are not changed, other than by the slope of the curve.${passes > 1 ? severalPasses(passes) : ''}${tone ? tonePass(tone.slopeRatio, passes + 1) : ''}

## The domain \`${target}\`

${WORDS[contrast].domain}
Relaxation times and water content are those of data/generators/tissues.ts; flip angles are as nominal everywhere; linear, no noise. It has the
sharpness of the image that comes in: there is no scanner of this name to buy.

## What it was trained on

- Simulated scans only: ${training.pairs} scans of ${passes * run.heads + (tone?.heads ?? 0)} digital heads drawn from ${run.anatomies.length} base anatomies (${run.anatomies.join(', ')}), every scan on a
  scanner drawn for it alone. No real image was used.
- Drawn anew for each scan: field (0.55, 1.5, 3, 7 T), sequence (${WORDS[contrast].sequences}) with TR, TE, TI, flip angle,
  train; transmit field; receive sensitivity with and without prescan normalisation (95th over 5th percentile 1.05 to 6.5); point spread 0.9 to 5.5 mm;
  signal to noise 12 to 80; response; gain; whole, defaced or brain alone.
- Lesions of white matter in half of the heads; ventricles from a third less to nearly twice as large.
- Seed ${training.seed}, engine ${training.engine}; run \`training/runs/${run.name}.json\`${expected ? `, final loss near ${expected.loss}, ${expected.time}` : ''}.

## What it was not trained on

Children, ${WORDS[contrast].atrophy}, tumours, stroke, haemorrhage, metal, contrast agent, motion, other organs, other contrasts, fields below 0.55 T, images that another program
has changed in a way that a scanner does not (clipped, equalised, filtered). Where the guards do not notice, nothing is known of what comes out.

## Limits that are enforced

What comes out must look like the simulated scans after harmonization (distance of the shape of its histogram, and of its contrast from the middle to
the rim, in the box of 192 x 240 x 192 mm):

| shows | scans | histogram up to | contrast up to |
|---|---|---|---|
${groups.join('\n')}

${unlike === undefined ? '' : `What single tissues show deep in the head before the last pass may be up to ${unlike} away from what they showed in training (\`unlikeness\` of \`${CURVES_OF_PASS[passes]}\`). `}Any positive gain; voxel edges 0.5 to 6 mm; the field of view of a head, with little cut off but the neck; magnitude images without a physical unit.

## Evidence

docs/decisions/0009-universal.md and 0018-tone-pass.md in the repository say what was measured on unseen digital scanners and on real heads, and what is missed. The bench is \`npm run bench -- universal\`.
\`evidence.json\` holds the course of training.

## Intended use

Research. Not a medical device: not for diagnosis. Where traveling subjects exist, train on them: \`attune train --from universal\` starts from this network.
`
}

const WORDS: Readonly<
  Record<UniversalContrast, Readonly<Record<'images' | 'domain' | 'sequences' | 'atrophy', string>>>
> = {
  T1w: {
    images: 'T1-weighted images',
    domain: `What an MPRAGE at 3 T shows with even sensitivity: inversion time 950 ms, cycle 2300 ms, echo time 3 ms, flip angle 8 degrees, 176
pulses 7.3 ms apart; white matter at 1000.`,
    sequences: 'MPRAGE, IR-SPGR, TFE, spoiled gradient echo, spin echo',
    atrophy: 'atrophied brains (the mean of one comes out 3 % too bright: bench/results/universal-unseen.md)',
  },
  T2w: {
    images: 'T2-weighted images',
    domain: `What a turbo spin echo at 3 T shows with even sensitivity: repetition time 5600 ms, echo time 95 ms, 14 echoes 11 ms apart, refocusing by 150
degrees; grey matter at 1000.`,
    sequences: 'turbo spin echo',
    atrophy: 'atrophied brains',
  },
}

function severalPasses(passes: number): string {
  return `

${passes} such passes follow one another, each over what the one before has made, within the same bounds. Each after the first was trained on what those before it left of heads and scans
of its own: curves between which strong shading is interpolated miss what lies between them. \`network.onnx\` holds all passes, \`curves.onnx\`, \`curves-2.onnx\` and so on one each.`
}

function tonePass(slopeRatio: number, pass: number): string {
  return `

The last pass (\`${CURVES_OF_PASS[pass - 1]}\`) is one curve for the whole image, with slopes within a factor ${slopeRatio}. It is read from where single tissues stand in even blocks of 6 mm deep in the head, whatever there is of each, and
was trained on heads with layers of other thickness, too: passes of local curves take a brain with more fluid for another tone (docs/decisions/0018-tone-pass.md).`
}
