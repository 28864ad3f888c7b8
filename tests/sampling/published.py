"""Our draws by the names of published references, and their distance from a reference's numbers."""

import numpy as np
from arviz_stats.base import array_stats
from monte_carlo import scalars

from data_science import BayesianLogitModel

THINNED_ESS = 3_000  # effective draws of a reference "from 4000 evenly thinned draws"


def drawn(model: BayesianLogitModel) -> tuple[dict[str, np.ndarray], float]:
    """Draws by the references' names, with group variances, and the efficiency of their weights."""
    posterior = model.posterior["posterior"].to_dataset()
    found = {}
    for name, values in scalars(posterior).items():
        if name.endswith("_sigma"):
            factor = name.removeprefix("1|").removesuffix("_sigma")
            found |= {f"group_sd:{factor}": values, f"group_variance:{factor}": values**2}
        else:
            found["(Intercept)" if name == "Intercept" else name] = values
    return found, float(posterior.attrs.get("efficiency", 1.0))


def in_standard_errors(draws: np.ndarray, efficiency: float, reference: dict) -> dict[str, float]:
    """How far mean, sd and every quantile of a reference are from ours, in standard errors of both."""

    def distance(value, expected, **method):
        error = float(array_stats.mcse(draws, chain_axis=0, draw_axis=1, **method)) / np.sqrt(efficiency)
        return abs(value - expected) / (error * with_theirs)

    mcse = float(array_stats.mcse(draws, chain_axis=0, draw_axis=1)) / np.sqrt(efficiency)
    ours, theirs = (draws.std() / mcse) ** 2, reference.get("ess_bulk", THINNED_ESS)
    with_theirs = np.sqrt(1 + ours / theirs)
    return {
        "mean": distance(draws.mean(), reference["mean"], method="mean"),
        "sd": distance(draws.std(ddof=1), reference["sd"], method="sd"),
        **{
            key: distance(np.quantile(draws, q), reference[key], method="quantile", prob=q)
            for key in reference
            if key.endswith("%")
            for q in [float(key[:-1]) / 100]
        },
    }
