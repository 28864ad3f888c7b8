"""What one training run needs to know. Changes when the job gets another setting, or one another default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from data_science.errors import SettingsError, installing
from data_science.settings.fit import Costs, FitSettings

Scenario = Literal["no-signal", "signal"]
SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
_FIT, _COSTS = FitSettings(), Costs()


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where `feature_store` is and who reads it; the password is never shown."""

    user: str = "ds_user"
    password: str = field(default="ds_user", repr=False)
    hostname: str | None = None  # host name, address or socket folder; None: the embedded stand-in
    port: int = 5432
    name: str = "companydata"
    sslmode: SslMode = "prefer"


@dataclass(frozen=True, slots=True)
class StandInSettings:
    """What the embedded stand-in company looks like; unused when DB_HOSTNAME is set."""

    scenario: Scenario = "no-signal"
    clients: int = 150_000
    seed: int = 1
    files: Path | None = None  # folder of the company's own CSV files; None: everything is generated


def without_stand_in(missing: str | None) -> SettingsError:
    """Say what to do if a database must be started but a module for that is missing."""
    return SettingsError(
        f"DB_HOSTNAME is unset and the embedded PostgreSQL is not installed ({missing}). "
        f"Set DB_HOSTNAME, or install it, {installing('embedded')}, and run from the repository"
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything one training run needs to know; see `FitSettings` and `Costs` for the fields of theirs."""

    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    stand_in: StandInSettings = field(default_factory=StandInSettings)
    model_folder: Path = Path("models")
    keep: int = 5  # newest versions kept in the folder
    engine: str = _FIT.engine
    second_opinion: bool = _FIT.second_opinion
    exact: bool = _FIT.exact
    seed: int = _FIT.seed
    draws: int = _FIT.draws
    tune: int = _FIT.tune
    chains: int = _FIT.chains
    cost_false_positive: float = _COSTS.false_positive
    cost_false_negative: float = _COSTS.false_negative
    wait_timeout_s: float | None = None  # None: no limit for the table, 600 s for authentication
    book_cache: Path = Path("book/_build/cache")  # fits and computations that the book's chapters reuse
    source: str = "postgres"
    owner: str | None = None  # who answers for the model; None: the card says that it is not stated

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read every variable of `VARIABLES` from ``environ``.

        A variable that is empty or blank counts as unset, as Compose's ``${NAME:-}`` means it.

        Raises
        ------
        SettingsError
            If anything is missing or malformed: all problems at once, never the password.
        """
        from data_science.settings import environment  # it knows the fields of this class

        return environment.read(environ)

    @property
    def wants_stand_in(self) -> bool:
        """Whether a database must be started, as none is named or there are files to load into one."""
        return self.database.hostname is None or self.stand_in.files is not None

    @property
    def fit(self) -> FitSettings:
        """How the posterior is computed."""
        return FitSettings(
            engine=self.engine,
            second_opinion=self.second_opinion,
            exact=self.exact,
            seed=self.seed,
            draws=self.draws,
            tune=self.tune,
            chains=self.chains,
        )

    @property
    def costs(self) -> Costs:
        """What wrong labels cost."""
        return Costs(self.cost_false_positive, self.cost_false_negative)
