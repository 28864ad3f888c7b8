"""Worlds to simulate from: fixed covariates, a specification, and truths drawn from its prior.

The prior is drawn with SciPy and its units are worked out here, so an error in the package's own densities
or rescaling would show as wrong ranks.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.stats as st

from data_science import ModelSpecification, Prior
from data_science.formula.design import Design
from data_science.formula.places import Places

DRAW = {
    "Normal": lambda mu, sigma: st.norm(mu, sigma),
    "StudentT": lambda nu, mu, sigma: st.t(nu, mu, sigma),
    "HalfNormal": lambda sigma: st.halfnorm(scale=sigma),
    "HalfStudentT": lambda nu, sigma: _AbsoluteT(nu, sigma),
    "Exponential": lambda lam: st.expon(scale=1 / lam),
    "Gamma": lambda alpha, beta: st.gamma(alpha, scale=1 / beta),
}


@dataclass(frozen=True, slots=True)
class _AbsoluteT:
    nu: float
    sigma: float

    def rvs(self, size, random_state):
        return np.abs(st.t(self.nu, 0, self.sigma).rvs(size, random_state=random_state))


@dataclass(frozen=True)
class World:
    """What is known before any label is seen."""

    frame: pd.DataFrame  # covariates (and trials), every level present
    specification: ModelSpecification
    probes: pd.DataFrame  # rows whose true probability the predictive intervals must cover
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Truth:
    """One draw from the prior, raw scale, in the encoding's order."""

    coefficients: np.ndarray
    sds: np.ndarray
    probe_logits: np.ndarray  # (probe,); an unseen group has its own effect, drawn from its distribution


def draw_truth(world: World, design: Design, rng: np.random.Generator) -> Truth:
    """Draw coefficients and group sds from the prior, and the logits of the probes."""
    specification, frame = design.specification, world.frame
    parsed = {term.name: term for term in specification.terms}
    coefficients, sds, shift = [], [], 0.0
    probe_logits = np.zeros(len(world.probes))
    for term in design.encoding.terms:
        unit = np.prod([frame[c].std(ddof=0) for c in term.numeric]) if specification.standardize else 1.0
        prior = specification.prior(parsed[term.name])
        law = DRAW[prior.name](**prior.arguments)
        multiplier = np.prod([world.probes[c].to_numpy(float) for c in term.numeric], axis=0)
        if not term.is_group_specific:
            values = law.rvs(term.n_coefficients, random_state=rng) / unit
            columns = _columns(term, frame)
            if term.name != "Intercept":
                shift += columns.mean(axis=0) @ values
            probe_logits += _columns(term, world.probes) @ values
        else:
            assert term.n_expressions == 1
            sd = law.rvs(1, random_state=rng) / unit
            values = rng.normal(0, sd, term.n_groups)
            (group,) = term.groups
            codes = pd.Index(group.levels).get_indexer(pd.Index(world.probes[group.column]))
            fresh = rng.normal(0, sd, len(codes))
            probe_logits += multiplier * np.where(codes >= 0, values[codes], fresh)
            sds.append(sd)
        coefficients.append(values)
    whole = np.concatenate(coefficients)
    if design.has_intercept:  # its prior is at the mean of every common predictor
        whole[design.encoding.slices["Intercept"].start] -= shift
        probe_logits -= shift
    return Truth(whole, np.concatenate([*sds, []]), probe_logits)


def simulate(world: World, design: Design, truth: Truth, rng: np.random.Generator) -> pd.DataFrame:
    """Draw labels given the truth; redraw nothing."""
    parts = [_columns(term, world.frame) for term in design.encoding.terms]
    probability = 1 / (1 + np.exp(-np.hstack(parts) @ truth.coefficients))
    response = design.specification.response
    trials = 1 if response.trials is None else world.frame[response.trials].to_numpy()
    return world.frame.assign(**{response.successes: rng.binomial(trials, probability)})


def _columns(term, frame: pd.DataFrame) -> np.ndarray:
    """Columns of the design that belong to a term, shape (row, coefficient)."""
    factors = [c.factor for c in term.codings] + list(term.groups)
    codes = {f.column: pd.Index(f.levels).get_indexer(pd.Index(frame[f.column])) for f in factors}
    positions = Places.of(term).rows(codes, len(frame))
    matrix = np.zeros((len(frame), term.n_coefficients))
    rows = np.flatnonzero(positions < term.n_coefficients)
    numeric = {c: frame[c].to_numpy(float) for c in term.numeric}
    matrix[rows, positions[rows]] = term.multipliers(numeric, len(frame))[rows]
    return matrix


def _clients(n: int, a: dict[int, float], b: dict[str, float], *, seed: int = 20_261_122) -> pd.DataFrame:
    """Rows of feature_store without the label; every level gets its share, at least one row."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "attr_a": _shared(n, a)[rng.permutation(n)],
            "attr_b": _shared(n, b)[rng.permutation(n)],
            "scd_a": rng.random(n),
            "scd_b": rng.integers(1, 6, n),
        }
    )


def _shared(n: int, shares: dict) -> np.ndarray:
    counts = np.maximum(1, np.round(n * np.array(list(shares.values())))).astype(int)
    counts[0] += n - counts.sum()
    return np.repeat(np.array(list(shares)), counts)


_PROBES = pd.DataFrame(
    {"attr_a": [1, 3, 99], "attr_b": ["a", "b", "z"], "scd_a": [0.5, 0.05, 0.95], "scd_b": [3, 1, 5]}
)
_COMPANY = {1: 0.5, 2: 0.05, 3: 0.1, 4: 0.15, 5: 0.2}, {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}


def small() -> World:
    """Forty clients."""
    return World(_clients(40, {1: 0.4, 2: 0.3, 3: 0.3}, {"a": 0.5, "b": 0.5}), ModelSpecification(), _PROBES)


def unbalanced() -> World:
    """Groups of 340 to 5 clients, and a rare label."""
    frame = _clients(400, {1: 0.85, 2: 0.1, 3: 0.0125, 4: 0.0375}, {"a": 0.975, "b": 0.025})
    priors = {"Intercept": Prior("Normal", mu=-2.3, sigma=1)}
    return World(frame, ModelSpecification(priors=priors), _PROBES)


def nearly_separated() -> World:
    """Two dozen clients, and effects so large that one column often tells the label."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({"x": rng.normal(size=24), "g": np.repeat(["p", "q", "r", "s"], 6)})
    priors = {
        "Intercept": Prior("Normal", mu=0, sigma=2.5),
        "common": Prior("Normal", mu=0, sigma=5),
        "group_sd": Prior("HalfNormal", sigma=4),
    }
    probes = pd.DataFrame({"x": [0.0, 1.5, -1.0], "g": ["p", "s", "new"]})
    return World(frame, ModelSpecification("label ~ x + (1 | g)", priors=priors), probes)


def no_signal() -> World:
    """The real data's shape: effects too small to see."""
    priors = {
        "Intercept": Prior("Normal", mu=-2.3, sigma=0.1),
        "common": Prior("Normal", mu=0, sigma=0.02),
        "group_sd": Prior("HalfNormal", sigma=0.02),
    }
    return World(_clients(2000, *_COMPANY), ModelSpecification(priors=priors), _PROBES)


def continuous() -> World:
    """One continuous covariate, which quadrature replaces."""
    frame = _clients(1000, {1: 0.5, 2: 0.2, 3: 0.3}, {"a": 0.6, "b": 0.4})
    return World(frame, ModelSpecification(), _PROBES)


def continuous_exact() -> World:
    """The same clients, every row with its own likelihood term."""
    return World(continuous().frame, ModelSpecification(), _PROBES, exact=True)


def counts() -> World:
    """Successes out of trials, a categorical common effect, heavy-tailed priors, priors per unit."""
    rng = np.random.default_rng(11)
    frame = pd.DataFrame(
        {
            "herd": np.repeat(np.arange(12), 4),
            "period": np.tile(["p1", "p2", "p3", "p4"], 12),
            "size": rng.integers(1, 20, 48),
        }
    )
    priors = {
        "Intercept": Prior("StudentT", nu=4, mu=-1, sigma=1.5),
        "common": Prior("StudentT", nu=5, mu=0, sigma=1),
        "group_sd": Prior("HalfStudentT", nu=4, sigma=0.7),
    }
    formula = "p(sick, size) ~ period + (1 | herd)"
    probes = pd.DataFrame({"herd": [0, 11, 99], "period": ["p1", "p4", "p2"]})
    return World(frame, ModelSpecification(formula, priors=priors, standardize=False), probes)


def slopes() -> World:
    """Intercepts and slopes that vary by group."""
    rng = np.random.default_rng(13)
    frame = pd.DataFrame({"x": rng.normal(10, 2, 180), "g": np.repeat(list("abcdef"), 30)})
    priors = {"group_sd": Prior("Gamma", alpha=2, beta=2), "x|g": Prior("Exponential", lam=2)}
    probes = pd.DataFrame({"x": [10.0, 14.0, 6.0], "g": ["a", "f", "new"]})
    return World(frame, ModelSpecification("label ~ x + (x | g)", priors=priors), probes)


WORLDS: dict[str, Callable[[], World]] = {
    make.__name__.replace("_", "-"): make
    for make in (small, unbalanced, nearly_separated, no_signal, continuous, continuous_exact, counts, slopes)
}
