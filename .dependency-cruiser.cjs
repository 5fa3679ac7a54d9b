/** The layers of docs/decisions/0001-layers.md; `npm run layers` fails when an import crosses them. */
const src = (names) => `^src/(${names})(/|\\.ts$)`
const test = '\\.(test|contract)\\.ts$'

/** `folder` may import from itself and from the listed folders of src, and from nowhere else in this repository. */
const only = (folder, allowed) => ({
  name: `src/${folder}`,
  severity: 'error',
  from: { path: src(folder), pathNot: test },
  to: { path: '^(src|models|training|validation|data|bench)/', pathNot: src([folder, ...allowed].join('|')) },
})
const base = ['errors', 'files', 'kernels', 'volume']
const perImage = ['formats', 'domain', 'intensity', 'resolution', 'combat', 'features', 'metrics', 'phantom']

module.exports = {
  forbidden: [
    only('errors', []),
    only('package-root', []),
    only('files', ['errors']),
    only('kernels', ['errors']),
    only('volume', ['errors', 'kernels']),
    only('formats', [...base, 'domain']),
    only('combat', [...base, 'evidence']),
    ...perImage.filter((name) => !['formats', 'combat'].includes(name)).map((name) => only(name, base)),
    only('spatial', base),
    only('cohort', [...base, 'formats', 'domain', 'spatial']),
    only('evidence', ['errors', 'kernels']),
    only('inference', base),
    only('harmonizer', [...base, ...perImage, 'spatial', 'cohort', 'evidence', 'inference', 'package-root']),
    only('report', ['errors', 'files', 'kernels', 'evidence']),
    only('tracking', ['errors', 'files', 'evidence']),
    {
      name: 'models-only-tensorflow',
      severity: 'error',
      from: { path: '^models/', pathNot: test },
      to: { path: '^(src|training|validation|data|bench)/' },
    },
    {
      name: 'generators-only-src',
      severity: 'error',
      from: { path: '^data/generators/', pathNot: test },
      to: { path: '^(models|training|validation|bench|src/cli)/' },
    },
    {
      name: 'training-without-cli',
      severity: 'error',
      from: { path: '^training/', pathNot: test },
      to: { path: '^(validation|data|bench|src/cli)/' },
    },
    {
      name: 'validation-without-cli',
      severity: 'error',
      from: { path: '^validation/', pathNot: test },
      to: { path: '^(models|training|data|bench|src/cli)/' },
    },
    {
      name: 'cli-loads-trainers-lazily',
      comment: 'src/cli reaches training, validation and data/generators only by import() inside a handler',
      severity: 'error',
      from: { path: '^src/cli/', pathNot: test },
      to: { path: '^(models|training|validation|data)/', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'tensorflow-only-in-training',
      severity: 'error',
      from: { pathNot: ['^(models|training)/', test, '^bench/'] },
      to: { path: '@tensorflow' },
    },
    {
      name: 'onnxruntime-only-in-inference',
      severity: 'error',
      from: { pathNot: ['^src/inference/', test, '^bench/'] },
      to: { path: 'onnxruntime' },
    },
    {
      name: 'nifti-reader-only-in-its-adapter',
      severity: 'error',
      from: { pathNot: ['^src/formats/nifti/', test] },
      to: { path: 'nifti-reader-js' },
    },
    {
      name: 'elastix-only-in-spatial',
      severity: 'error',
      from: { pathNot: ['^src/spatial/', test, '^bench/'] },
      to: { path: '@itk-wasm' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
}
