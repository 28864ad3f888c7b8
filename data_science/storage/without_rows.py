"""A Bambi model that was stored without the rows of its training: what would read them is refused.

Its own rows are invented, and hold every level: typical values, likelihoods and predictions of them mean
nothing.
"""

from __future__ import annotations

from typing import Any, NoReturn

from data_science.errors import ArtifactError


class WithoutRows:
    """Mixed into the class of a model that is read back."""

    stored_as: str

    @property
    def data(self) -> NoReturn:
        """The rows of the training, which are not there."""
        raise ArtifactError(
            f"version {self.stored_as} was stored without rows; "
            "call model.bambi(frame) with the training rows"
        )

    def predict(self, idata: Any, kind: str = "response_params", data: Any = None, **options: Any) -> Any:
        """Predict rows that are given."""
        return super().predict(idata, kind, self.data if data is None else data, **options)  # type: ignore[misc]

    def compute_log_likelihood(self, idata: Any, data: Any = None, **options: Any) -> Any:
        """Compute it on rows that are given."""
        given = self.data if data is None else data
        return super().compute_log_likelihood(idata, given, **options)  # type: ignore[misc]

    def fit(self, *_: Any, **__: Any) -> Any:
        """Refused: there is nothing to fit to."""
        return self.data

    def prior_predictive(self, *_: Any, **__: Any) -> Any:
        """Refused: there are no rows to predict."""
        return self.data


def sealed(model: Any, version: str) -> Any:
    """Return the model, which from now on refuses what needs rows; anything but a model as it is."""
    kind = type(model)
    if kind.__module__.partition(".")[0] == "bambi":
        model.__class__ = type(kind.__name__, (WithoutRows, kind), {})
        model.stored_as = version
    return model
