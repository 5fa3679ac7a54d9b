"""Reads NIfTI images as another laboratory would: nibabel and numpy, no attune.

usage: read_nifti.py CASES.json

The file holds a list of {"path", "volume"}. For each, {"shape", "affine", "sha256"} goes to standard output, in one list: the hash is that of
the values as little-endian float32, the first axis fastest, with one kind of 0 and one of NaN. The affine is null where the file names no place.
"""

import hashlib
import json
import sys
from pathlib import Path

import nibabel
import numpy as np


def read(path: str, volume: int = 0) -> dict:
    image = nibabel.load(path)
    values = image.get_fdata(caching="unchanged", dtype=np.float64)
    values = values.reshape(*image.shape[:3], -1, order="F")[..., volume]
    rounded = values.ravel(order="F").astype("<f4") + np.float32(0)
    rounded[np.isnan(rounded)] = np.nan
    placed = image.header["sform_code"] > 0 or image.header["qform_code"] > 0
    return {
        "shape": values.shape,
        "affine": image.affine.ravel().tolist() if placed else None,
        "sha256": hashlib.sha256(rounded).hexdigest(),
    }


cases = json.loads(Path(sys.argv[1]).read_text())
print(json.dumps([read(**case) for case in cases]))
