"""Writes table.csv, new.csv and the outputs of neuroCombat and neuroHarmonize for them, into this folder.

usage: make_combat.py            (versions in requirements.txt)

The tables are drawn from a seeded generator: three sites that differ in location and scale, features that depend on age, sex and
diagnosis. `fixed-point` is neuroCombat with its own iteration continued until nothing changes: its source is not touched, only the
threshold of `it_sol` is. Ages are quarters of years, because neuroCombat rounds quantities to float32 and these survive that.
neuroHarmonize stops with an error when a site of the fit is absent from the table it is applied to; the rows of the fit are added for it,
and left out of what is written.
"""

import functools
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from neuroCombat import neuroCombat as run_combat
from neuroHarmonize import harmonizationApply, harmonizationLearn

np.int = int  # neuroCombat 0.2.12 was written for NumPy < 1.24, which still had this name

HERE = Path(__file__).parent
FEATURES = [f"f{k}" for k in range(1, 13)]
SITES = {"Bergen": 11, "Aachen": 26, "Cadiz": 19}


def draw(rng: np.random.Generator, sites: dict[str, int], effects: dict[str, tuple]) -> pd.DataFrame:
    n = sum(sites.values())
    table = pd.DataFrame(
        {
            "site": rng.permutation(np.repeat(list(sites), list(sites.values()))),
            "age": np.round(4 * rng.uniform(18, 80, n)) / 4,
            "sex": rng.choice(["F", "M"], n),
            "diagnosis": rng.choice(["control", "mci", "patient"], n, p=[0.5, 0.2, 0.3]),
        }
    )
    for k, name in enumerate(FEATURES):
        location = np.array([effects[s][0][k] for s in table["site"]])
        scale = np.array([effects[s][1][k] for s in table["site"]])
        table[name] = (
            3
            + 0.5 * k
            - (0.01 + 0.002 * k) * table["age"]
            + 0.2 * (table["sex"] == "M")
            - 0.3 * (table["diagnosis"] == "patient")
            + location
            + scale * 0.4 * rng.normal(size=n)
        )
    return table


def effect(rng: np.random.Generator) -> tuple:
    center, width = rng.normal(0, 0.3), rng.uniform(0.7, 1.5)
    return rng.normal(center, 0.15, len(FEATURES)), width * rng.uniform(0.8, 1.2, len(FEATURES))


def write(name: str, values: np.ndarray) -> None:
    pd.DataFrame(values, columns=FEATURES).to_csv(HERE / f"{name}.csv", index=False)


def combat(table: pd.DataFrame, **options) -> np.ndarray:
    covars = table[["site", "age", "sex", "diagnosis"]]
    out = run_combat(
        table[FEATURES].to_numpy().T,
        covars,
        "site",
        categorical_cols=["sex", "diagnosis"],
        continuous_cols=["age"],
        **options,
    )
    return out["data"].T


rng = np.random.default_rng(20261122)
effects = {site: effect(rng) for site in [*SITES, "Dover"]}
draw(rng, SITES, effects).to_csv(HERE / "table.csv", index=False)
draw(rng, {"Cadiz": 8, "Dover": 21, "Aachen": 5}, effects).to_csv(HERE / "new.csv", index=False)
table, new = pd.read_csv(HERE / "table.csv"), pd.read_csv(HERE / "new.csv")

write("neurocombat-eb", combat(table))
write("neurocombat-nonparametric", combat(table, parametric=False))
write("neurocombat-no-eb", combat(table, eb=False))
write("neurocombat-mean-only", combat(table, mean_only=True))
write("neurocombat-reference", combat(table, ref_batch="Cadiz"))


def coded(t: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "SITE": t["site"],
            "age": t["age"],
            "sexM": (t["sex"] == "M").astype(float),
            "mci": (t["diagnosis"] == "mci").astype(float),
            "patient": (t["diagnosis"] == "patient").astype(float),
        }
    )


model, harmonized = harmonizationLearn(table[FEATURES].to_numpy(), coded(table))
write("neuroharmonize", harmonized)
write("neuroharmonize-no-eb", harmonizationLearn(table[FEATURES].to_numpy(), coded(table), eb=False)[1])
known = new[new["site"] != "Dover"]
both = pd.concat([known, table])
applied = harmonizationApply(both[FEATURES].to_numpy(), coded(both), model)
write("neuroharmonize-apply", applied[: len(known)])
# A new site with frozen covariate effects and variance. neuroHarmonize's own path stops with an error unless there are as many new sites
# as old ones, so that its steps are done here, with its functions.
unseen = new[new["site"] == "Dover"]
n = len(unseen)
expected = model["stand_mean"][:, [0]] + model["B_hat"][3:].T @ coded(unseen).drop(columns="SITE").to_numpy().T
sd = np.sqrt(model["var_pooled"])
standardized = (unseen[FEATURES].to_numpy().T - expected) / sd
one = {"n_batch": 1, "n_sample": n, "sample_per_batch": np.array([n]), "batch_info": [list(range(n))], "ref_level": None}
module = sys.modules["neuroCombat.neuroCombat"]
least_squares = module.fit_LS_model_and_find_priors(standardized, np.ones((n, 1)), one, False)
location, scale = module.find_parametric_adjustments(standardized, least_squares, one, False)
write("neuroharmonize-new-site", ((standardized - location.T) / np.sqrt(scale.T) * sd + expected).T)

module.it_sol = functools.partial(module.it_sol, conv=1e-15)
write("neurocombat-fixed-point", combat(table))
write("neurocombat-fixed-point-reference", combat(table, ref_batch="Cadiz"))

(HERE / "requirements.txt").write_text(
    "".join(f"{name}=={version(name)}\n" for name in ["neuroCombat", "neuroHarmonize", "numpy", "pandas", "statsmodels"])
)
