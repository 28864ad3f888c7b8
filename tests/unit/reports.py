"""Reports set by hand, in which every figure is another one, so that no two can be taken for each other."""

from dataclasses import replace

import numpy as np
import pandas as pd
from serving_cases import predictor

from data_science.data.summary import DataSummary
from data_science.evaluation.agreement import Agreement
from data_science.evaluation.comparison import Comparison
from data_science.evaluation.diagnostics import Diagnostics
from data_science.evaluation.loo import Elpd, Loo
from data_science.formula.specification import ModelSpecification
from data_science.prediction.correction import Correction
from data_science.report.summary import BASELINE, MODEL, Report
from tests.held_verdicts import N_ROWS, verdict

MEASURED = Diagnostics(
    engine="nuts", n_chains=3, n_draws=2_500, rhat_max=1.0071, rhat_worst="1|attr_a[3]", ess_bulk_min=1_413.4,
    ess_tail_min=812.6, ess_worst="scd_b", all_finite=True, observed_rate=0.0913, predicted_rate=(0.089, 0.094),
    n_divergences=0, bfmi_min=0.876, khat=None,
)  # fmt: skip
AGREEMENT = Agreement("1|attr_b_sigma", 0.0314, 2.72, 4.56, by="nested Laplace")
SUMMARY = pd.DataFrame(
    {
        "mean": [-2.345, 0.0678], "sd": [0.1234, 0.0456], "q5": [-2.567, -0.0123], "q50": [-2.346, 0.0679],
        "q95": [-2.134, 0.1432], "ess_bulk": [1_413.4, 5_678.9], "ess_tail": [2_345.6, 812.6],
        "r_hat": [1.0071, 1.0001], "mcse_mean": [0.0021, 0.0009],
    },
    index=pd.Index(["Intercept", "scd_a"], name="parameter"),
)  # fmt: skip


def compared(gain, sd, n_rows=N_ROWS):
    """Return a comparison whose difference is ``gain`` nats, with a standard error of about sd sqrt(n)."""
    half = np.array([n_rows / 2, n_rows / 2])
    base = np.array([-0.25, -0.35])
    model = base + gain / n_rows + np.array([sd, -sd])
    parts = {MODEL: (model, 5.25, 0.61), BASELINE: (base, 1.125, 0.42)}
    if gain < 0:
        parts = dict(reversed(parts.items()))
    loos = {
        name: Loo(at, np.full(2, p / n_rows), half, n_rows, np.array([0.1, khat]))
        for name, (at, p, khat) in parts.items()
    }
    waics = {name: Elpd(at - 0.001, np.zeros(2), half, n_rows) for name, (at, *_) in parts.items()}
    return Comparison(loos, waics, {MODEL: 0.8125, BASELINE: 0.1875})


def report(**changes):
    """Return a report of a model with costs 1 and 9, whose features help, or with some parts changed."""
    made = Report(
        specification=ModelSpecification("label ~ 1 + scd_a", standardize=True),
        dataset=DataSummary(N_ROWS, 0.09134, "f1a9e5"),
        compression="1,000 rows → 20 nodes",
        measured=MEASURED,
        agreement=AGREEMENT,
        notes=("One thing.", "Another."),
        comparison=compared(40.0, 0.03),
        verdict=verdict(),
        summary=SUMMARY,
        predictor=replace(
            predictor(threshold=0.1, response="churn"), correction=Correction(0.0123, 0.005, np.eye(12))
        ),
        seconds={"read": 1.23, "nuts": 45.67},
    )
    return replace(made, **changes)
