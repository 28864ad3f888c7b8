"""Posteriors without a sampler: draws by hand for a design, and around the mode of small data."""

import numpy as np
import pandas as pd

from data_science.engines.posterior import Posterior
from data_science.formula import design
from data_science.formula.design import blocks
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.fidelity import compress_enough


def clients(n_rows=300, seed=1):
    """Return the default formula's columns, every level present, with labels that depend on `scd_a`."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "attr_a": np.arange(n_rows) % 5 + 1,
            "attr_b": np.array(list("abcd"))[rng.permutation(n_rows) % 4],
            "scd_a": rng.random(n_rows),
            "scd_b": rng.integers(1, 6, n_rows),
        }
    )
    chance = 1 / (1 + np.exp(1.5 - 2 * frame["scd_a"]))
    return frame.assign(label=(rng.random(n_rows) < chance).astype(int))


def learned(formula=None, frame=None):
    """Return the design of a formula on `clients`."""
    return design.learn(
        ModelSpecification(formula) if formula else ModelSpecification(),
        clients() if frame is None else frame,
    )


def compressed(learned_design, frame):
    """Return the design's density on a frame."""
    return compress_enough(learned_design, design.encode(learned_design, frame))


def independent(learned_design, n_chains=4, n_draws=500, seed=1, attributes=None):
    """Return independent standard normal draws of every coefficient and of every log sd."""
    rng = np.random.default_rng(seed)
    n, n_sds = learned_design.encoding.n_coefficients, len(list(blocks(learned_design.encoding)))
    statistics = {
        "diverging": np.zeros((n_chains, n_draws), dtype=bool),
        "energy": rng.normal(size=(n_chains, n_draws)),
    }
    return Posterior(
        rng.normal(size=(n_chains, n_draws, n)),
        np.exp(rng.normal(size=(n_chains, n_draws, n_sds))),
        statistics,
        {"engine": "nuts"} | (attributes or {}),
    )


def around_the_mode(found, engine, n_draws=500, seed=1):
    """Return Gaussian draws around the mode of compressed data: a fit that passes every gate."""
    rng = np.random.default_rng(seed)
    n, n_sds = found.joint.n_coefficients, found.joint.n_sds
    z = rng.normal(size=(4, n_draws, n))
    x = found.mode.x + np.apply_along_axis(found.mode.factor.solve_upper, 2, z)
    theta = found.mode.theta + 0.3 * rng.normal(size=(4, n_draws, n_sds))
    statistics = {"diverging": np.zeros((4, n_draws), dtype=bool), "energy": rng.normal(size=(4, n_draws))}
    return Posterior(found.at.to_raw(x), found.at.sds_to_raw(theta), statistics, {"engine": engine})
