/** Of the scanner and of what was in it. */
const SCANNER_FIELDS = [
  // scanner hardware
  'Manufacturer',
  'ManufacturersModelName',
  'DeviceSerialNumber',
  'StationName',
  'SoftwareVersions',
  'MagneticFieldStrength',
  'ReceiveCoilName',
  'ReceiveCoilActiveElements',
  'NumberReceiveCoilActiveElements',
  'GradientSetType',
  'MRTransmitCoilSequence',
  'NumberTransmitCoilActiveElements',
  'MatrixCoilMode',
  'CoilCombinationMethod',
  // institution
  'InstitutionName',
  'InstitutionAddress',
  'InstitutionalDepartmentName',
] as const

const BODY_FIELDS = ['BodyPart', 'BodyPartDetails'] as const

/** Of the image, with its contrast. */
const ACQUISITION_FIELDS = [
  // sequence
  'PulseSequenceType',
  'ScanningSequence',
  'SequenceVariant',
  'ScanOptions',
  'SequenceName',
  'PulseSequenceDetails',
  'NonlinearGradientCorrection',
  'MRAcquisitionType',
  'MTState',
  'MTOffsetFrequency',
  'MTPulseBandwidth',
  'MTNumberOfPulses',
  'MTPulseShape',
  'MTPulseDuration',
  'SpoilingState',
  'SpoilingType',
  'SpoilingRFPhaseIncrement',
  'SpoilingGradientMoment',
  'SpoilingGradientDuration',
  'WaterSuppression',
  'WaterSuppressionTechnique',
  // in-plane encoding
  'NumberShots',
  'ParallelReductionFactorInPlane',
  'ParallelReductionFactorOutOfPlane',
  'ParallelAcquisitionTechnique',
  'PartialFourier',
  'PartialFourierDirection',
  'EffectiveEchoSpacing',
  'PhaseEncodingDirection',
  'TotalReadoutTime',
  // timing, radio frequency and contrast
  'EchoTime',
  'EchoTrainLength',
  'InversionTime',
  'RepetitionTime',
  'RepetitionTimeExcitation',
  'RepetitionTimePreparation',
  'DwellTime',
  'FlipAngle',
  'NegativeContrast',
  'ContrastBolusIngredient',
] as const

/**
 * Sidecar fields that say how an image was acquired, which harmonization does not change. Only these are copied: sidecars of converters may
 * also hold names, dates, and the scaling of values that are no longer there.
 * @see https://bids-specification.readthedocs.io/en/v1.10.0/modality-specific-files/magnetic-resonance-imaging-data.html
 */
export const KEPT_FIELDS: readonly string[] = [...SCANNER_FIELDS, ...ACQUISITION_FIELDS, ...BODY_FIELDS]

/** A translated image shows a contrast that no echo time or flip angle of its source goes with. */
export const TRANSLATED_FIELDS: readonly string[] = [...SCANNER_FIELDS, ...BODY_FIELDS]
