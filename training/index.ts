/** Training as a library: `import { train } from 'attune/training'`. */
export { type Trained, type TrainOptions, type TrainProgress, train } from './train.ts'
