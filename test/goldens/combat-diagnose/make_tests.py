"""Expected values for attune combat test and diagnose, from statsmodels.

    python make_tests.py TABLE OUT.json      (test/goldens/combat/table.csv; statsmodels 0.15.0, scipy 1.17.1)

For every feature: F and p of `age` and `diagnosis` in one linear model with site and all covariates, Holm and Benjamini-Hochberg over the
features, the coefficient of age in residual SD per SD within sites with its interval, and partial epsilon squared of site.
"""
import json
import sys

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from statsmodels.stats.multitest import multipletests

table = pd.read_csv(sys.argv[1])
features = [name for name in table.columns if name.startswith("f")]
full = "site + age + sex + diagnosis"
without = {"age": "site + sex + diagnosis", "diagnosis": "site + age + sex", "site": "age + sex + diagnosis"}
out = {name: {} for name in features}
for of in ("age", "diagnosis"):
    tests = [
        smf.ols(f"{name} ~ {full}", table).fit().compare_f_test(smf.ols(f"{name} ~ {without[of]}", table).fit())
        for name in features
    ]
    p = [test[1] for test in tests]
    holm = multipletests(p, method="holm")[1]
    fdr = multipletests(p, method="fdr_bh")[1]
    for k, name in enumerate(features):
        out[name][of] = {"f": tests[k][0], "p": p[k], "holm": holm[k], "fdr": fdr[k]}
age_sd = np.sqrt(smf.ols("age ~ site", table).fit().mse_resid)
for name in features:
    fit = smf.ols(f"{name} ~ {full}", table).fit()
    reduced = smf.ols(f"{name} ~ {without['site']}", table).fit()
    unit = age_sd / np.sqrt(fit.mse_resid)
    low, high = fit.conf_int().loc["age"]
    out[name]["effect"] = {"value": fit.params["age"] * unit, "low": low * unit, "high": high * unit}
    out[name]["site"] = 1 - fit.mse_resid / reduced.mse_resid
json.dump(out, open(sys.argv[2], "w"), indent=1)
