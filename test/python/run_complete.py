"""Runs a complete local-tone graph as another laboratory would: only onnxruntime and numpy, no attune.

usage: run_complete.py FOLDER

FOLDER holds model.onnx, case.json (shape [nz, ny, nx], domain name, geometry) and image.f32, mask.f32 in NIfTI
memory order; harmonized.f32 is written beside them.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime


def main(folder: Path) -> None:
    case = json.loads((folder / "case.json").read_text())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        folder / "model.onnx", options, providers=["CPUExecutionProvider"]
    )
    domains = json.loads(session.get_modelmeta().custom_metadata_map["domains"])

    def volume(name: str) -> np.ndarray:
        return np.fromfile(folder / name, dtype="<f4").reshape(1, 1, *case["shape"])

    (harmonized,) = session.run(
        ["harmonized"],
        {
            "image": volume("image.f32"),
            "mask": volume("mask.f32"),
            "geometry": np.asarray(case["geometry"], dtype=np.float32).reshape(3, 4),
            "domain": np.asarray(domains.index(case["domain"]), dtype=np.int64),
        },
    )
    harmonized.astype("<f4").tofile(folder / "harmonized.f32")


main(Path(sys.argv[1]))
