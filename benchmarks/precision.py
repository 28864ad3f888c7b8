"""How many draws does a posterior sd need? Group effects of a published case against its reference, by draws.

Eighteen batting averages (tests/cases/bball1970), whose group sd has a heavy tail; the reference is a long run
by rstanarm, and asks for every sd within 7 %.

    python -m benchmarks.precision
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd

from data_science import ModelSpecification, Prior, pipeline
from data_science.engines.registry import FitSettings

CASE = Path(__file__).parents[1] / "tests" / "cases" / "bball1970"
SPECIFICATION = ModelSpecification(
    "p(Hits, AB) ~ 1 + (1 | Player)",
    priors={"Intercept": Prior("Normal", mu=-1, sigma=1), "group_sd": Prior("Exponential", lam=1)},
    standardize=False,
)
TOLERANCE = 0.07
N_SEEDS = 20


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    frame = pd.read_csv(CASE / "data.csv")
    effects = json.loads((CASE / "reference.json").read_text())["computed_posterior"]["group_effects"]
    names = {f"1|Player[{name.removeprefix('Player:')}]": values["sd"] for name, values in effects.items()}
    print(f"largest relative error of {len(names)} sds, nuts, {N_SEEDS} seeds, 4 chains")
    print(f"{'draws a chain':>14}{'seconds':>9}{'median':>9}{'worst':>9}{'over 7 %':>10}")
    for draws in (1000, 2000, 3000):
        errors, seconds = [], []
        for seed in range(N_SEEDS):
            started = perf_counter()
            fit = pipeline.fit(frame, SPECIFICATION, settings=FitSettings(seed=seed, draws=draws))
            seconds.append(perf_counter() - started)
            ratios = fit.summary.loc[list(names), "sd"].to_numpy() / np.array(list(names.values()))
            errors.append(np.abs(ratios - 1).max())
        n_over = sum(error > TOLERANCE for error in errors)
        print(
            f"{draws:>14,}{np.median(seconds):>9.1f}{np.median(errors):>9.3f}{max(errors):>9.3f}{n_over:>10}",
            flush=True,
        )


if __name__ == "__main__":
    main()
