/** `attune/validation`: studies that turn a harmonizer and a cohort into evidence. */
export { pairedFidelity, type StudyOptions, type StudyProgress } from './paired-fidelity.ts'
