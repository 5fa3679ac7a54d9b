/** Contrasts of heads for which universal harmonizers can be trained (`attune pretrain`); that for T1w ships. */
export const UNIVERSAL_CONTRASTS = ['T1w', 'T2w'] as const
export type UniversalContrast = (typeof UNIVERSAL_CONTRASTS)[number]
