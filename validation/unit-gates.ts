/** Acceptance criteria of harmonizers that keep a unit. */
import type { Gate, UnitResult } from '../src/evidence/evidence.ts'

/** Most that the mean of a homogeneous region may move: HU, and relative in SUV. */
export const MOST_HU = 2
export const MOST_REGION = 0.02
/** Most that the sum of SUV x volume may change, relative. */
export const MOST_SUM = 0.005

/** @param results of one unit; empty for harmonizers of images without one */
export function unitGates(results: readonly UnitResult[]): readonly Gate[] {
  const [first] = results
  if (first === undefined) return []
  return first.unit === 'HU'
    ? [regionGate(results), extremeGate(results)]
    : [regionGate(results), sumGate(results), extremeGate(results)]
}

function regionGate(results: readonly UnitResult[]): Gate {
  const inHu = results[0]?.unit === 'HU'
  const gate = {
    id: 'regions',
    title: 'Means of homogeneous regions kept',
    criterion: inHu
      ? `mean of air, fat, water, soft tissue and bone, further than 8 mm from any border, moves by at most ${MOST_HU} HU in every scan.`
      : `mean SUV of every tissue, further than 10.5 mm (1.5 FWHM of 7 mm) from any border, moves by at most ${100 * MOST_REGION} % in every scan.`,
  }
  const moved = results.flatMap(({ domain, subject, regions }) =>
    regions.map(({ name, before, after }) => ({
      name,
      scan: `${subject}, ${domain}`,
      size: inHu ? Math.abs(after - before) : Math.abs(after / before - 1),
    })),
  )
  if (moved.length === 0)
    return {
      ...gate,
      status: 'not-evaluated',
      finding: inHu
        ? 'No region is large enough to have voxels that far from a border.'
        : 'The cohort holds no tissue map (column tissue) with regions above 3 FWHM.',
    }
  const most = moved.reduce((a, b) => (b.size > a.size ? b : a))
  const names = [...new Set(moved.map(({ name }) => name))].join(', ')
  return {
    ...gate,
    status: most.size <= (inHu ? MOST_HU : MOST_REGION) ? 'pass' : 'fail',
    finding: `At most ${inHu ? `${most.size.toFixed(2)} HU` : percent(most.size)} (${most.name}; ${most.scan}); ${moved.length} means of ${names}.`,
  }
}

function sumGate(results: readonly UnitResult[]): Gate {
  const changes = results.flatMap(({ suv }) => (suv ? [Math.abs(suv.sum.after / suv.sum.before - 1)] : []))
  const most = Math.max(...changes)
  return {
    id: 'activity',
    title: 'Total activity kept',
    criterion: `sum of SUV x volume changes by at most ${100 * MOST_SUM} % in every scan.`,
    status: most <= MOST_SUM ? 'pass' : 'fail',
    finding: `At most ${percent(most)} of ${changes.length} scans.`,
  }
}

function extremeGate(results: readonly UnitResult[]): Gate {
  const inHu = results[0]?.unit === 'HU'
  const [voxels, changed] = results.reduce(
    ([all, some], { extremes }) => [all + extremes.voxels, some + extremes.changed] as const,
    [0, 0] as readonly [number, number],
  )
  const gate = {
    id: 'extremes',
    title: 'Extremes pass unchanged',
    criterion: inHu
      ? 'no voxel below -950 HU (air) or above 2500 HU (metal) changes.'
      : 'no voxel below 0 or above SUV 40 changes.',
  }
  if (voxels === 0) return { ...gate, status: 'not-evaluated', finding: 'No tested scan has such a voxel.' }
  return {
    ...gate,
    status: changed === 0 ? 'pass' : 'fail',
    finding: `${changed} of ${voxels} such voxels changed.`,
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`
}
