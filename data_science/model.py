"""`BayesianLogitModel`: the package behind the MLE team's interface; changes when that interface changes.

The only module that imports the MLE package. It works on any version of their class: it relies on nothing
of it but the name, and overrides only what the brief asks of a data scientist.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

try:
    from machine_learning_engineering.mle_model import MLEModel
except ModuleNotFoundError as error:
    said = (
        f"{error.name!r} is not installed; expected the MLE team's package machine_learning_engineering. "
        "Install theirs, or the reference version: pip install ./mle in the repository"
    )
    if (error.name or "").partition(".")[0] != "machine_learning_engineering":
        said = (
            f"the MLE team's package machine_learning_engineering is installed, and needs {error.name!r}, "
            "which is not: install what that package requires"
        )
    raise ModuleNotFoundError(said, name=error.name) from error

from data_science.errors import ArtifactError, DataScienceError, needing, require_instance
from data_science.storage import loading
from data_science.warehouse.door import ScoresTables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    from xarray import DataTree

    from data_science.arrays import Floats
    from data_science.finished_fit import Fit
    from data_science.formula.specification import ModelSpecification
    from data_science.judgement.verdict import Verdict
    from data_science.prediction.predictor import Method, Predictor, Scores
    from data_science.settings.fit import Costs, FitSettings


class BayesianLogitModel(MLEModel, ScoresTables):
    """A Bayesian logistic model that is trained, judged, stored and served.

    Parameters
    ----------
    specification : ModelSpecification, optional
        Formula and priors; the default is ``label ~ 1 + scd_a + scd_b + (1 | attr_a) + (1 | attr_b)``.
    seed : int, optional
        Seed of the sampler (default 1).
    engine : str, optional
        How the posterior is computed: "nuts" (default), "nested-laplace" or another registered one.
    settings : FitSettings, optional
        Everything about how the posterior is computed, in place of ``seed`` and ``engine``.
    costs : Costs, optional
        Of wrong labels; they set the threshold of ``predict``. Default: equal.

    Raises
    ------
    SettingsError
        If ``seed`` or ``engine`` contradicts ``settings``, or an argument is not of its type.
    SpecificationError
        If there is no such engine.

    Examples
    --------
    >>> from data_science import BayesianLogitModel, ModelSpecification
    >>> from data_science.examples import clients
    >>> frame = clients(500)
    >>> specification = ModelSpecification("label ~ scd_a + scd_b")
    >>> model = BayesianLogitModel(specification, engine="nested-laplace")

    The report says what was found; the summary has a row for each parameter:

    >>> report = model.fit(frame)
    >>> report.sentences["Compression"]
    '500 rows → ... nodes (... per cell for scd_a), largest posterior shift ... sd'
    >>> float(model.summary().loc["scd_a", "mean"].round(1))
    1.7
    >>> model.posterior["posterior"].sizes["draw"]
    2000

    One row or many; a frame or a mapping:

    >>> model.predict(frame.head(1))
    0
    >>> client = {"scd_a": 0.9, "scd_b": 5}
    >>> model.predict_one(client)
    0
    >>> model.predict_batch(frame).shape
    (500,)
    >>> model.predict_proba(frame.head(2)).round(2)
    array([0.14, 0.28])
    >>> model.predict_interval(frame.head(1)).round(1)
    array([[0.1, 0.2]])
    >>> sorted(model.explain(client))
    ['Intercept', 'scd_a', 'scd_b']

    A folder holds versions; loading it takes the newest:

    >>> import tempfile
    >>> served = BayesianLogitModel()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     version = model.save(folder)
    ...     served.load(folder)
    >>> served.predict_proba_one(client) == model.predict_proba_one(client)
    True
    """

    def __init__(
        self,
        specification: ModelSpecification | None = None,
        *,
        seed: int | None = None,
        engine: str | None = None,
        settings: FitSettings | None = None,
        costs: Costs | None = None,
    ) -> None:
        super().__init__()
        if any(given is not None for given in (seed, engine, settings, costs)):  # serving gives none
            from data_science.settings.fit import Costs, resolved

            resolved(settings, seed=seed, engine=engine)  # refused here, not after the wait for the data
            if costs is not None:
                require_instance("costs", costs, Costs)
        if specification is not None:
            from data_science.formula.specification import ModelSpecification

            require_instance("specification", specification, ModelSpecification)
        self.specification, self.seed, self.engine = specification, seed, engine
        self.settings, self.costs = settings, costs
        self._held: Fit | loading.Loaded | None = None

    def fit(self, dataset: pd.DataFrame, **chosen: Any) -> Any:
        """Train on a whole frame or Ibis table, label included; ``n_candidates`` is that of `pipeline.fit`.

        Raises :class:`SchemaError` if the frame is not what the specification needs, :class:`GateError` if
        the fit failed its checks (what was held is kept), ImportError if training is not installed.
        """
        with needing("train", "fit"):
            from data_science import pipeline
        self._held = fitted = pipeline.fit(
            dataset, self.specification,
            settings=self.settings, seed=self.seed, engine=self.engine, costs=self.costs, **chosen,
        )  # fmt: skip
        self.model_version = None  # it has no name until it is saved
        return fitted.report

    def save(self, model_folder: str | Path, *, keep: int = 5) -> Path:
        """Store the model as a new version in a folder of versions and return the version's folder.

        Raises :class:`ArtifactError` if nothing was fitted here, or the folder cannot be written.
        """
        if self._held is None or isinstance(self._held, loading.Loaded):
            why = "was not fitted" if self._held is None else "was loaded, and is already stored"
            raise ArtifactError(f"nothing to save: this model {why}. Call fit first")
        path = self._held.save(model_folder, keep=keep)
        self.model_version = path.name
        return path

    def load(self, model_folder: str | Path) -> None:
        """Make this the model stored in one version, or the newest good one of a folder of versions.

        Raises :class:`ArtifactError`, which names the file that cannot be read; the previous model is kept.
        """
        self._held = loaded = loading.load(model_folder)
        self.model_version = loaded.path.name

    def snapshot(self) -> Self:
        """Return this model as it is now: `load` and `fit` may replace what this one holds at any time."""
        held = object.__new__(type(self))
        held.__dict__.update(self.__dict__)  # in one step
        if isinstance(held._held, loading.Loaded):
            held.model_version = held._held.path.name
        return held

    @property
    def fallback(self) -> str | None:
        """Why the version that was loaded is not the one that LATEST names; None if it is."""
        return self._held.fallback if isinstance(self._held, loading.Loaded) else None

    @property
    def model(self) -> Predictor:
        """The point predictor (some versions of the MLE class declare this property abstract)."""
        return (self._held or self._fitted_or_loaded).predictor  # at once: one label takes a microsecond

    def predict(self, features: pd.DataFrame) -> int:
        """Return the label, 0 or 1, of the only row of ``features``.

        It is 1 if the probability of :meth:`predict_proba`, corrected for the curvature of the link where the
        model card says so, is above the threshold.

        Raises
        ------
        FeatureError
            If the row cannot be read without guessing; it names the column, the value and the expectation.
        """
        return self.model.predict(features)

    def predict_one(self, features: Mapping[str, Any]) -> int:
        """Return the label, 0 or 1, of a mapping from column to value."""
        return self.model.predict_one(features)

    def predict_batch(self, features: pd.DataFrame) -> npt.NDArray[np.intp]:
        """Return the label of every row, shape (row,)."""
        return self.model.predict_batch(features)

    def predict_proba(self, features: pd.DataFrame, method: Method | None = None) -> Floats:
        """Return P(label = 1) of every row, shape (row,).

        At the posterior means, unless a ``method`` is named. Rows with an unseen level are averaged over
        where it may lie if the model card says that this is far from the plug-in. Labels follow this, or the
        corrected probability if the card says so, on the same side of one half; see `Predictor`.
        """
        return self.model.predict_proba(features, method)

    def predict_proba_one(self, features: Mapping[str, Any], method: Method | None = None) -> float:
        """Return P(label = 1) of a mapping from column to value; see :meth:`predict_proba`."""
        return self.model.predict_proba_one(features, method)

    def predict_interval(self, features: pd.DataFrame, prob: float = 0.95) -> Floats:
        """Return lower and upper bound of P(label = 1) of every row, shape (row, 2)."""
        return self.model.predict_interval(features, prob)

    def predict_interval_one(self, features: Mapping[str, Any], prob: float = 0.95) -> tuple[float, float]:
        """Return lower and upper bound of P(label = 1) of a mapping from column to value."""
        return self.model.predict_interval_one(features, prob)

    def predict_probability(self, features: pd.DataFrame) -> float:
        """Return P(label = 1) of the only row, for the MLE team's record of predictions."""
        return (held := self.model).predict_proba_one(held.reader.only_row(features))  # `load` may replace it

    def input_reference(self) -> Mapping[str, Any] | None:
        """Return counts of each column in training, for `trigger_retraining`; None if none were stored."""
        reference = self._fitted_or_loaded.reference
        return None if reference is None else reference["columns"]

    def explain(self, features: pd.DataFrame | Mapping[str, Any]) -> dict[str, float]:
        """Return each term's part of the linear predictor (logit scale) of one row; they sum to it."""
        return self.model.explain(features)

    def score_batches(self, frames: Iterable[pd.DataFrame], prob: float = 0.95) -> Iterator[Scores]:
        """Yield labels, probabilities and intervals chunk by chunk, in bounded memory."""
        return self.model.score_batches(frames, prob)

    def summary(self) -> pd.DataFrame:
        """Return mean, sd, quantiles, ESS and r_hat by Bambi's parameter names, on the raw scale."""
        return self._fitted_or_loaded.summary

    @property
    def posterior(self) -> DataTree:
        """The full posterior with Bambi's names, dims and coords; after `load`, read lazily from disk."""
        return self._fitted_or_loaded.posterior

    def bambi(
        self,
        frame: pd.DataFrame | None = None,
        *,
        groups: Collection[str] | None = None,
        rows: Literal["training", "new"] = "training",
        draws: int = 2_000,
        seed: int = 1,
    ) -> Any:
        """Return Bambi's model on these rows, and the draws as ArviZ takes them: ``model, data``.

        ``groups`` are log_likelihood, posterior_predictive and log_prior by default; also prior and
        prior_predictive. With ``rows="new"`` the first two are log_likelihood_new and predictions.

        Raises :class:`SchemaError` of rows that are not the training's, :class:`ArtifactError` without rows.
        """
        with needing("train", "bambi"):
            from data_science import bambi_door
        held = self._fitted_or_loaded
        return bambi_door.opened(held, frame, groups=groups, rows=rows, draws=draws, seed=seed)

    @property
    def verdict(self) -> Verdict | None:
        """What is held of the fit, formed once when it was made; None of a version older than that."""
        held = self._fitted_or_loaded
        if not isinstance(held, loading.Loaded):
            return held.report.verdict
        from data_science.judgement.verdict import stored

        return stored(held.diagnostics, held.path)

    @property
    def _fitted_or_loaded(self) -> Fit | loading.Loaded:
        if self._held is None:
            raise DataScienceError(
                "the model has no parameters yet. Call fit(dataset) or load(model_folder) first"
            )
        return self._held
