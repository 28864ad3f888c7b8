"""The contract applied to the model that ``--mle-model`` names."""

from collections.abc import Callable
from typing import cast

import pandas as pd
import pytest

from machine_learning_engineering.contract.plugin import named
from machine_learning_engineering.contract.suite import MLEModelContract
from machine_learning_engineering.mle_model import MLEModel


class TestGivenModel(MLEModelContract):
    """Every promise, on one class."""

    factory: Callable[[], MLEModel]
    frame: Callable[[], pd.DataFrame] | None

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def given(cls, request: pytest.FixtureRequest) -> None:
        """Resolve the options."""
        factory = named(request.config, "--mle-model")
        if factory is None:
            raise pytest.UsageError("no model was named; expected --mle-model package.module:Class")
        cls.factory = staticmethod(cast("Callable[[], MLEModel]", factory))
        frame = cast("Callable[[], pd.DataFrame] | None", named(request.config, "--mle-dataset"))
        cls.frame = staticmethod(frame) if frame else None

    def make_model(self) -> MLEModel:
        """Return a new model of the named class."""
        return self.factory()

    def dataset(self) -> pd.DataFrame:
        """Return the named frame, or the default."""
        return self.frame() if self.frame else super().dataset()
