/** What `attune demo` does, step by step, through the functions behind the other commands. A step that is done is not done again. */
import { access, readdir, readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import type { SimulationOptions } from '../../data/generators/options.ts'
import type { EngineName } from '../../training/engine/engine.ts'
import { requireCohort } from '../cohort/manifest.ts'
import { AttuneError, ConfigError, MissingError, RefusedError } from '../errors.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { parseEvidence } from '../evidence/schema.ts'
import { writeFileAtomic } from '../files.ts'
import { applyFile, isUpToDate } from '../harmonizer/apply-file.ts'
import { readBundle } from '../harmonizer/bundle.ts'
import { loadHarmonizer } from '../harmonizer/harmonizer.ts'
import { packageFile, packageVersion } from '../package-root.ts'
import { writeReport } from '../report/write.ts'

export interface DemoOptions {
  readonly folder: string
  readonly engine: 'auto' | EngineName
  /** Training steps; by default what ends within minutes. */
  readonly steps: number | undefined
  readonly overwrite: boolean
}

export interface Voice {
  /** A line that stays. */
  readonly say: (line: string) => void
  /** A line that the next one replaces. */
  readonly draw: (line: string) => void
}

export interface DemoResult {
  readonly engine: EngineName
  readonly steps: number
  /** Images that were harmonized. */
  readonly images: readonly string[]
  /** On digital subjects that training has not seen. */
  readonly unseen: Study
  /** On the half of a real head that training has not seen. */
  readonly real: Study
}

export interface Study {
  readonly report: string
  readonly evidence: Evidence
}

/**
 * Six digital heads: four to train on, from three anatomies, and two to test on, from a fourth. The test heads come first,
 * since the first head is the one that is scanned twice on each scanner.
 */
const COHORT = {
  subjects: 6,
  scanners: 3,
  seed: 20,
  voxelMm: 2,
  rescans: 1,
  rescannedSubjects: 1,
  lesions: [3, 6],
  anatomies: ['synthseg-04', 'synthseg-04', 'synthseg-01', 'synthseg-02', 'synthseg-03', 'synthseg-01'],
} as const satisfies SimulationOptions
const TEST_SUBJECTS = ['sub-01', 'sub-02']
const TARGET = 'scanner-A'

/** Fewer than `attune train` takes by default, to end within minutes on two cores. */
const STEPS: Readonly<Record<EngineName, number>> = { native: 200, wasm: 200, cpu: 20 }
const SEED = 1

/** The real pair: see data/samples/README.md. */
const REAL = {
  fit: 'data/samples/left.tsv',
  check: 'data/samples/right.tsv',
  scan: 'data/samples/sub-xa30_rec-raw_T1w.nii.gz',
  source: 'prisma-raw',
  target: 'prisma-norm',
}

const SETTINGS_FILE = 'demo.json'

/**
 * @throws {ConfigError} when the folder holds something else, or a demo with other settings
 * @throws {MissingError} when an engine asked for by name is not there
 */
export async function runDemo(options: DemoOptions, voice: Voice): Promise<DemoResult> {
  if (options.steps !== undefined && !(Number.isInteger(options.steps) && options.steps >= 1))
    throw new ConfigError(`--steps ${options.steps} is not possible.`, 'Give a whole number from 1.')
  const { folder } = options
  await refuseForeign(folder)
  const engine = await chooseEngine(options.engine, voice)
  const steps = options.steps ?? STEPS[engine]
  await claimFolder(options, { attune: packageVersion(), engine, steps, cohort: COHORT })
  const run: Run = { ...options, engine, voice, steps }

  const manifest = await simulate(run)
  const bundle = join(folder, `to-${TARGET}.harmonizer`)
  voice.say(
    `2. Training local-tone on 4 heads, scanned on 3 scanners: ${steps} steps with the engine ${engine}.`,
  )
  const settings = { steps }
  await train(run, { cohort: manifest, target: TARGET, out: bundle, settings, leftOut: TEST_SUBJECTS })
  voice.say('3. Harmonizing the 2 heads that training has not seen.')
  const images = await applyToUnseen(run, bundle, manifest)
  voice.say('4. Validating on these 2 heads; one was scanned twice on each scanner.')
  const unseen = await validate(run, { bundle, cohort: manifest, name: 'report', withinSubject: false })

  voice.say('5. A real T1w scan, from a scanner that the harmonizer does not know:')
  await showRefusal(run, bundle)
  voice.say('   It was reconstructed twice, without and with the correction of coil shading by the vendor.')
  voice.say(
    '   So a harmonizer is trained for that, on the left half of the head; half of its samples are mirrored.',
  )
  const realBundle = join(folder, `to-${REAL.target}.harmonizer`)
  const mirrored = { steps: Math.ceil(steps / 2), mirror: 0.5 }
  await train(run, {
    cohort: packageFile(REAL.fit),
    target: REAL.target,
    out: realBundle,
    settings: mirrored,
  })
  const realImage = await applyTo(run, realBundle, {
    input: packageFile(REAL.scan),
    domain: REAL.source,
    output: join(folder, 'harmonized', 'sub-xa30_T1w.nii.gz'),
  })
  voice.say('6. Validating on the right half of the same head.')
  const cohort = packageFile(REAL.check)
  const real = await validate(run, { bundle: realBundle, cohort, name: 'report-real', withinSubject: true })
  return { engine, steps, images: [...images, realImage], unseen, real }
}

interface Run extends DemoOptions {
  readonly engine: EngineName
  readonly steps: number
  readonly voice: Voice
}

/** The fastest engine to be had: `native` is built when it is not there and can be. */
async function chooseEngine(wanted: DemoOptions['engine'], { say, draw }: Voice): Promise<EngineName> {
  const { startEngine } = await import('../../training/engine/engine.ts')
  if (wanted !== 'auto') return (await startEngine(wanted, () => {})).name
  try {
    return (await startEngine('native', () => {})).name
  } catch (error) {
    if (!(error instanceof MissingError)) throw error
  }
  try {
    const { installNative } = await import('../../training/engine/native-install.ts')
    let announced = false
    await installNative((line) => {
      // it speaks only once it has found the tools that it needs
      if (!announced)
        say('0. Building the engine `native`, once: about 30 s, 210 MB. --engine wasm goes without.')
      announced = true
      draw(line)
    })
    return (await startEngine('native', () => {})).name
  } catch (error) {
    if (!(error instanceof AttuneError)) throw error
    say(`   ${error.what}\n   Training with the engine wasm instead, which needs nothing and is slower.`)
    return 'wasm'
  }
}

async function refuseForeign(folder: string): Promise<void> {
  const found = await readdir(folder).catch((): string[] => [])
  if (found.length > 0 && !found.includes(SETTINGS_FILE))
    throw new ConfigError(
      `${folder} is not empty and holds no demo.`,
      'Name another folder: attune demo DIR.',
    )
}

/** Marks the folder as that of a demo with these settings, so that a second run may continue, but not mix. */
async function claimFolder({ folder, overwrite }: DemoOptions, settings: object): Promise<void> {
  const path = join(folder, SETTINGS_FILE)
  const text = `${JSON.stringify(settings, null, 2)}\n`
  const earlier = await readFile(path, 'utf8').catch(() => text)
  if (earlier !== text && !overwrite)
    throw new ConfigError(
      `${folder} holds a demo with other settings (see ${path}).`,
      'Pass --overwrite to replace it, or name another folder.',
    )
  await writeFileAtomic(path, text)
}

async function simulate({ folder, overwrite, voice }: Run): Promise<string> {
  const { subjects, scanners, voxelMm } = COHORT
  voice.say(
    `1. Simulating ${subjects} digital heads with lesions on ${scanners} scanners at ${voxelMm} mm: 21 scans.`,
  )
  const out = join(folder, 'travelers')
  // what the simulator writes last
  if (!overwrite && (await exists(join(out, 'derivatives/truth/code/parameters.json'))))
    return join(out, 'cohort.tsv')
  const { simulateCohort } = await import('../../data/generators/simulate.ts')
  const { manifest } = await simulateCohort(out, { ...COHORT, overwrite: true }, (done, total, what) =>
    voice.draw(`${done} of ${total}: ${what}`),
  )
  return manifest
}

interface Training {
  readonly cohort: string
  readonly target: string
  readonly out: string
  /** Of the method, where they differ from its defaults; also written beside the bundle, for the command that is shown. */
  readonly settings: Readonly<Record<string, number>>
  readonly leftOut?: readonly string[]
}

async function train(run: Run, { cohort, target, out, settings, leftOut }: Training): Promise<void> {
  const { overwrite, engine, voice } = run
  const config = out.replace('.harmonizer', '.yaml')
  await writeFileAtomic(
    config,
    Object.entries(settings)
      .map(([name, value]) => `${name}: ${value}\n`)
      .join(''),
  )
  const without = leftOut === undefined ? '' : ` --exclude-subjects ${leftOut.join(',')}`
  const choices = `--config ${shown(config)} --engine ${engine} --out ${shown(out)}`
  voice.say(`   attune train ${shown(cohort)} --target ${target}${without} ${choices}`)
  if (!overwrite && (await readBundle(out).catch(() => undefined)) !== undefined) return
  const training = await import('../../training/train.ts')
  await training.train(
    {
      cohort,
      target,
      method: 'local-tone',
      out,
      engine,
      seed: SEED,
      config: settings,
      overwrite: true,
      resume: true,
      ...(leftOut !== undefined && { excludeSubjects: leftOut }),
    },
    (event) => {
      if (event.stage === 'remark' || event.stage === 'start') return
      if (event.stage !== 'steps')
        return voice.draw(`reading scans and pairs: ${event.done} of ${event.total}`)
      const left = Math.ceil(event.secondsLeft)
      // the first steps are slower than the rest
      if (event.step === 10) voice.say(`   about ${left} s left, by the first 10 steps`)
      voice.draw(`step ${event.step} of ${event.steps}, loss ${event.loss.toFixed(4)}, ${left} s left`)
    },
  )
}

/** The first scan of each unseen head on each source scanner. */
async function applyToUnseen(run: Run, bundle: string, manifest: string): Promise<readonly string[]> {
  const { scans } = await requireCohort(manifest)
  const outputs: string[] = []
  for (const { subject, domain, session, image } of scans) {
    if (!TEST_SUBJECTS.includes(subject) || domain === TARGET || !session.endsWith('1')) continue
    const output = join(run.folder, 'harmonized', `${subject}_ses-${session}_T1w.nii.gz`)
    outputs.push(await applyTo(run, bundle, { input: image, domain, output }))
  }
  return outputs
}

interface Application {
  readonly input: string
  readonly domain: string
  readonly output: string
}

async function applyTo(run: Run, bundle: string, { input, domain, output }: Application): Promise<string> {
  const settings = {
    dtype: 'float32',
    gzipLevel: 1,
    force: false,
    dryRun: false,
    overwrite: true,
    version: packageVersion(),
  } as const
  const request = { ...settings, input, output, domain }
  run.voice.say(`   attune apply ${shown(bundle)} ${shown(input)} ${shown(output)} --source ${domain}`)
  const harmonizer = await loadHarmonizer(bundle, { threads: Math.min(4, availableParallelism()) })
  try {
    if (run.overwrite || !(await isUpToDate(harmonizer, request))) await applyFile(harmonizer, request)
  } finally {
    await harmonizer.close()
  }
  return output
}

/** Applies the harmonizer of the digital scanners to the real scan, which it must refuse, and shows what it says. */
async function showRefusal(run: Run, bundle: string): Promise<void> {
  const output = join(run.folder, 'harmonized', 'refused.nii.gz')
  try {
    await applyTo(run, bundle, { input: packageFile(REAL.scan), domain: REAL.source, output })
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    run.voice.say(`   Refused: ${error.what}`)
  }
}

interface Validation {
  readonly bundle: string
  readonly cohort: string
  /** Of the report's folder. */
  readonly name: string
  readonly withinSubject: boolean
}

async function validate(run: Run, { bundle, cohort, name, withinSubject }: Validation): Promise<Study> {
  const out = join(run.folder, name)
  const within = withinSubject ? ' --within-subject' : ''
  const command = `attune validate ${shown(bundle)} ${shown(cohort)}${within} --out ${shown(out)}`
  run.voice.say(`   ${command}`)
  const report = join(out, 'report.html')
  const { sha256 } = await readBundle(bundle)
  const earlier = run.overwrite ? undefined : await readEvidence(join(out, 'evidence.json'))
  if (earlier?.harmonizer.manifestSha256 === sha256) return { report, evidence: earlier }
  const { pairedFidelity } = await import('../../validation/paired-fidelity.ts')
  const evidence = await pairedFidelity(
    {
      bundle,
      cohort,
      withinSubject,
      command,
      date: new Date().toISOString().slice(0, 10),
      attune: packageVersion(),
    },
    ({ stage, done, total }) => run.voice.draw(`${stage}: ${done} of ${total}`),
  )
  await writeReport(evidence, out)
  return { report, evidence }
}

/** `undefined` where there is none, or none that can be used. */
async function readEvidence(path: string): Promise<Evidence | undefined> {
  try {
    return parseEvidence(JSON.parse(await readFile(path, 'utf8')), path)
  } catch {
    return undefined
  }
}

/** A path as the user would type it. */
function shown(path: string): string {
  const near = relative(process.cwd(), path)
  return near.startsWith('..') ? path : near
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
