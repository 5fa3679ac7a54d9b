"""Writes table.csv and what longitudinal ComBat makes of it, with mixed models of statsmodels, into this folder.

usage: make_longitudinal.py            (versions in requirements.txt)

The table is drawn from a seeded generator: 30 people, one to four scans each on three scanners, six features. The mixed models (random
intercept, REML) are fitted by statsmodels' MixedLM; its optimizer is then followed by a bounded search of scipy over its own profile
likelihood, because it stops at a relative change of the criterion of 1e-9. The steps after that are those of longCombat (Beer 2020):
batch effects centred with the rows of the batches as weights; residuals, with the batch effects put back, over the residual SD; empirical
Bayes as in ComBat, 200 rounds instead of 30; predicted values put back. `msr` takes the root of the mean square of the residuals as SD.
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from scipy.optimize import minimize_scalar
from statsmodels.regression.mixed_linear_model import MixedLMParams

HERE = Path(__file__).parent
FEATURES = [f"f{k}" for k in range(1, 7)]
SCANNERS = ["A", "B", "C"]


def draw() -> pd.DataFrame:
    rng = np.random.default_rng(20261123)
    rows = []
    for person in range(30):
        age = rng.integers(50, 80)
        for visit in range(1 + person % 4):
            rows.append((f"p{person:02}", SCANNERS[rng.integers(3)], visit * 0.75, age))
    table = pd.DataFrame(rows, columns=["person", "scanner", "years", "age"])
    for k, name in enumerate(FEATURES):
        level = {p: rng.normal(0, 0.3 + 0.2 * k) for p in table["person"].unique()}
        effect = {s: rng.normal(0, 0.4) for s in SCANNERS}
        noise = {"A": 0.3, "B": 0.4, "C": 0.55}
        table[name] = (
            5 + k
            - 0.01 * table["age"]
            - 0.1 * table["years"]
            + table["person"].map(level)
            + table["scanner"].map(effect)
            + table["scanner"].map(noise) * rng.normal(size=len(table))
        )
    return table


def mixed(table: pd.DataFrame, name: str):
    """Fixed effects, residual variance, variance between people, fitted values."""
    model = smf.mixedlm(f"{name} ~ C(scanner) + age + years", table, groups=table["person"])
    found = model.fit(reml=True, method=["powell"])
    x, y, groups = model.exog, model.endog, table["person"].to_numpy()
    start = np.log(max(float(found.cov_re.iloc[0, 0]) / found.scale, 1e-6))

    def loss(log_ratio: float) -> float:
        params = MixedLMParams.from_components(fe_params=found.fe_params, cov_re=np.array([[np.exp(log_ratio)]]))
        return -model.loglike(params, profile_fe=True)

    ratio = np.exp(minimize_scalar(loss, bounds=(start - 2, start + 2), method="bounded", options={"xatol": 1e-10}).x)
    covariance = np.eye(len(y)) + ratio * (groups[:, None] == groups[None, :])
    inverse = np.linalg.inv(covariance)
    beta = np.linalg.solve(x.T @ inverse @ x, x.T @ inverse @ y)
    left = y - x @ beta
    scale = left @ inverse @ left / (len(y) - x.shape[1])
    fitted = x @ beta + (covariance - np.eye(len(y))) @ inverse @ left
    return model.exog_names, beta, scale, ratio, fitted, found


def combat(table: pd.DataFrame, method: str) -> tuple[np.ndarray, list[dict]]:
    batch = table["scanner"].to_numpy()
    sizes = np.array([(batch == s).sum() for s in SCANNERS])
    standard, sds, kept, estimates = [], [], [], []
    for name in FEATURES:
        names, beta, scale, ratio, fitted, found = mixed(table, name)
        y = table[name].to_numpy()
        effect = np.array([0, *[b for n, b in zip(names, beta) if "scanner" in n]])
        effect = effect - effect @ sizes / sizes.sum()
        own = effect[[SCANNERS.index(s) for s in batch]]
        residual = y - fitted
        sd = np.sqrt(scale if method == "reml" else np.mean((residual - residual.mean()) ** 2))
        standard.append((residual + own) / sd)
        sds.append(sd)
        kept.append(fitted - own)
        estimates.append(
            {
                "feature": name, "scale": scale, "ratio": ratio, "age": beta[names.index("age")], "years": beta[names.index("years")],
                "A": effect[0], "B": effect[1], "C": effect[2],
                "statsmodels_scale": found.scale, "statsmodels_ratio": float(found.cov_re.iloc[0, 0]) / found.scale,
            }
        )
    z = np.array(standard)
    out = np.empty_like(z)
    for s in SCANNERS:
        own = z[:, batch == s]
        n = own.shape[1]
        location, scale = own.mean(axis=1), own.var(axis=1, ddof=1)
        center, spread = location.mean(), location.var(ddof=1)
        mean, variance = scale.mean(), scale.var(ddof=1)
        shape, rate = (mean**2 + 2 * variance) / variance, (mean**3 + mean * variance) / variance
        g, d = location.copy(), scale.copy()
        for _ in range(200):
            g = (n * spread * location + d * center) / (n * spread + d)
            d = (rate + 0.5 * ((own - g[:, None]) ** 2).sum(axis=1)) / (n / 2 + shape - 1)
        out[:, batch == s] = (own - g[:, None]) / np.sqrt(d)[:, None]
    return (out * np.array(sds)[:, None] + np.array(kept)).T, estimates


draw().to_csv(HERE / "table.csv", index=False)
table = pd.read_csv(HERE / "table.csv")
for method in ["reml", "msr"]:
    harmonized, estimates = combat(table, method)
    pd.DataFrame(harmonized, columns=FEATURES).to_csv(HERE / f"{method}.csv", index=False)
pd.DataFrame(estimates).to_csv(HERE / "estimates.csv", index=False)
(HERE / "requirements.txt").write_text(
    "".join(f"{name}=={version(name)}\n" for name in ["numpy", "pandas", "scipy", "statsmodels"])
)
