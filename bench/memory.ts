/** Peak memory of the whole `attune apply` command from small to large volumes, beside peers that do the same. Needs dist. */
import { join } from 'node:path'
import { MissingError } from '../src/errors.ts'
import { readNifti } from '../src/formats/nifti/read.ts'
import { writeNifti } from '../src/formats/nifti/write.ts'
import type { Method } from '../src/harmonizer/method.ts'
import { packageFile } from '../src/package-root.ts'
import { train } from '../training/train.ts'
import { largeHead, onShape, smallCohort } from './apply.ts'
import { type Cost, costOf, costOfPython, leastOf } from './process-cost.ts'
import { fixed, publish, say } from './result.ts'
import { workplace } from './workplace.ts'

const SHAPES = [
  [128, 128, 128],
  [192, 256, 256],
  [256, 256, 256],
  [320, 320, 320],
] as const
const METHODS: readonly Method[] = ['zscore', 'nyul', 'local-tone']
const RUNS = 2

/** Image in, image out as float32 .nii.gz; masks are what each finds by itself. */
const PEERS: Readonly<Record<string, string>> = {
  'intensity-normalization zscore': `
import nibabel, numpy
from intensity_normalization.adapters.images import create_image
from intensity_normalization.normalizers.individual.zscore import ZScoreNormalizer
def normalize(x):
    image = create_image(x)
    return ZScoreNormalizer().fit(image, None).transform(image, None).get_data()
`,
  'intensity-normalization nyul': `
import nibabel, numpy
from intensity_normalization.adapters.images import create_image
from intensity_normalization.normalizers.population.nyul import NyulNormalizer
def normalize(x):
    image = create_image(x)
    learned = NyulNormalizer().fit_population([image], None)
    return learned.transform(image, None).get_data()
`,
  'torchio HistogramStandardization': `
import nibabel, numpy, torchio
def normalize(x):
    landmarks = numpy.percentile(x[x > x.mean()], [1, 10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90, 99])
    subject = torchio.Subject(t1=torchio.ScalarImage(tensor=x[None]))
    method = torchio.HistogramStandardization({"t1": landmarks}, masking_method=torchio.ZNormalization.mean)
    return method(subject).t1.data[0].numpy()
`,
}
const RUN_PEER = `
if len(sys.argv) > 1:
    source, output = sys.argv[1:]
    nibabel.openers.Opener.default_compresslevel = 1
    image = nibabel.load(source)
    x = numpy.asanyarray(image.dataobj).astype(numpy.float32)
    nibabel.save(nibabel.Nifti1Image(numpy.asarray(normalize(x), dtype=numpy.float32), image.affine), output)
`

export async function memory(words: readonly string[]): Promise<void> {
  const python = process.env['ATTUNE_PYTHON']
  if (python === undefined)
    throw new MissingError(
      'ATTUNE_PYTHON is not set, and the peers are written in Python.',
      'Name an interpreter that has test/goldens/methods.requirements.txt installed.',
    )
  const inputs = await images()
  const cohort = await smallCohort()
  const main = packageFile('dist/src/cli/main.js')
  const output = join(workplace, 'memory-out.nii.gz')
  const rows: string[][] = []
  for (const method of METHODS) {
    const bundle = join(workplace, `memory-${method}.harmonizer`)
    const options = { cohort, target: 'scanner-A', method, out: bundle, overwrite: true }
    await train(method === 'local-tone' ? { ...options, config: { steps: 5 } } : options)
    const rest = [output, '--source', 'scanner-B', '--overwrite', '--quiet', '--force']
    rows.push(
      row('attune', method, costOf([main, '--help']), (input) =>
        costOf([main, 'apply', bundle, input, ...rest]),
      ),
    )
  }
  for (const [name, program] of Object.entries(PEERS)) {
    const [peer = '', method = ''] = name.split(' ')
    const run = (words: readonly string[]): Cost => costOfPython(python, program + RUN_PEER, words)
    rows.push(row(peer, method, run([]), (input) => run([input, output])))
  }
  await publish('memory', 'Peak memory of applying, by size of the volume', words, [
    {
      columns: ['program', 'method', 'start-up, MiB', ...SHAPES.map((shape) => `${shape.join(' x ')}, MiB`)],
      rows,
      notes: [
        `Peak resident memory of the whole process, least of ${RUNS} runs: int16 .nii.gz in, float32 .nii.gz out; in brackets what lies above start-up, in float32 volumes. Start-up of attune is that of its help; what it loads later counts as memory of the volume.`,
        `float32 volumes: ${SHAPES.map((shape) => `${fixed(floatMiB(shape), 0)} MiB`).join(', ')}.`,
      ],
    },
  ])

  function row(program: string, method: string, start: Cost, run: (input: string) => Cost): string[] {
    say(`${program} ${method}`)
    const cells = SHAPES.map((shape, k) => {
      const { peak } = leastOf(Array.from({ length: RUNS }, () => run(inputs[k] as string)))
      return `${fixed(peak, 0)} (${fixed((peak - start.peak) / floatMiB(shape), 1)} x)`
    })
    return [program, method, fixed(start.peak, 0), ...cells]
  }
}

const floatMiB = (shape: readonly number[]): number => (4 * shape.reduce((a, b) => a * b, 1)) / 2 ** 20

/** One head, cropped or padded to each size. */
async function images(): Promise<string[]> {
  const { volume } = await readNifti(await largeHead())
  const paths: string[] = []
  for (const shape of SHAPES) {
    const path = join(workplace, `memory-${shape[0]}-${shape[1]}.nii.gz`)
    await writeNifti(path, onShape(volume, shape), { dtype: 'same' })
    paths.push(path)
  }
  return paths
}
