"""Writes table.csv and what neuroHarmonize makes of it with smooth terms at fixed penalties: python make_smooth.py, in this folder.

neuroHarmonize 2.5.2 draws the folds that choose its penalty at random; here its choice is replaced by numbers, and everything
else is its own code. Needs requirements.txt.
"""

import contextlib
import io

import numpy as np
import pandas as pd
from neuroHarmonize import harmonizationApply, harmonizationLearn
from statsmodels.gam.generalized_additive_model import GLMGam

np.int = int  # neuroCombat 0.2.12 was written for NumPy < 1.24

rng = np.random.default_rng(20261122)
sizes = {"Aachen": 44, "Bergen": 27, "Cadiz": 35}
site = np.repeat(list(sizes), list(sizes.values()))
rows = len(site)
# Different ages and indices, in steps that float32 keeps; the sites overlap.
low = {"Aachen": 18, "Bergen": 25, "Cadiz": 40}
age = np.array([low[name] + rng.integers(0, 45 * 64) / 64 + k / 4096 for k, name in enumerate(site)])
bmi = np.round(rng.normal(25, 3, rows) * 64) / 64 + np.arange(rows) / 4096
sex = rng.integers(0, 2, rows)
u, v = (age - 18) / 70, (bmi - 25) / 3
curves = [np.sin(5 * u), 3 * u**2, 1.5 * np.abs(u - 0.5), 0.8 * u, 0 * u, np.cos(8 * u), -2 * u + v**2 / 4, np.tanh(9 * (u - 0.4))]
shift = {name: rng.normal(0, 0.8, 8) for name in sizes}
width = {"Aachen": 1.0, "Bergen": 0.7, "Cadiz": 1.4}
values = np.array(
    [curve + np.where(sex == 1, 0.3, 0) + np.array([shift[name][f] for name in site]) for f, curve in enumerate(curves)]
).T
values += rng.normal(0, 0.5, (rows, 8)) * np.array([[width[name]] for name in site])
table = pd.DataFrame({"site": site, "age": age, "bmi": bmi, "sex": sex})
for f in range(8):
    table[f"f{f + 1}"] = np.round(10 + values[:, f], 4)
table.to_csv("table.csv", index=False)

features = table.iloc[:, 4:].to_numpy()


def learn(name, columns, alphas, eb):
    GLMGam.select_penweight_kfold = lambda self, **_: (alphas,)
    covars = table[["sex", *columns]].copy()
    covars.insert(0, "SITE", table["site"])
    with contextlib.redirect_stdout(io.StringIO()):
        model, out = harmonizationLearn(features, covars, eb=eb, smooth_terms=columns)
    pd.DataFrame(out, columns=table.columns[4:]).to_csv(f"{name}.csv", index=False)


ranges = [np.ptp(age), np.ptp(bmi)]
# attune's penalty weighs the integral over the covariate with its range as 1; that of statsmodels, twice, the one in its own unit.
unit = lambda penalties: np.array([p * r**3 / 2 for p, r in zip(penalties, ranges)])
learn("age-0.01", ["age"], unit([0.01]), False)
learn("age-1-eb", ["age"], unit([1.0]), True)
learn("age-0.1-bmi-0.1", ["age", "bmi"], unit([0.1, 0.1]), False)
