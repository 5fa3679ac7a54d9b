"""What the card of a residual-unet bundle says lies outside of network.onnx, as another laboratory would write it: only numpy and onnxruntime.

usage: run_residual.py FOLDER

FOLDER holds network.onnx, case.json (shape [nz, ny, nx], geometry from voxel to box in mm, code) and first.f32, the image after the first
stage, and mask.f32, both in NIfTI memory order; harmonized.f32 is written beside them.
"""

import json
import sys
from itertools import product
from pathlib import Path

import numpy as np
import onnxruntime

LATTICE = np.array([96, 120, 96])
SPACING = 2.0
INSIDE = 0.499


def trilinear(image: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Values of `image` at the points `at` [n, 3] in voxels; 0 outside."""
    base = np.floor(at).astype(int)
    share = at - base
    out = np.zeros(len(at))
    for corner in product((0, 1), repeat=3):
        index = base + corner
        weight = np.prod(np.where(corner, share, 1 - share), axis=1)
        known = np.all((index >= 0) & (index < image.shape), axis=1)
        i, j, k = index[known].T
        out[known] += weight[known] * image[i, j, k]
    return out


def passes(session: onnxruntime.InferenceSession, lattice: np.ndarray, code: np.ndarray) -> np.ndarray:
    """The mean of the residuals along S, A and R; a slice beyond the box is the outermost one."""
    total = np.zeros_like(lattice)
    for axis in (2, 1, 0):
        slices = np.moveaxis(lattice, axis, 0)
        order = np.arange(len(slices))
        stacked = np.stack([slices[np.clip(order + d, 0, len(slices) - 1)] for d in (-1, 0, 1)], axis=1)
        (residual,) = session.run(["residual"], {"slices": stacked.astype(np.float32), "code": code})
        total += np.moveaxis(residual[:, 0], 0, axis)
    return total / 3


def main(folder: Path) -> None:
    case = json.loads((folder / "case.json").read_text())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(
        folder / "network.onnx", options, providers=["CPUExecutionProvider"]
    )

    def volume(name: str) -> np.ndarray:
        return np.fromfile(folder / name, dtype="<f4").reshape(case["shape"]).transpose(2, 1, 0).astype(float)

    first, mask = volume("first.f32"), volume("mask.f32")
    geometry = np.asarray(case["geometry"]).reshape(3, 4)
    linear, offset = geometry[:, :3], geometry[:, 3]
    points = np.stack(np.meshgrid(*[np.arange(n) for n in LATTICE], indexing="ij"), -1).reshape(-1, 3)
    in_voxels = ((points + 0.5) * SPACING - offset) @ np.linalg.inv(linear).T
    lattice = trilinear(first, in_voxels).reshape(LATTICE)
    inside = trilinear(mask, in_voxels).reshape(LATTICE) >= INSIDE
    code = np.asarray(case["code"], dtype=np.float32)[None]
    residual = passes(session, lattice, code) * inside
    voxels = np.stack(np.meshgrid(*[np.arange(n) for n in first.shape], indexing="ij"), -1).reshape(-1, 3)
    on_lattice = (voxels @ linear.T + offset) / SPACING - 0.5
    added = first + trilinear(residual, on_lattice).reshape(first.shape)
    out = np.where(first == 0, first, np.where(first > 0, np.maximum(added, 0), added))
    out.transpose(2, 1, 0).astype("<f4").tofile(folder / "harmonized.f32")


main(Path(sys.argv[1]))
