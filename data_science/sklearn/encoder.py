"""`GLMMEncoder`: the levels of a column as their effects on the log odds, for any other learner."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import BaseCrossValidator, check_cv
from sklearn.preprocessing import OrdinalEncoder
from sklearn.utils import ClassifierTags, Tags
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from data_science.arrays import Floats, Ints
from data_science.errors import SpecificationError
from data_science.formula.priors import COMMON, GROUP_SD, Prior
from data_science.formula.specification import DEFAULT_PRIORS
from data_science.sklearn.labels import require_both, two_classes
from data_science.sklearn.level_effects import Kinds, LevelEffects, level_effects

_UNSEEN, _MISSING = -1, -2


class GLMMEncoder(TransformerMixin, BaseEstimator):
    """Encode each level as the posterior mean of its effect on the log odds of the second class.

    Each column has a model of its own, ``y ~ 1 + (1 | column)``, whose posterior is computed exactly, without
    draws: a level of few rows is pulled towards 0, the typical level, as far as all levels together suggest.

    As in `sklearn.preprocessing.TargetEncoder`, `fit_transform` encodes each row by a fit to the other folds,
    so that the next learner does not see a row's own label: ``fit(X, y).transform(X)`` is not the same. A
    missing value is a level of its own. A level not seen in training gets 0.

    Parameters
    ----------
    sd : bool
        Whether each column is followed by one with the effects' posterior sds, called ``<column>_sd``.
    priors : mapping of str to Prior, optional
        Of the "Intercept" and of "group_sd", the standard deviation of the levels. Default: those of
        `ModelSpecification`.
    cv : int, splitter or iterable
        Folds of `fit_transform`; each row must be in the validation rows of exactly one.
    random_state : int, RandomState or None
        How an int ``cv`` shuffles rows into folds.

    Attributes
    ----------
    categories_ : list of arrays
        The levels of each column.
    effects_ : list of LevelEffects
        For each column ``mean`` and ``sd`` by level, and ``unseen_sd``, ``intercept`` and ``group_sd``.
    classes_ : array, shape (2,)
    n_features_in_ : int
    feature_names_in_ : array of str
        Only if the features came with names.

    Examples
    --------
    >>> from data_science.sklearn import GLMMEncoder
    >>> towns = [["Ulm"]] * 40 + [["Bonn"]] * 40 + [["Trier"]] * 2
    >>> sold = [1] * 30 + [0] * 10 + [1] * 10 + [0] * 30 + [1] * 2
    >>> encoder = GLMMEncoder(sd=True).fit(towns, sold)
    >>> encoder.get_feature_names_out()
    array(['x0', 'x0_sd'], dtype=object)
    >>> encoder.transform([["Ulm"], ["Trier"], ["Worms"]]).round(1)
    array([[0.7, 0.8],
           [0.9, 1.2],
           [0. , 1.4]])
    """

    def __init__(
        self,
        *,
        sd: bool = False,
        priors: dict[str, Prior] | None = None,
        cv: int | BaseCrossValidator | Iterable[Any] = 5,
        random_state: int | np.random.RandomState | None = 1,
    ) -> None:
        self.sd = sd
        self.priors = priors
        self.cv = cv
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803 (their name)
        """Learn the effect of every level from all rows.

        Raises
        ------
        ValueError
            If y has not exactly two classes, or a prior is not for the intercept or a standard deviation.
        """
        self._fit(X, y)
        return self

    def fit_transform(self, X: Any, y: Any) -> Floats:  # noqa: N803
        """Learn as `fit` does, and encode each row by a fit to the folds that it is not in."""
        codes, labels = self._fit(X, y)
        splitter = self._splitter(labels)
        found = np.full((len(codes), len(self.get_feature_names_out())), np.nan)
        times = np.zeros(len(codes), dtype=np.intp)
        for training, held_out in splitter.split(codes, labels):
            effects = self._effects(codes[training], labels[training])
            found[held_out] = self._encoded(codes[held_out], effects)
            times[held_out] += 1
        if not (times == 1).all():
            row = int((times != 1).argmax())
            raise ValueError(
                f"cv leaves out row {row} {times[row]} times; expected a splitter that leaves out each row "
                "exactly once"
            )
        return found

    def transform(self, X: Any) -> Floats:  # noqa: N803
        """Encode each row by the fit to all rows of training."""
        check_is_fitted(self)
        return self._encoded(self._codes(X), self.effects_)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """Return the names of the columns, each followed by that of its sd if there is one."""
        check_is_fitted(self)
        names = self._ordinal.get_feature_names_out(input_features)
        if not self.sd:
            return np.asarray(names, dtype=object)
        return np.array([each for name in names for each in (name, f"{name}_sd")], dtype=object)

    def _fit(self, features: Any, y: Any) -> tuple[Ints, Ints]:
        """Learn levels and effects; return the rows' codes and labels."""
        self._ordinal = OrdinalEncoder(
            dtype=np.int64,
            handle_unknown="use_encoded_value",
            unknown_value=_UNSEEN,
            encoded_missing_value=_MISSING,
        ).fit(features)
        validate_data(self, features, y, skip_check_array=True)  # names and numbers of columns
        check_consistent_length(features, y)
        self.classes_, labels = two_classes(y)
        require_both(self.classes_, labels)
        self.categories_ = self._ordinal.categories_
        codes = self._codes(features)
        self.effects_ = self._effects(codes, labels)
        return codes, labels

    def _codes(self, features: Any) -> Ints:
        """Return which level of its column each value is, shape (row, column)."""
        codes = np.asarray(self._ordinal.set_output(transform="default").transform(features))
        last = np.array([len(levels) - 1 for levels in self.categories_])
        return np.where(codes == _MISSING, last, codes)

    def _effects(self, codes: Ints, labels: Ints) -> list[LevelEffects]:
        """Fit every column by itself."""
        intercept, group_sd = self._priors()
        found = []
        for column, levels in zip(codes.T, self.categories_, strict=True):
            trials = np.bincount(column, minlength=len(levels))
            kinds, which = Kinds.of(np.bincount(column[labels == 1], minlength=len(levels)), trials)
            found.append(level_effects(kinds, intercept, group_sd).of_levels(which))
        return found

    def _priors(self) -> list[Prior]:
        """Return those of the intercept and of the levels' sd."""
        allowed = {"Intercept": COMMON, "group_sd": GROUP_SD}
        if unknown := [key for key in self.priors or {} if key not in allowed]:
            raise SpecificationError(f"a prior is given for {unknown}; expected some of {list(allowed)}")
        chosen = {key: {**DEFAULT_PRIORS, **(self.priors or {})}[key] for key in allowed}
        for key, prior in chosen.items():
            if prior.name not in allowed[key]:
                raise SpecificationError(
                    f"{prior.name} is the prior of {key!r}; expected one of {', '.join(allowed[key])}"
                )
        return list(chosen.values())

    def _encoded(self, codes: Ints, effects: list[LevelEffects]) -> Floats:
        """Look up the effect, and the sd if asked for, of every value; code -1 finds what is unseen."""
        columns = []
        for column, effect in zip(codes.T, effects, strict=True):
            columns.append(np.append(effect.mean, 0.0)[column])
            if self.sd:
                columns.append(np.append(effect.sd, effect.unseen_sd)[column])
        return np.column_stack(columns)

    def _splitter(self, labels: Ints) -> BaseCrossValidator:
        """Return the folds of `fit_transform`; stratified and shuffled where only their number is given."""
        if self.cv is None or isinstance(self.cv, Integral):
            seeded = {"shuffle": True, "random_state": self.random_state}
            return check_cv(self.cv, labels, classifier=True, **seeded)
        return check_cv(self.cv, labels, classifier=True)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        tags.classifier_tags = ClassifierTags(multi_class=False)
        return tags
