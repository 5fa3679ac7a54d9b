/** Every operation that the conformance suite examines: what training uses today, and what networks to come will. */
import type { Operation } from './conformance.ts'
import { spatial } from './convolutions.ts'
import { elements } from './elements.ts'
import { layout } from './layout.ts'
import { reductions } from './reductions.ts'

export const operations: readonly Operation[] = [...elements, ...reductions, ...layout, ...spatial]
