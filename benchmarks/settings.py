"""Both engines over hard settings: many sparse groups, slopes, interactions, separation, few rows, no signal.

One process, warm; each row says effective draws (smallest bulk ESS over all parameters), seconds of the engine
alone, ESS per second, divergences, r_hat, and the certificate of nested Laplace (which may decline).

    python -m benchmarks.settings
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np
import pandas as pd

from data_science.engines.posterior import to_tree
from data_science.engines.registry import FitSettings, engine
from data_science.errors import GateError
from data_science.evaluation import diagnostics
from data_science.formula import design
from data_science.formula.specification import DEFAULT_FORMULA, ModelSpecification
from data_science.likelihood.fidelity import compress_enough

EFFECT_A = np.array([0.4, -0.6, 0.1, -0.3, 0.4])
EFFECT_B = np.array([-0.5, 0.3, -0.1, 0.3])


@dataclass(frozen=True, slots=True)
class Setting:
    """One data set and formula."""

    name: str
    formula: str
    frame: pd.DataFrame


def company(n_rows: int, *, signal: bool, seed: int = 1) -> pd.DataFrame:
    """Rows with the shares of the stand-in company; label depends on the features or not."""
    rng = np.random.default_rng(seed)
    a, b = rng.choice(5, n_rows, p=[0.5, 0.05, 0.1, 0.15, 0.2]), rng.choice(4, n_rows, p=[0.1, 0.2, 0.3, 0.4])
    scd_a, scd_b = rng.random(n_rows), rng.integers(1, 6, n_rows)
    eta = np.full(n_rows, -2.3)
    if signal:
        eta = -3.4 + 1.2 * scd_a + 0.15 * scd_b + EFFECT_A[a] + EFFECT_B[b]
    label = (rng.random(n_rows) < 1 / (1 + np.exp(-eta))).astype(int)
    letters = np.array(list("abcd"))
    return pd.DataFrame(
        {"attr_a": a + 1, "attr_b": letters[b], "scd_a": scd_a, "scd_b": scd_b, "label": label}
    )


def settings() -> list[Setting]:
    """All settings of the table."""
    rng = np.random.default_rng(7)
    separated = company(20_000, signal=True)
    separated.loc[separated["attr_a"] == 2, "label"] = 0
    many = company(35_000, signal=True)
    sizes = rng.pareto(1.0, 1_000) + 0.02  # long-tailed: many levels with one to five clients
    many["branch"] = rng.choice(1_000, len(many), p=sizes / sizes.sum())
    many["label"] = (
        rng.random(len(many)) < 1 / (1 + np.exp(2 - rng.normal(0, 0.7, 1_000)[many["branch"]]))
    ).astype(int)
    return [
        Setting("default, signal", DEFAULT_FORMULA, company(150_000, signal=True)),
        Setting("default, no signal", DEFAULT_FORMULA, company(150_000, signal=False)),
        Setting(
            "random slope",
            "label ~ scd_a + scd_b + (scd_a | attr_a) + (1 | attr_b)",
            company(150_000, signal=True),
        ),
        Setting("interaction group", "label ~ scd_a + (1 | attr_a:attr_b)", company(150_000, signal=True)),
        Setting("separation", DEFAULT_FORMULA, separated),
        Setting("200 rows, signal", DEFAULT_FORMULA, company(200, signal=True)),
        Setting("200 rows, no signal", DEFAULT_FORMULA, company(200, signal=False)),
        Setting("1,000 levels", "label ~ scd_b + (1 | branch)", many),
        Setting("1,000 levels, slope", "label ~ scd_b + (scd_b | branch) + (1 | attr_a)", many),
    ]


def main() -> None:
    """Print the table."""
    print(
        f"{'setting':<22}{'engine':<16}{'nodes':>7}{'p':>6}{'ESS':>9}{'s':>8}{'ESS/s':>9}{'div':>5}{'r_hat':>8}{'k-hat':>7}"
    )
    for setting in settings():
        learned = design.learn(ModelSpecification(setting.formula), setting.frame)
        compressed = compress_enough(learned, design.encode(learned, setting.frame))
        size = f"{len(compressed.cells):>7,}{learned.encoding.n_coefficients:>6,}"
        for name in ("nuts", "nested-laplace"):
            started = perf_counter()
            try:
                posterior = engine(name).draw(learned, compressed, FitSettings(), lambda _: None)
            except GateError as declined:
                print(
                    f"{setting.name:<22}{name:<16}{size}{'':>9}{perf_counter() - started:>8.1f}  {declined}"
                )
                continue
            seconds = perf_counter() - started
            table = diagnostics.summary(to_tree(learned, posterior))
            ess, rhat = table["ess_bulk"].min(), table["r_hat"].max()
            divergences = int(posterior.statistics["diverging"].sum()) if name == "nuts" else ""
            khat = f"{posterior.attributes['khat']:.2f}" if "khat" in posterior.attributes else ""
            print(
                f"{setting.name:<22}{name:<16}{size}{ess:>9,.0f}{seconds:>8.2f}{ess / seconds:>9,.0f}"
                f"{divergences:>5}{rhat:>8.4f}{khat:>7}",
                flush=True,
            )


if __name__ == "__main__":
    main()
