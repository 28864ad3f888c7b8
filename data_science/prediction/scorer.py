"""One row's linear predictor in plain Python: what a request costs; changes when that must be faster.

No NumPy arithmetic here: on four values it costs more than the values themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from data_science.errors import FeatureError
from data_science.formula.encoding import Encoding, Term
from data_science.formula.places import Places, Strand, strands
from data_science.prediction.features import PLAIN_NUMBERS
from data_science.prediction.rows import RowReader

INFINITY = float("inf")


@dataclass(frozen=True)
class RowScorer:
    """Posterior-mean coefficients, compiled for single rows."""

    encoding: Encoding
    reader: RowReader
    coefficients: Sequence[float]  # raw scale, in the order of the encoding
    _intercept: float = field(init=False, repr=False)
    _slopes: tuple[tuple[str, float], ...] = field(init=False, repr=False)
    _effects: tuple[tuple[str, frozenset[type], dict[Any, float]], ...] = field(init=False, repr=False)
    _additive: bool = field(init=False, repr=False)
    _terms: tuple[tuple[str, list[float], tuple[Strand, ...]], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        encoding = self.encoding
        simple = [term for term in encoding.terms if len(term.columns) < 2 and not term.bases]
        plain = not (encoding.derived or encoding.contrasts or encoding.offsets)
        object.__setattr__(self, "_additive", plain and len(simple) == len(encoding.terms))
        object.__setattr__(self, "_intercept", sum(self._values(t)[0] for t in simple if not t.columns))
        object.__setattr__(
            self, "_slopes", tuple((t.numeric[0], self._values(t)[0]) for t in simple if t.numeric)
        )
        factors = dict.fromkeys(t.columns[0] for t in simple if t.columns and not t.numeric)
        effects = tuple((c, self.reader.levels[c].plain, self._level_effects(c, simple)) for c in factors)
        object.__setattr__(self, "_effects", effects)
        terms = ((t.name, self._values(t), strands(t)) for t in encoding.terms)
        object.__setattr__(self, "_terms", tuple(terms))

    def logit(self, features: Mapping[str, Any]) -> float:
        """Return the linear predictor of one row.

        Raises
        ------
        FeatureError
            If a value cannot be read without guessing, or the numbers are beyond any float.
        """
        if not self._additive:
            return self.careful_logit(features)
        eta = self._intercept
        try:
            for column, plain, effects in self._effects:
                value = features[column]
                if type(value) not in plain:
                    return self.careful_logit(features)
                eta += effects[value]
            for column, slope in self._slopes:
                value = features[column]
                if type(value) is not float:
                    if type(value) not in PLAIN_NUMBERS:
                        return self.careful_logit(features)
                    value = float(value)
                eta += slope * value
        except (KeyError, IndexError, TypeError, OverflowError):
            return self.careful_logit(features)
        # NaN and infinity in any column end here.
        return eta if -INFINITY < eta < INFINITY else self.careful_logit(features)

    def careful_logit(self, features: Mapping[str, Any]) -> float:
        """Return the same as :meth:`logit`, to the last bit, reading value by value."""
        if not self._additive:
            return sum(self.contributions(features).values())
        codes, numbers = self.reader.one(features)
        eta = self._intercept
        for column, _, effects in self._effects:
            levels = list(effects.values())  # in the order of their codes
            eta += levels[codes[column]] if codes[column] < len(levels) else 0.0
        for column, slope in self._slopes:
            eta += slope * numbers[column]
        return self._finite(eta, numbers)

    def contributions(self, features: Mapping[str, Any]) -> dict[str, float]:
        """Return each term's part of the linear predictor, by Bambi's names; an offset's is its value."""
        codes, numbers = self.reader.one(features)
        parts: dict[str, float] = {}
        for name, coefficients, strands_ in self._terms:
            for strand in strands_:
                multiplier = float(prod(numbers[column] for column in strand.numeric))
                part = multiplier * coefficients[strand.places.row(codes)] + 0.0  # never minus zero
                parts[name] = parts[name] + part if name in parts else part
        parts |= {name: numbers[column] for name, column in self.encoding.offsets}
        self._finite(sum(parts.values()), {column: features[column] for column in self.reader.numeric})
        return parts

    def _finite(self, eta: float, numbers: Mapping[str, Any]) -> float:
        if not -INFINITY < eta < INFINITY:
            raise FeatureError(
                f"the numbers {numbers!r} are too large to score; expected the range seen in training"
            )
        return eta

    def _values(self, term: Term) -> list[float]:
        """Return a term's coefficients, and the zero past the last of them."""
        part = self.encoding.slices[term.name]
        return [*(float(value) for value in self.coefficients[part]), 0.0]

    def _level_effects(self, column: str, simple: list[Term]) -> dict[Any, float]:
        """Return the summed effect of every term that reads this one factor, by level."""
        effects = dict.fromkeys(self.reader.levels[column].codes, 0.0)
        for term in simple:
            if term.columns == (column,) and not term.numeric:
                places, values = Places.of(term), self._values(term)
                for level, code in self.reader.levels[column].codes.items():
                    effects[level] += values[places.row({column: code})]
        return effects
