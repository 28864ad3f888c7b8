"""Tables with several continuous covariates of every odd kind, one function each, seeded."""

import numpy as np
import pandas as pd
from scipy.interpolate import BSpline
from scipy.special import expit

N_ROWS = 20_000
FORMULA = "y ~ x + z + w + (1 | g)"


def plain(n_rows: int = N_ROWS, seed: int = 1) -> pd.DataFrame:
    """Three normal covariates, two of them correlated, and five groups of uneven size."""
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(2, n_rows))
    z = 0.95 * x + np.sqrt(1 - 0.95**2) * rng.normal(size=n_rows)
    g = rng.choice(5, n_rows, p=[0.5, 0.05, 0.1, 0.15, 0.2])
    return labelled(pd.DataFrame({"x": x, "z": z, "w": w, "g": g}), seed)


def labelled(frame: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    """Draw the response anew from the covariates, whatever their scale."""
    rng = np.random.default_rng(seed + 1)
    standard = (frame[["x", "z", "w"]] - frame[["x", "z", "w"]].mean()) / frame[["x", "z", "w"]].std()
    effects = np.array([0.4, -0.3, 0.2, 0.0, -0.5])[frame["g"]]
    eta = -1.5 + standard.to_numpy() @ [0.5, -0.3, 0.4] + effects
    return frame.assign(y=(rng.random(len(frame)) < expit(eta)).astype(int))


def heavy_tailed() -> pd.DataFrame:
    """Columns of few moments: t with 2.5 degrees of freedom, lognormal, exponential."""
    rng = np.random.default_rng(2)
    tails = {
        "x": rng.standard_t(2.5, N_ROWS),
        "z": rng.lognormal(0, 1, N_ROWS),
        "w": rng.exponential(size=N_ROWS),
    }
    return labelled(plain().assign(**tails))


def duplicated() -> pd.DataFrame:
    """One column stands there twice."""
    frame = plain()
    return labelled(frame.assign(z=frame["x"]))


def collinear() -> pd.DataFrame:
    """One column is the sum of two others, and an affine function of nothing else."""
    frame = plain()
    return labelled(frame.assign(w=3.0 * frame["x"] - 2.0 * frame["z"] + 10.0))


def integer() -> pd.DataFrame:
    """Counts and rounded numbers, whose rows repeat."""
    frame = plain()
    rng = np.random.default_rng(3)
    rounded = {
        "x": rng.poisson(2.0, N_ROWS),
        "z": (2 * frame["z"]).round() / 2,
        "w": rng.integers(0, 50, N_ROWS),
    }
    return labelled(frame.assign(**rounded))


def separated() -> pd.DataFrame:
    """One group has no success."""
    frame = plain()
    return frame.assign(y=frame["y"].where(frame["g"] != 1, 0))


def cleft() -> pd.DataFrame:
    """One covariate all but decides the response."""
    frame = plain()
    rng = np.random.default_rng(4)
    return frame.assign(y=(frame["w"] + 0.05 * rng.normal(size=N_ROWS) > 0.3).astype(int))


def outlying() -> pd.DataFrame:
    """One row is sixty sds out."""
    frame = plain()
    frame.loc[7, "w"] = 60.0
    return frame


def far_units() -> pd.DataFrame:
    """Columns far from zero and of absurd units."""
    frame = plain()
    return frame.assign(x=frame["x"] * 1e-7, z=1e6 + frame["z"], w=1e9 * frame["w"])


def rare() -> pd.DataFrame:
    """Few dozen successes."""
    frame = plain()
    rng = np.random.default_rng(5)
    return frame.assign(y=(rng.random(N_ROWS) < expit(-6 + 0.5 * frame["x"])).astype(int))


def bent() -> pd.DataFrame:
    """A column, its square and its cube: a basis whose last function few rows determine."""
    frame = plain()
    tail = np.random.default_rng(6).standard_t(4, N_ROWS)
    return labelled(frame.assign(x=tail, z=tail**2, w=tail**3))


def splined(n_functions: int = 5) -> pd.DataFrame:
    """A cubic B-spline basis of a lognormal column: few rows determine its last function."""
    values = np.random.default_rng(8).lognormal(0, 1, N_ROWS)
    inner = np.quantile(values, np.linspace(0, 1, n_functions - 1)[1:-1])
    knots = np.r_[[values.min()] * 4, inner, [values.max()] * 4]
    basis = BSpline.design_matrix(values, knots, 3).toarray()[:, 1:]
    return plain().assign(**{f"b{j}": basis[:, j] for j in range(n_functions)})


def trials() -> pd.DataFrame:
    """Several trials a row."""
    frame = plain()
    rng = np.random.default_rng(7)
    size = rng.integers(1, 9, N_ROWS)
    chance = expit(-1 + 0.5 * frame["x"] - 0.3 * frame["w"])
    return frame.assign(size=size, hits=rng.binomial(size, chance))


KINDS = {
    "plain": (plain, FORMULA),
    "heavy-tailed": (heavy_tailed, FORMULA),
    "duplicated": (duplicated, FORMULA),
    "collinear": (collinear, FORMULA),
    "integer": (integer, FORMULA),
    "a group without success": (separated, FORMULA),
    "all but separated": (cleft, FORMULA),
    "one row far out": (outlying, FORMULA),
    "units far from one": (far_units, FORMULA),
    "rare": (rare, FORMULA),
    "powers of a heavy-tailed column": (bent, FORMULA),
    "a spline of a heavy-tailed column": (splined, "y ~ b0 + b1 + b2 + b3 + b4 + x + (1 | g)"),
    "several trials": (trials, "p(hits, size) ~ x + z + w + (1 | g)"),
    "slopes by group": (plain, "y ~ x + z + w + (x | g)"),
    "interactions": (plain, "y ~ x * z + w:C(g)"),
    "no intercept": (plain, "y ~ 0 + x + z + w"),
    "no factor": (plain, "y ~ x + z + w"),
}
