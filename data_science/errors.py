"""Everything that can go wrong here, by who must act.

DataScienceError
├── SettingsError          the operator: a variable is missing, malformed or refused by the server
├── DatabaseError          the operator: the database did not answer within the limit
├── SchemaError            the data engineer: the table is not what dataset.py expects
│   └── FeatureError       the caller of predict: a row of features cannot be read without guessing
├── SpecificationError     the modeller: a formula or prior outside the class that is trained and served
├── GateError              the modeller: the fit failed its checks
└── ArtifactError          the deployer: a saved model cannot be trusted, read or written
"""


class DataScienceError(Exception):
    """Base of every error this package raises on purpose."""


class SettingsError(DataScienceError):
    """An environment variable or argument is missing, malformed or refused by the server."""


class DatabaseError(DataScienceError):
    """The database did not answer, or did not answer in time."""


class SchemaError(DataScienceError, ValueError):
    """The data are not what the specification needs."""


class FeatureError(SchemaError):
    """A row of features cannot be read without guessing.

    Attributes
    ----------
    column : str or None
        The column at fault, where it is one.
    """

    def __init__(self, message: str, column: str | None = None) -> None:
        super().__init__(message)
        self.column = column


class SpecificationError(DataScienceError, ValueError):
    """A formula or prior outside the class that is trained, stored and served."""


class GateError(DataScienceError):
    """The fit failed its checks; the message lists each, with its remedy."""


class ArtifactError(DataScienceError):
    """A saved model cannot be trusted, read or written."""
