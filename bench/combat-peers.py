"""Time and memory of one peer on one table: combat-peers.py NAME VALUES ROWS FEATURES SITES; prints one line of JSON.

VALUES holds float64, feature after feature. As bench/combat.ts measures attune: values in memory to new values in memory, once.
"""

import contextlib
import io
import json
import re
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

np.int = int  # neuroCombat 0.2.12 was written for NumPy < 1.24


def status(key: str) -> float:
    return int(re.search(rf"{key}:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


name, path, rows, features, sites = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
values = np.fromfile(path).reshape(features, rows)
row = np.arange(rows)
covars = pd.DataFrame({"SITE": row % sites, "age": 20 + (row * 37) % 61, "sex": (row // sites) % 2})
if name == "neuroCombat":
    from neuroCombat import neuroCombat

    run = lambda: neuroCombat(values, covars, "SITE", continuous_cols=["age", "sex"])["data"]
else:
    from neuroHarmonize import harmonizationLearn

    samples = values.T
    smooth = ["age"] if name.endswith("smooth") else []
    run = lambda: harmonizationLearn(samples, covars, smooth_terms=smooth)[1].T
Path("/proc/self/clear_refs").write_text("5")
held = status("VmRSS")
started = time.process_time()
with contextlib.redirect_stdout(io.StringIO()):
    out = run()
cpu = time.process_time() - started
added = status("VmHWM") - held
print(json.dumps({"cpu": cpu, "added": added, "check": float(np.abs(out).mean()), "version": f"{name} {version(name.split('-')[0])}"}))
