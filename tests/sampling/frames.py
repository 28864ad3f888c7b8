"""Simulated data for the tests of this folder: one function per kind of data, seeded."""

import numpy as np
import pandas as pd
from scipy.special import expit

from tests.frames import features


def clients(n_rows: int, *, signal: bool = True, seed: int = 1) -> pd.DataFrame:
    """Feature store of the design document, in both scenarios, and a few more columns."""
    rng = np.random.default_rng(seed)
    frame = features(rng, n_rows).assign(
        h=lambda _: rng.choice(["u", "v", "w"], n_rows), k=lambda _: rng.integers(0, 3, n_rows)
    )
    eta = np.full(n_rows, -2.3)
    if signal:
        by_a = frame["attr_a"].map(dict(enumerate([-0.6, 0.3, 0.0, 0.5, -0.2], start=1)))
        by_b = frame["attr_b"].map({"a": 0.4, "b": -0.3, "c": 0.2, "d": -0.3})
        eta = -2 + 1.2 * frame["scd_a"] + 0.1 * (frame["scd_b"] - 3) + by_a + by_b
    return frame.assign(label=(rng.random(n_rows) < expit(eta)).astype(int))


def herds(seed: int = 1) -> pd.DataFrame:
    """Trials in groups, like lme4's cbpp: incidence of a disease in 15 herds and 4 periods."""
    rng = np.random.default_rng(seed)
    herd, period = np.repeat(np.arange(15), 4)[:56], np.tile([1, 2, 3, 4], 15)[:56]
    size = rng.integers(2, 30, 56)
    chance = expit(-1.4 + rng.normal(0, 0.65, 15)[herd] - np.array([0, 1, 1.1, 1.6])[period - 1])
    incidence = rng.binomial(size, chance)
    return pd.DataFrame(
        {"herd": herd, "period": [str(p) for p in period], "size": size, "incidence": incidence}
    )


def patients(n_patients: int = 294, group_sd: float = 4.0, seed: int = 1) -> pd.DataFrame:
    """Sparse binary repeated measures with a large group sd, like the toenail data."""
    rng = np.random.default_rng(seed)
    visits = rng.integers(5, 8, n_patients)
    patient = np.repeat(np.arange(n_patients), visits)
    month = np.concatenate([1.5 * np.arange(n) for n in visits])
    treatment = patient % 2
    eta = -1.6 + rng.normal(0, group_sd, n_patients)[patient] - (0.4 + 0.15 * treatment) * month
    y = (rng.random(len(patient)) < expit(eta)).astype(int)
    return pd.DataFrame({"patient": patient, "month": month, "treatment": treatment, "y": y})


def sparse(n_groups: int = 60, seed: int = 1) -> pd.DataFrame:
    """Most groups with one row."""
    rng = np.random.default_rng(seed)
    g = np.r_[np.arange(n_groups), rng.integers(0, n_groups, n_groups // 3)]
    x = rng.normal(size=len(g))
    y = rng.random(len(g)) < expit(-1 + rng.normal(0, 1, n_groups)[g] + x)
    return pd.DataFrame({"g": g, "x": x, "y": y.astype(int)})


def nearly_separated(seed: int = 1) -> pd.DataFrame:
    """A covariate that all but decides the label."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=120)
    y = (x + 0.05 * rng.normal(size=120) > 0.3).astype(int)
    return pd.DataFrame({"g": rng.integers(0, 8, 120), "x": x, "y": y})


def crossed(n_rows: int = 600, seed: int = 1) -> pd.DataFrame:
    """Three crossed factors."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {name: rng.integers(0, n, n_rows) for name, n in zip("abc", (20, 8, 30), strict=True)}
    )
    eta = 0.3 + sum(
        rng.normal(0, sd, frame[c].max() + 1)[frame[c]] for c, sd in zip("abc", (0.8, 0.5, 1.0), strict=True)
    )
    x = rng.normal(size=n_rows)
    return frame.assign(x=x, y=(rng.random(n_rows) < expit(eta + 0.5 * x)).astype(int))


def slopes(n_rows: int = 600, n_groups: int = 20, seed: int = 1) -> pd.DataFrame:
    """Intercepts and slopes that vary by group."""
    rng = np.random.default_rng(seed)
    g, x = rng.integers(0, n_groups, n_rows), rng.normal(size=n_rows)
    eta = -0.5 + 0.5 * x + rng.normal(0, 1, n_groups)[g] + rng.normal(0, 0.7, n_groups)[g] * x
    return pd.DataFrame({"g": g, "x": x, "y": (rng.random(n_rows) < expit(eta)).astype(int)})


def long_tailed(n_rows: int = 20_000, n_levels: int = 1_000, *, signal: bool = True, seed: int = 1):
    """Many levels, most of them with few clients."""
    rng = np.random.default_rng(seed)
    frame = clients(n_rows, signal=signal, seed=seed)
    store = np.minimum(rng.pareto(1, n_rows) * 20, n_levels - 1).astype(int)
    return frame.assign(store=store)
