/** Training as a library: `import { train } from 'attune/training'`. */
export type { TrainProgress, TrainStart } from './fit.ts'
export { type Trained, type TrainOptions, train } from './train.ts'
