"""Prior distributions, one file a family; `data_science.extension` lists them.

Names and arguments are PyMC's, so that a prior reads the same here, in Bambi and in the literature.
"""

from data_science.formula.priors.family import LOCATION, RATE, SCALE, SHAPE, Canonical, Family, LogDensity
from data_science.formula.priors.independent import IndependentPriors
from data_science.formula.priors.prior import COMMON, GROUP_SD, Prior

__all__ = [
    "COMMON",
    "GROUP_SD",
    "LOCATION",
    "RATE",
    "SCALE",
    "SHAPE",
    "Canonical",
    "Family",
    "IndependentPriors",
    "LogDensity",
    "Prior",
]
