"""What every chapter of the book starts from: settings, the data set, the model fitted to it.

Changes when the chapters need another shared object. Everything is read or computed on first use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from book import reuse, snapshot
from data_science.arrays import Floats
from data_science.data.dataset import FEATURE_STORE, Dataset
from data_science.data.provenance import Provenance
from data_science.errors import ArtifactError
from data_science.evaluation.candidates import QUICK
from data_science.evaluation.comparison import Difference
from data_science.evaluation.cross_validation import BASELINES, CrossValidation, cross_validate
from data_science.evaluation.planted import Planted, planted
from data_science.fitting.posterior_on import posterior_on
from data_science.formula import design
from data_science.formula.design import Design
from data_science.formula.specification import ModelSpecification
from data_science.formula.training_data import validated
from data_science.judgement.verdict import Verdict
from data_science.model import BayesianLogitModel
from data_science.report.verdict import by_heading
from data_science.report.wording import capitalized
from data_science.selection import Selection, compare
from data_science.settings.job import Settings
from data_science.storage.artifact import Loaded

#: What is compared, by the name that the book gives it.
CANDIDATES: Mapping[str, ModelSpecification] = {
    "intercept only": ModelSpecification("label ~ 1"),
    "common effects": ModelSpecification("label ~ 1 + scd_a + scd_b + C(attr_a) + attr_b"),
    "group effects": ModelSpecification(),
    "interactions": ModelSpecification(
        "label ~ 1 + scd_a * scd_b + (1 | attr_a) + (1 | attr_b) + (1 | attr_a:attr_b)"
    ),
    "random slopes": ModelSpecification("label ~ 1 + scd_a + scd_b + (scd_a | attr_a) + (1 | attr_b)"),
}
N_FOLDS = 5


@dataclass(frozen=True)
class Study:
    """One data set and everything that is known about it."""

    settings: Settings
    snapshot: Path | None = None  # folder of tables as they were; without one, the database is read

    @cached_property
    def data(self) -> Dataset:
        """The validated rows of `feature_store`."""
        frame, _ = self._features
        return validated(frame, self.specification, FEATURE_STORE)

    @property
    def source(self) -> str:
        """Where the rows come from, in words, as the database states it."""
        _, stated = self._features
        return stated.sentence(self.data.n_rows)

    @property
    def frame(self) -> pd.DataFrame:
        """Rows of `feature_store`: idx, attr_a, attr_b, scd_a, scd_b, label."""
        return self.data.frame

    @cached_property
    def sources(self) -> dict[str, pd.DataFrame]:
        """The other tables, by name."""
        return {name: snapshot.read(self.settings, name, self.snapshot) for name in snapshot.READERS}

    @property
    def specification(self) -> ModelSpecification:
        """The model that is trained and served."""
        return CANDIDATES["group effects"]

    @cached_property
    def design(self) -> Design:
        """Levels, codings and priors of the specification on these rows."""
        return design.learn(self.specification, self.frame)

    @cached_property
    def version(self) -> Loaded:
        """The stored fit: the training job's if it is of the same data, else a cached one."""
        return reuse.fitted_version(
            self.data,
            self.specification,
            stored=self.settings.model_folder,
            cache_folder=self.settings.book_cache,
            seed=self.settings.seed,
        )

    @cached_property
    def model(self) -> BayesianLogitModel:
        """The fitted model, as deployment would load it."""
        model = BayesianLogitModel(self.specification, seed=self.settings.seed)
        model.load(self.version.path)
        return model

    @property
    def threshold(self) -> float:
        """Probability above which 1 is predicted: the training job's, or of the costs of this environment."""
        if self.version.path.is_relative_to(self.settings.model_folder):
            return self.model.model.threshold
        return self.settings.costs.threshold

    @cached_property
    def posterior(self) -> xr.DataTree:
        """Posterior draws and sampler statistics, in memory."""
        return self.model.posterior.load()

    @property
    def coefficients(self) -> Floats:
        """Draws of the coefficients for replicated data, shape (draw, coefficient)."""
        return self.model.model.draws[::2]

    @property
    def summary(self) -> pd.DataFrame:
        """Posterior of every parameter by Bambi's names, on the raw scale, with ess and r_hat."""
        return self.model.summary()

    @property
    def measured(self) -> Mapping[str, Any]:
        """What the training job measured of the fit, and what it said."""
        return self.version.diagnostics

    @property
    def verdict(self) -> Verdict:
        """What is held of the trained model; the book quotes it and forms no opinion of its own."""
        found = self.model.verdict
        if found is None:  # `reuse` takes no fit without one
            raise ArtifactError(f"{self.version.path} was stored before fits had a verdict. Train again")
        return found

    def said(self, heading: str) -> str:
        """Return one sentence of the verdict by its heading in `report.verdict`; "" if it has none."""
        sentence = by_heading(self.verdict).get(heading)
        return f"{capitalized(sentence)}." if sentence else ""

    @property
    def held(self) -> str:
        """The most important sentence of the verdict."""
        return self.verdict.sentences[0]

    @property
    def gain(self) -> Difference:
        """What the trained model gains over intercept only, as its verdict has it."""
        return Difference(self.verdict.elpd_diff, self.verdict.se_diff, self.verdict.n_rows)

    @property
    def comparison(self) -> Selection:
        """The candidates by PSIS-LOO per client, named as in the book."""
        return _renamed(self._compared, {one.formula: name for name, one in self.candidates.items()})

    @cached_property
    def candidates(self) -> dict[str, ModelSpecification]:
        """What is compared, by name: what the book asks for, and what was added since a form was wrong."""
        added = {f"expansion {place}": formula for place, formula in enumerate(self._compared.proposed, 1)}
        return {**CANDIDATES, **{name: ModelSpecification(formula) for name, formula in added.items()}}

    @cached_property
    def best(self) -> tuple[Design, Floats]:
        """The candidate that predicts best, with draws of its coefficients, shape (draw, coefficient)."""
        specification = self.candidates[self.comparison.names[0]]
        fitted = posterior_on(self.frame, specification, replace(QUICK, seed=self.settings.seed))
        return fitted.design, fitted.posterior.thinned(500)[0]

    @cached_property
    def planted(self) -> Planted:
        """What the trained model's fit sees of effects of known size, planted into these clients."""
        found = self.verdict.detectable
        smallest = found.get("scd_a", max(found.values()))
        return reuse.remembered(
            self.settings.book_cache,
            planted,
            *self._identity,
            [self.settings.seed, smallest],
            frame=self.frame,
            specification=self.specification,
            column="scd_a",
            odds_ratios=[1.0, smallest**0.5, smallest],
            settings=replace(QUICK, seed=self.settings.seed, draws=500),
        )

    @cached_property
    def cross_validation(self) -> CrossValidation:
        """Log scores of candidates and baselines, each client predicted by a fit without it."""
        return reuse.remembered(
            self.settings.book_cache,
            cross_validate,
            *self._identity,
            [list(BASELINES), list(self._compared.proposed), N_FOLDS, self.settings.seed],
            frame=self.frame,
            candidates=self.candidates,
            n_folds=N_FOLDS,
            seed=self.settings.seed,
        )

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the packages whose results the book shows."""
        names = ("data_science", "pymc", "bambi", "arviz", "numpy", "pandas", "scipy", "scikit-learn")
        return {name: version(name) for name in names}

    @cached_property
    def _compared(self) -> Selection:
        """Candidates by their formulas."""
        return reuse.remembered(
            self.settings.book_cache,
            compare,
            *self._identity,
            self.settings.seed,
            specifications=list(CANDIDATES.values()),
            frame=self.frame,
            settings=replace(QUICK, seed=self.settings.seed),
        )

    @cached_property
    def _features(self) -> tuple[pd.DataFrame, Provenance]:
        return snapshot.features(self.settings, self.snapshot)

    @property
    def _identity(self) -> list[Any]:
        return [self.data.fingerprint, {name: s.to_json() for name, s in CANDIDATES.items()}]


def _renamed(found: Selection, names: Mapping[str, str]) -> Selection:
    return Selection(
        {names[old]: loo for old, loo in found.loos.items()},
        {names[old]: waic for old, waic in found.waics.items()},
        {names[old]: weight for old, weight in found.weights.items()},
        found.nodes,
        found.continuous,
        verdicts={names[old]: verdict for old, verdict in found.verdicts.items()},
        proposed={names[new]: names[old] for new, old in found.proposed.items()},
    )
