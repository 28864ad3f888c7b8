"""Plain Bambi, sampled by PyMC's NUTS on raw rows: what both engines' posteriors are compared with.

    python tests/sampling/plain_bambi.py [SETTING ...]

samples the quick settings (minutes) and stores their numbers with Monte Carlo errors under
tests/cases/plain_bambi. Nothing in them depends on this project's code but priors and test data.
"""

import json
import platform
import re
import shlex
import sys
from importlib.metadata import version
from math import floor, log10
from pathlib import Path

import pandas as pd
from by_hand import of_rows
from frames import clients, crossed, herds, nearly_separated, patients, slopes, sparse
from monte_carlo import Draws, Estimates, estimates, largest_rhat, scalars, tail_points
from peers import bambi_on

from data_science.formula.design import Design, learn
from data_science.formula.priors import Prior
from data_science.formula.specification import ModelSpecification

FOLDER = Path(__file__).parent.parent / "cases" / "plain_bambi"
SAMPLER = {"draws": 4000, "tune": 1000, "chains": 4, "target_accept": 0.95}
NAME, SEED = "pymc NUTS through bambi.Model.fit, non-centred", 7
LIBRARIES = ("bambi", "pymc", "pytensor", "numpy", "arviz-stats")
WIDE = {
    "Intercept": Prior("Normal", mu=0, sigma=2.5),
    "common": Prior("Normal", mu=0, sigma=2.5),
    "group_sd": Prior("Exponential", lam=1),
}


def wide(formula: str) -> ModelSpecification:
    return ModelSpecification(formula, priors=WIDE, standardize=False)


QUICK = {
    "default, signal": (ModelSpecification(), clients(500)),
    "default, no signal": (ModelSpecification(), clients(500, signal=False)),
    "random slope": (ModelSpecification("label ~ scd_a + (scd_a | attr_b)"), clients(400)),
    "interaction groups": (ModelSpecification("label ~ scd_b + (1 | attr_b:h)"), clients(400)),
    "categorical common effects": (ModelSpecification("label ~ attr_b * scd_a + C(k)"), clients(400)),
    "spline": (ModelSpecification("label ~ bs(scd_a, df=4) + (1 | h)"), clients(400)),
    "quadratic": (ModelSpecification("label ~ scd_a + I(scd_a**2)"), clients(400)),
    "offset": (ModelSpecification("label ~ scd_a + (1 | attr_b) + offset(log(scd_b))"), clients(400)),
    "trials": (wide("p(incidence, size) ~ period + (1 | herd)"), herds()),
}
HARD = {
    "large group sd": (wide("y ~ treatment * month + (1 | patient)"), patients(120)),
    "sparse groups": (wide("y ~ x + (1 | g)"), sparse()),
    "near separation": (wide("y ~ x + (1 | g)"), nearly_separated()),
    "crossed factors": (ModelSpecification("y ~ x + (1 | a) + (1 | b) + (1 | c)"), crossed()),
    "slopes of many groups": (ModelSpecification("y ~ x + (x | g)"), slopes()),
    "categorical slopes": (ModelSpecification("label ~ scd_a + (h | attr_b)"), clients(800)),
}


def sampled(design: Design, frame: pd.DataFrame, seed: int = SEED) -> tuple[Draws, int]:
    """Every scalar of the posterior, the log-likelihood and some rows' logits, all by Bambi; divergences."""
    model = bambi_on(frame, design, noncentered=True)
    tree = model.fit(**SAMPLER, cores=2, random_seed=seed, progressbar=False)
    found = scalars(tree["posterior"].to_dataset())
    assert largest_rhat(found) < 1.01  # else it proves nothing
    predicted = model.predict(tree, data=frame, inplace=False)["posterior"]["p"]
    found |= of_rows(design, predicted.transpose("chain", "draw", ...).to_numpy(), frame)
    return found, int(tree["sample_stats"]["diverging"].sum())


def path(setting: str) -> Path:
    return FOLDER / f"{re.sub('[^a-z]+', '-', setting)}.json"


def command(setting: str) -> str:
    return f"python tests/sampling/plain_bambi.py {shlex.quote(setting)}"


def stored(setting: str) -> tuple[dict[str, float], Estimates]:
    """Tail points and estimates of a quick setting, as they were stored."""
    if not path(setting).exists():
        raise FileNotFoundError(f"{path(setting)} is missing; to make it: {command(setting)}")
    reference = json.loads(path(setting).read_text(encoding="utf-8"))
    return reference["tails"], reference["estimates"]


def rounded(value: float, error: float) -> tuple[float, float]:
    """A value to a thousandth of its error."""
    return round(value, 3 - floor(log10(error))), float(f"{error:.3g}")


def store(setting: str) -> None:
    specification, frame = QUICK[setting]
    draws, n_divergences = sampled(learn(specification, frame), frame)
    tails = {name: float(f"{point:.6g}") for name, point in tail_points(draws).items()}
    found = {
        name: {quantity: rounded(*pair) for quantity, pair in quantities.items()}
        for name, quantities in estimates(draws, tails).items()
    }
    reference = {
        "made_by": command(setting),
        "formula": specification.formula,
        "sampler": {"name": NAME, **SAMPLER, "random_seed": SEED, "divergences": n_divergences},
        "versions": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
        "each_estimate": ["value", "its Monte Carlo standard error"],
        "tails": tails,
        "estimates": found,
    }
    FOLDER.mkdir(exist_ok=True)
    unfinished = path(setting).with_suffix(".unfinished")
    unfinished.write_text(json.dumps(reference, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(path(setting))


if __name__ == "__main__":
    for chosen in sys.argv[1:] or QUICK:
        print(f"{chosen} ...", flush=True)
        store(chosen)
