"""Writes table.csv and what the authors' Python code makes of it, into this folder.

usage: make_covbat.py FOLDER     (FOLDER holds Python/covbat.py of github.com/andy1764/CovBat_Harmonization, commit
                                  1ca2942b4e3830dff6f027f276fdab305a0d10e6; versions in requirements.txt)

The table is drawn from a seeded generator: three sites that differ in location, scale and covariance. pandas 2 lost the name `iteritems`,
which the code uses; it is given back. `python.csv` is the code as it is. In `python-variance.csv` one thing is changed: the variance of the
locations over the features has the divisor F - 1, as in the authors' R code, where `python.csv` has F (numpy's `var` without `ddof`).
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
SITES = {"Delft": 40, "Aveiro": 31, "Brest": 27}
FEATURES = [f"f{k}" for k in range(1, 15)]
pd.Series.iteritems = pd.Series.items


def draw() -> pd.DataFrame:
    rng = np.random.default_rng(20221188)
    n = sum(SITES.values())
    site = rng.permutation(np.repeat(list(SITES), list(SITES.values())))
    table = pd.DataFrame({"site": site, "age": np.round(4 * rng.uniform(20, 80, n)) / 4, "male": rng.integers(0, 2, n)})
    values = np.empty((n, len(FEATURES)))
    shared = rng.normal(size=(4, len(FEATURES)))
    for name in SITES:
        rows = np.flatnonzero(site == name)
        own = shared + 0.7 * rng.normal(size=shared.shape)
        noise = rng.normal(size=(len(rows), 4)) @ own + 0.8 * rng.normal(size=(len(rows), len(FEATURES)))
        values[rows] = rng.normal(0, 0.5, len(FEATURES)) + rng.uniform(0.7, 1.4, len(FEATURES)) * noise
    values += 10 - np.outer(table["age"], rng.uniform(0.01, 0.05, len(FEATURES)))
    values += np.outer(table["male"], rng.normal(0, 0.4, len(FEATURES)))
    return table.join(pd.DataFrame(values, columns=FEATURES))


def harmonize(source: str, table: pd.DataFrame, **options) -> np.ndarray:
    module: dict = {}
    exec(compile(source, "covbat.py", "exec"), module)  # noqa: S102
    return module["covbat"](
        table[FEATURES].T, table["site"], table[["age", "male"]].copy(), ["age", "male"], **options
    ).T.to_numpy()


def write(name: str, values: np.ndarray) -> None:
    pd.DataFrame(values, columns=FEATURES).to_csv(HERE / f"{name}.csv", index=False)


def main(folder: str) -> None:
    source = (Path(folder) / "Python" / "covbat.py").read_text()
    draw().to_csv(HERE / "table.csv", index=False)
    table = pd.read_csv(HERE / "table.csv")
    write("python", harmonize(source, table))
    write("python-variance", harmonize(source.replace("t2 = gamma_hat.var(axis=1)", "t2 = gamma_hat.var(axis=1, ddof=1)"), table))


main(sys.argv[1])
