"""From costs to a threshold: which label to predict.

Changes when the decision is to follow something else than expected cost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from numbers import Real

from data_science.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Costs:
    """Cost of each kind of mistake, in any one unit.

    Parameters
    ----------
    false_positive, false_negative : float
        Of a wrong 1, and of a wrong 0; finite and above 0.

    Raises
    ------
    SettingsError
        If a cost is anything else: no threshold would follow.

    Examples
    --------
    >>> from data_science import Costs
    >>> Costs(false_positive=1, false_negative=4).threshold
    0.2
    """

    false_positive: float = 1.0
    false_negative: float = 1.0

    def __post_init__(self) -> None:
        for field in fields(self):
            cost = getattr(self, field.name)
            if not (isinstance(cost, Real) and math.isfinite(cost) and float(cost) > 0):
                raise SettingsError(f"{field.name} is {cost!r}; expected a finite number above 0")

    @property
    def threshold(self) -> float:
        """Probability above which predicting 1 costs less than predicting 0 on average.

        Elkan 2001, "The foundations of cost-sensitive learning", IJCAI, equation 2.
        """
        return self.false_positive / (self.false_positive + self.false_negative)
