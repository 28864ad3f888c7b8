"""`BayesianLogitClassifier`: the model behind scikit-learn's interface; changes when either of them does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import signature
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted

from data_science.arrays import Floats
from data_science.errors import SettingsError, SpecificationError
from data_science.formula.priors import Prior
from data_science.formula.specification import ModelSpecification
from data_science.likelihood.binomial import logit
from data_science.model import BayesianLogitModel
from data_science.prediction.predictor import Method, Predictor
from data_science.prediction.rows import Unseen
from data_science.settings.fit import Costs, FitSettings
from data_science.sklearn.columns import named_columns
from data_science.sklearn.formulas import formula_of
from data_science.sklearn.labels import repeats_of, require_both, two_classes

_SEEDS = 2**31 - 1  # that a RandomState draws from


class BayesianLogitClassifier(ClassifierMixin, BaseEstimator):
    """A Bayesian logistic regression for scikit-learn's pipelines, searches and plots.

    Parameters
    ----------
    formula : str, optional
        The right-hand side of a Bambi formula, such as ``"dist100 + (1 | district)"``. None (default): every
        column that is not constant, but for the key ``idx``; columns of numbers get a slope, others an effect
        by level. An array's columns are called ``x0``, ``x1``, ...
    groups : str or sequence of str, optional
        Columns whose levels get effects that share a standard deviation: for each, ``(1 | column)`` is added
        to the formula. A level that training has not seen gets the population effect, whereas an unseen
        level of a common effect is an error.
    priors : mapping of str to Prior, optional
        As in `ModelSpecification`.
    standardize : bool
        Whether priors of slopes are per sd of their columns (default) or per unit.
    engine : str
        "nested-laplace" (default) takes about a second and certifies itself; where it declines, "nuts" takes
        over. "nuts" samples.
    draws : int
        Per chain, of which there are four. 500 are enough for a search, and take half the time.
    random_state : int, RandomState or None
        Seed of the draws; an int (default 1) gives the same fit each time.
    seed : int, optional
        The package's own word for ``random_state``.
    costs : Costs, optional
        Of wrong labels; they set the threshold of `predict`. Default: equal.
    method : {"plug-in", "posterior", "corrected"}, optional
        How `predict_proba` averages over the posterior; see `Predictor.predict_proba`, which has the same
        default: the plug-in, averaged for rows with an unseen level where the two differ much. Labels follow
        a method that is named, and else the model's own rule; see `BayesianLogitModel.predict`.
    unseen : {"population", "refuse"}
        What happens to a level of a group that training has not seen.
    second_opinion : bool
        Whether NUTS is compared with nested Laplace. Default: no, as fits are many.
    settings : FitSettings, optional
        Everything about how the posterior is computed, in place of ``engine``, ``draws``,
        ``second_opinion`` and ``random_state``.

    Attributes
    ----------
    classes_ : array, shape (2,)
        The labels; the model predicts the probability of the second.
    n_features_in_ : int
    feature_names_in_ : array of str
        Only if the features came with names.
    formula_ : str
        The formula that was fitted, with its response.
    model_ : BayesianLogitModel
        The model itself, with its posterior, its report, and ``save``.
    report_ : Report
        What was found, and whether the features improve predictions.
    summary_ : DataFrame
        Posterior mean, sd, quantiles, ESS and r_hat of every parameter.

    Examples
    --------
    >>> from data_science.examples import clients
    >>> from data_science.sklearn import BayesianLogitClassifier
    >>> from sklearn.model_selection import cross_val_score
    >>> frame = clients(400)
    >>> X, y = frame[["scd_a", "scd_b", "attr_b"]], frame["label"]
    >>> classifier = BayesianLogitClassifier(groups="attr_b", draws=500).fit(X, y)
    >>> classifier.formula_
    'y ~ 1 + `scd_a` + `scd_b` + (1 | `attr_b`)'
    >>> classifier.predict_proba(X).shape
    (400, 2)
    >>> scores = cross_val_score(classifier, X, y, scoring="neg_log_loss", cv=3)
    >>> bool(scores.mean() > -0.6)
    True
    """

    def __init__(
        self,
        formula: str | None = None,
        *,
        groups: str | Sequence[str] | None = None,
        priors: Mapping[str, Prior] | None = None,
        standardize: bool = True,
        engine: str = "nested-laplace",
        draws: int = 2_000,
        random_state: int | np.random.RandomState | None = 1,
        seed: int | None = None,
        costs: Costs | None = None,
        method: Method | None = None,
        unseen: Unseen = "population",
        second_opinion: bool = False,
        settings: FitSettings | None = None,
    ) -> None:
        self.formula = formula
        self.groups = groups
        self.priors = priors
        self.standardize = standardize
        self.engine = engine
        self.draws = draws
        self.random_state = random_state
        self.seed = seed
        self.costs = costs
        self.method = method
        self.unseen = unseen
        self.second_opinion = second_opinion
        self.settings = settings

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803 (their name)
        """Fit the posterior and judge it.

        Parameters
        ----------
        X : array-like or DataFrame, shape (row, column)
        y : array-like, shape (row,)
            Labels of two classes.
        sample_weight : array-like of whole numbers, shape (row,), optional
            How many rows each row stands for.

        Raises
        ------
        ValueError
            If the data or a parameter is not what is expected.
        GateError
            If the fit failed its checks.
        """
        frame = named_columns(self, X, y=y)
        self.classes_, which = two_classes(y)
        repeats = repeats_of(sample_weight, frame)
        if repeats is not None:
            rows = np.repeat(np.arange(len(frame)), repeats)
            frame, which = frame.iloc[rows].reset_index(drop=True), which[rows]
        require_both(self.classes_, which)
        groups = [self.groups] if isinstance(self.groups, str) else self.groups or ()
        self.formula_ = formula_of(self.formula, groups, frame)
        specification = ModelSpecification(self.formula_, self.priors or {}, self.standardize)
        response = specification.response
        if response.trials is not None or response.successes in frame.columns:
            raise SpecificationError(
                f"the response of {self.formula_!r} is not y; expected the right-hand side of a formula"
            )
        model = BayesianLogitModel(specification, settings=self._settings(), costs=self.costs)
        used = frame[[name for name in frame.columns if name in specification.columns]]
        self.report_ = model.fit(used.assign(**{response.successes: which}))
        self.model_, self.summary_ = model, model.summary()
        return self

    def predict_proba(self, X: Any) -> Floats:  # noqa: N803
        """Return the probability of each class, shape (row, 2)."""
        probability = self._asked(X, self.method)
        return np.column_stack([1 - probability, probability])

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: N803
        """Return the label of least expected cost of every row, shape (row,)."""
        above = self.decision_function(X) > 0
        return np.asarray(self.classes_[above.astype(np.intp)])

    def decision_function(self, X: Any) -> Floats:  # noqa: N803
        """Return log odds of the second class beyond those of the threshold, shape (row,)."""
        check_is_fitted(self)
        predictor, frame = self._predictor, named_columns(self, X, reset=False)
        probability, threshold = predictor.predict_proba(frame, self.method), predictor.threshold
        if self.method is None and predictor.correction is not None and predictor.correction.active:
            new = predictor.averages_unseen & predictor.reader.with_unseen(predictor.reader.all_rows(frame))
            probability = np.where(new, probability, predictor.predict_proba(frame, "corrected"))
        with np.errstate(divide="ignore"):  # a probability of 0 or 1 is infinitely far from any threshold
            log_odds = np.log(probability) - np.log1p(-probability)
        return np.asarray(log_odds - logit(threshold))

    def predict_interval(self, X: Any, prob: float = 0.95) -> Floats:  # noqa: N803
        """Return the credible interval of the second class's probability, shape (row, 2)."""
        check_is_fitted(self)
        return self._predictor.predict_interval(named_columns(self, X, reset=False), prob)

    def _asked(self, features: Any, method: Method | None) -> Floats:
        check_is_fitted(self)
        return self._predictor.predict_proba(named_columns(self, features, reset=False), method)

    @property
    def _predictor(self) -> Predictor:
        predictor = self.model_.model
        return predictor if predictor.unseen == self.unseen else replace(predictor, unseen=self.unseen)

    def _settings(self) -> FitSettings:
        """Put together how the posterior is computed; what contradicts ``settings`` is an error."""
        state = self.random_state
        is_seed = isinstance(state, int | np.integer) and not isinstance(state, bool)
        seed = state if is_seed else int(check_random_state(state).randint(_SEEDS))
        if self.seed is not None:
            if state not in (self.seed, _default("random_state")):
                raise SettingsError(
                    f"seed={self.seed!r} contradicts random_state={state!r}; give one of them"
                )
            seed = self.seed
        asked: dict[str, Any] = {
            "engine": self.engine, "draws": self.draws, "second_opinion": self.second_opinion, "seed": seed
        }  # fmt: skip
        if self.settings is None:
            return FitSettings(**asked)
        defaults = {name: _default("random_state" if name == "seed" else name) for name in asked}
        return self.settings.agreeing(**{k: v for k, v in asked.items() if v != defaults[k]})

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def _default(name: str) -> Any:
    return signature(BayesianLogitClassifier.__init__).parameters[name].default
