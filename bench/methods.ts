/** Every method that needs no network on one head of 192 x 256 x 256, beside its peers in Python, each in a process of its own. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { MissingError } from '../src/errors.ts'
import { readNifti } from '../src/formats/nifti/read.ts'
import { writeNifti } from '../src/formats/nifti/write.ts'
import { METHODS } from '../src/harmonizer/ladder.ts'
import type { Method } from '../src/harmonizer/method.ts'
import { packageFile } from '../src/package-root.ts'
import { foregroundMask } from '../src/volume/mask.ts'
import { toFloat32, volumeOf } from '../src/volume/volume.ts'
import { POPULATION_METHODS } from '../training/population.ts'
import { largeHead } from './apply.ts'
import { type MethodCost, measureMethod } from './method-cost.ts'
import { fixed, publish, say } from './result.ts'
import { workplace } from './workplace.ts'

/** What stands beside each method: names that methods-peers.py knows. */
const PEERS: Readonly<Partial<Record<Method, readonly string[]>>> = {
  zscore: ['intensity-normalization zscore'],
  whitestripe: ['intensity-normalization whitestripe'],
  kde: ['intensity-normalization kde'],
  fcm: ['intensity-normalization fcm'],
  lsq: ['intensity-normalization lsq'],
  nyul: ['intensity-normalization nyul', 'torchio HistogramStandardization'],
  histogram: ['scikit-image match_histograms', 'SimpleITK HistogramMatching'],
}

export async function methods(words: readonly string[]): Promise<void> {
  const python = process.env['ATTUNE_PYTHON']
  if (python === undefined)
    throw new MissingError(
      'ATTUNE_PYTHON is not set, and the peers are written in Python.',
      'Name an interpreter that has test/goldens/methods.requirements.txt installed.',
    )
  const image = await largeHead()
  const { volume } = await readNifti(image)
  const [x, mask] = [toFloat32(volume), foregroundMask(volume)]
  const maskFile = join(workplace, 'large-head-mask.nii.gz')
  await writeNifti(maskFile, volumeOf(volume, mask), { dtype: 'same' })
  const rows: string[][] = []
  const versions = new Set<string>()
  for (const method of METHODS) {
    const learn = POPULATION_METHODS[method]
    if (learn === undefined) continue
    say(method)
    const collector = learn({ peak: 'last', tissue: 'bright' })
    collector.add(x, mask, 1)
    rows.push([method, 'attune', ...cells(measureMethod(collector.model(), image, maskFile))])
    for (const peer of PEERS[method] ?? []) {
      say(`  ${peer}`)
      const { version, ...cost } = peerCost(python, peer, image, maskFile)
      versions.add(version)
      rows.push(['', peer, ...cells(cost)])
    }
  }
  await publish('methods', 'Intensity methods and their peers, 192 x 256 x 256', words, [
    {
      columns: ['method', 'program', 'seconds', 'added memory, MiB', 'peak of the process, MiB'],
      rows,
      notes: [
        'Seconds from values in memory to new values in memory, the least of three: what is measured in the image, and its application; what a population teaches is learned before, from the same image.',
        'Both take the same float32 values and the same mask: the head that attune finds. Added memory is the peak of the process above what it held once image and mask were read.',
        `Peers: ${[...versions].toSorted().join(', ')}; Python ${pythonVersion(python)}.`,
        'SimpleITK has no mask: it works on the whole image, above its mean. scikit-image is given the masked values alone, and gives these alone.',
      ],
    },
  ])
}

function cells({ seconds, addedMiB, peakMiB }: MethodCost): string[] {
  return [fixed(seconds, 2), fixed(addedMiB, 0), fixed(peakMiB, 0)]
}

function peerCost(
  python: string,
  peer: string,
  image: string,
  mask: string,
): MethodCost & { readonly version: string } {
  const script = packageFile('bench/methods-peers.py')
  const { status, stdout, stderr } = spawnSync(python, [script, peer, image, mask], { encoding: 'utf8' })
  if (status !== 0) throw new MissingError(`${peer} ended with ${status}:\n${stderr}`, 'Run it by hand.')
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}

function pythonVersion(python: string): string {
  return spawnSync(python, ['-c', 'import platform; print(platform.python_version())'], {
    encoding: 'utf8',
  }).stdout.trim()
}
