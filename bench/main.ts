/** `npm run bench -- NAME [options]`: runs one bench and replaces its table in bench/results. Without a name, lists them. */
import { AttuneError } from '../src/errors.ts'

/** @param words what follows the name on the command line */
export type Bench = (words: readonly string[]) => Promise<void>

const benches: Readonly<Record<string, { readonly what: string; readonly load: () => Promise<Bench> }>> = {
  harmonization: {
    what: 'accuracy on digital subjects never used for tuning [--seeds test|tuning] [--steps N] [--engine NAME]',
    load: async () => (await import('./harmonization.ts')).harmonization,
  },
  'residual-unet': {
    what: 'what residual-unet gains over local-tone, on digital subjects at 2 mm [--seeds test|tuning] [--steps N] [--engine NAME]',
    load: async () => (await import('./residual-unet.ts')).residualUnet,
  },
  units: {
    what: 'band-unet on digital CT and PET: error left, and whether the units are kept [--steps N] [--engine NAME]',
    load: async () => (await import('./units.ts')).units,
  },
  people: {
    what: 'local-tone trained on others and on the tested people themselves: what unseen people cost',
    load: async () => (await import('./people.ts')).people,
  },
  'learning-curve': {
    what: 'tone and local-tone trained on 1, 3 and 6 digital subjects, and an unseen scanner [--steps N] [--engine NAME]',
    load: async () => (await import('./learning-curve.ts')).learningCurve,
  },
  'lesion-contrast': {
    what: 'what makes lesions lose contrast: sources that differ from the reference in one way [--steps N] [--engine NAME]',
    load: async () => (await import('./lesion-contrast.ts')).lesionContrastStudy,
  },
  auto: {
    what: 'what --method auto chooses on 20 cohorts, and whether it does harm [--seeds test|tuning] [--steps N] [--engine NAME]',
    load: async () => (await import('./auto.ts')).auto,
  },
  'auto-travelers': {
    what: 'what --method auto makes of six digital travelers at 2 mm [--seeds test|tuning] [--steps N] [--engine NAME]',
    load: async () => (await import('./auto-travelers.ts')).autoTravelers,
  },
  'real-pair': {
    what: 'a real head: fitted on one half, checked on the other [--steps N] [--engine NAME]',
    load: async () => (await import('./real-pair.ts')).realPair,
  },
  universal: {
    what: 'the shipped universal harmonizer: unseen digital scanners, real images (ATTUNE_DATA), what it lacks, fine-tuning, bounds [digital] [real] [unseen] [fine-tuning] [bounds]',
    load: async () => (await import('./universal.ts')).universal,
  },
  uncertainty: {
    what: 'coverage of uncertainty maps on unseen digital people [--seeds test|tuning] [--steps N] [--engine NAME]',
    load: async () => (await import('./uncertainty.ts')).uncertainty,
  },
  training: {
    what: 'time and memory of training local-tone on each engine [--steps N]',
    load: async () => (await import('./training.ts')).training,
  },
  engines: {
    what: 'steps of the network on each engine, beside PyTorch (ATTUNE_PYTHON with torch)',
    load: async () => (await import('./engines.ts')).engines,
  },
  apply: {
    what: 'time and memory of the whole apply command, 192 x 256 x 256',
    load: async () => (await import('./apply.ts')).apply,
  },
  memory: {
    what: 'peak memory of attune apply at several sizes, beside its peers (ATTUNE_PYTHON)',
    load: async () => (await import('./memory.ts')).memory,
  },
  methods: {
    what: 'time and memory of the intensity methods beside their peers (ATTUNE_PYTHON)',
    load: async () => (await import('./methods.ts')).methods,
  },
  combat: {
    what: 'time and memory of ComBat on large tables beside neuroCombat and neuroHarmonize (ATTUNE_PYTHON)',
    load: async () => (await import('./combat.ts')).combat,
  },
  'combat-null': {
    what: 'false positives of tests after ComBat on 1,000 tables without effect, beside the honest test',
    load: async () => (await import('./combat-null.ts')).combatNull,
  },
  'combat-maps': {
    what: 'time and memory of ComBat on voxel maps [--images N] [--voxels V] [--gzip]',
    load: async () => (await import('./combat-maps.ts')).combatMaps,
  },
  guards: {
    what: 'refusals by the guards: wrong ones on digital and real heads, right ones on other images (ATTUNE_DATA)',
    load: async () => (await import('./guards.ts')).guards,
  },
  formats: {
    what: 'reading and writing NIfTI, 192 x 256 x 256',
    load: async () => (await import('./formats.ts')).formats,
  },
  registration: {
    what: 'heads that moved, registered, against the truth; time and memory at 1 mm',
    load: async () => (await import('./registration.ts')).registration,
  },
  help: { what: 'CPU time of attune --help', load: async () => (await import('./help.ts')).help },
}

const [name, ...words] = process.argv.slice(2)
const chosen = name === undefined ? undefined : benches[name]
if (chosen === undefined) {
  const lines = Object.entries(benches).map(([key, { what }]) => `  ${key.padEnd(14)} ${what}`)
  process.stdout.write(`npm run bench -- NAME\n${lines.join('\n')}\n`)
  process.exitCode = name === undefined ? 0 : 2
} else {
  try {
    await (await chosen.load())(words)
  } catch (error) {
    if (!(error instanceof AttuneError)) throw error
    process.stderr.write(`${error.what}\n${error.remedy}\n`)
    process.exitCode = error.exitCode
  }
}
