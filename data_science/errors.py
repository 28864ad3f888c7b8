"""Everything that can go wrong here, sorted by who must act.

DataScienceError
├── SettingsError          the operator: a variable is missing, malformed or refused by the server
├── DatabaseError          the operator: the database did not answer within the limit
├── SchemaError            the data engineer: the table is not what dataset.py expects
│   └── FeatureError       the caller of predict: a row of features cannot be read without guessing
├── SpecificationError     the modeller: a formula or prior outside the class that is trained and served
├── GateError              the modeller: the fit failed its checks
└── ArtifactError          the deployer: a saved model cannot be trusted, read or written

Each carries the exit code of a command that it ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class DataScienceError(Exception):
    """Base of every error this package raises on purpose.

    Examples
    --------
    >>> from data_science import BayesianLogitModel, DataScienceError
    >>> try:
    ...     BayesianLogitModel().predict_one({"scd_a": 0.5})
    ... except DataScienceError as error:
    ...     print(error)
    the model has no parameters yet. Call fit(dataset) or load(model_folder) first
    """

    exit_code: ClassVar[int] = 1


class SettingsError(DataScienceError, ValueError):
    """An environment variable or argument is missing, malformed or refused by the server.

    Examples
    --------
    >>> from data_science import BayesianLogitModel, FitSettings
    >>> BayesianLogitModel(seed=7, settings=FitSettings(seed=1))
    Traceback (most recent call last):
    ...
    data_science.errors.SettingsError: seed=7 contradicts settings, which have seed=1; give seed once
    """

    exit_code: ClassVar[int] = 2


class DatabaseError(DataScienceError):
    """The database did not answer, or did not answer in time.

    Examples
    --------
    >>> from data_science.settings import DatabaseSettings
    >>> from data_science.sources.postgres.feature_store import get_dataset
    >>> get_dataset(DatabaseSettings(hostname="127.0.0.1", port=1), wait_timeout_s=0)
    Traceback (most recent call last):
    ...
    data_science.errors.DatabaseError: feature_store at 127.0.0.1:1/companydata as ds_user could not be...
    """

    exit_code: ClassVar[int] = 3


class SchemaError(DataScienceError, ValueError):
    """The data are not what the specification needs.

    Examples
    --------
    >>> from data_science import BayesianLogitModel
    >>> from data_science.examples import clients
    >>> BayesianLogitModel().fit(clients().drop(columns="scd_a"))
    Traceback (most recent call last):
    ...
    data_science.errors.SchemaError: invalid data:
    - scd_a: the column is missing; expected one column of this name. ...
    """

    exit_code: ClassVar[int] = 3


class FeatureError(SchemaError):
    """A row of features cannot be read without guessing.

    Attributes
    ----------
    column : str or None
        The column at fault, if it is a column.

    Examples
    --------
    >>> from data_science import BayesianLogitModel, FeatureError, ModelSpecification
    >>> from data_science.examples import clients
    >>> model = BayesianLogitModel(ModelSpecification("label ~ scd_a"), engine="nested-laplace")
    >>> report = model.fit(clients(300))
    >>> try:
    ...     model.predict_one({"scd_a": "high"})
    ... except FeatureError as error:
    ...     print(error.column, "is at fault:", error)
    scd_a is at fault: scd_a is 'high' (str); expected a finite number
    """

    def __init__(self, message: str, column: str | None = None) -> None:
        super().__init__(message)
        self.column = column


class SpecificationError(DataScienceError, ValueError):
    """A formula or prior outside the class that is trained, stored and served.

    Examples
    --------
    >>> from data_science import ModelSpecification
    >>> ModelSpecification("label ~ scd_a + label")
    Traceback (most recent call last):
    ...
    data_science.errors.SpecificationError: formula 'label ~ scd_a + label' predicts the response...
    """

    exit_code: ClassVar[int] = 2


class GateError(DataScienceError):
    """The fit failed its checks; the message lists each, with its remedy.

    Examples
    --------
    >>> from data_science import BayesianLogitModel, FitSettings, ModelSpecification
    >>> from data_science.examples import clients
    >>> too_few = FitSettings(engine="nested-laplace", draws=10)
    >>> BayesianLogitModel(ModelSpecification("label ~ scd_a"), settings=too_few).fit(clients(300))
    Traceback (most recent call last):
    ...
    data_science.errors.GateError: the fit failed these checks:
    - bulk ESS is ... (worst: ...), expected at least 400: draw more...
    ...
    """

    exit_code: ClassVar[int] = 4


class ArtifactError(DataScienceError):
    """A saved model cannot be trusted, read or written.

    Examples
    --------
    >>> from data_science import BayesianLogitModel
    >>> BayesianLogitModel().load("nowhere")
    Traceback (most recent call last):
    ...
    data_science.errors.ArtifactError: nowhere does not exist; expected a folder of models. Train one first
    """

    exit_code: ClassVar[int] = 2


def installing(extra: str) -> str:
    """Return how to install what is missing: never by a bare name, which on an index may be a stranger's."""
    return f"pip install '.[{extra}]' in the repository, or pip install 'FILE.whl[{extra}]' of its wheel"


@contextmanager
def needing(extra: str, asker: str) -> Iterator[None]:
    """Say how to install the packages of an extra, if one that the block imports is not there."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "data_science").startswith("data_science"):
            raise
        raise ImportError(
            f"{asker} needs {error.name}, which is not installed: {installing(extra)}"
        ) from error


def require_instance(name: str, value: object, kind: type) -> None:
    """Raise a SettingsError, with both types, if an argument is of another type than expected."""
    if not isinstance(value, kind):
        raise SettingsError(
            f"{name} is of type {type(value).__name__}; expected {kind.__name__}: {name}={kind.__name__}(...)"
        )
