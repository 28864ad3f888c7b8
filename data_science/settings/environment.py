"""The one place that reads the environment. Changes when a variable is added or means something else."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args

from data_science.errors import SettingsError
from data_science.extension import ENGINES, SOURCES
from data_science.settings.job import DatabaseSettings, Scenario, Settings, SslMode, StandInSettings
from data_science.settings.kinds import (
    FLAG,
    FOLDER,
    NAME,
    SECRET,
    SEED,
    Kind,
    choice,
    holds_password,
    integer,
    name_in,
    number,
    written,
)


@dataclass(frozen=True, slots=True)
class Variable:
    """One line of the table of environment variables."""

    name: str
    field: str | None  # where its value goes; None: its value goes into another variable's
    meaning: str
    kind: Kind
    of: type[Settings | DatabaseSettings | StandInSettings] = Settings  # whose field it is
    secret: bool = False

    @property
    def default(self) -> str:
        """The default, as one would write it; "" if there is none, or if it is not to be shown."""
        if self.secret or self.field is None:
            return ""
        return written(next(field.default for field in fields(self.of) if field.name == self.field))


VARIABLES = (
    Variable("SOURCE", "source", "where the rows come from", name_in(SOURCES)),
    Variable(
        "DS_DB_USER", "user", "user to log in as; required when DB_HOSTNAME is set", NAME, DatabaseSettings
    ),
    Variable(
        "DS_DB_PASSWORD",
        "password",
        "its password; required when DB_HOSTNAME is set",
        SECRET,
        DatabaseSettings,
        secret=True,
    ),
    Variable("DS_DB_PASSWORD_FILE", None, "a file that holds the password (a Docker secret) instead", FOLDER),
    Variable(
        "DB_HOSTNAME",
        "hostname",
        "database host; unset: an embedded PostgreSQL with stand-in data",
        NAME,
        DatabaseSettings,
    ),
    Variable("DB_PORT", "port", "database port", integer(1, 65_535), DatabaseSettings),
    Variable("DB_NAME", "name", "database name", NAME, DatabaseSettings),
    Variable("DB_SSLMODE", "sslmode", "libpq's sslmode", choice(*get_args(SslMode)), DatabaseSettings),
    Variable(
        "WAIT_TIMEOUT_S",
        "wait_timeout_s",
        "how long to wait for the table, in seconds; unset: no limit, but 600 while logins are refused",
        number(0),
    ),
    Variable("MODEL_FOLDER", "model_folder", "folder in which versions of the model are stored", FOLDER),
    Variable("MODEL_OWNER", "owner", "who answers for the model, as its card states", NAME),
    Variable("KEEP_MODELS", "keep", "how many of the newest versions are kept", integer(1, 1_000_000)),
    Variable("ENGINE", "engine", "how the posterior is computed", name_in(ENGINES)),
    Variable("SECOND_OPINION", "second_opinion", "also fit with the other engine and compare", FLAG),
    Variable("EXACT", "exact", "no nodes: every distinct row is kept; slower, same posterior", FLAG),
    Variable("SEED", "seed", "seed of the sampler", SEED),
    Variable("DRAWS", "draws", "draws per chain", integer(1, 1_000_000)),
    Variable("TUNE", "tune", "tuning steps per chain", integer(1, 1_000_000)),
    Variable("CHAINS", "chains", "chains", integer(1, 1_000)),
    Variable(
        "COST_FALSE_POSITIVE",
        "cost_false_positive",
        "cost of a wrong 1; sets the threshold",
        number(0, above=True),
    ),
    Variable(
        "COST_FALSE_NEGATIVE",
        "cost_false_negative",
        "cost of a wrong 0; sets the threshold",
        number(0, above=True),
    ),
    Variable("BOOK_CACHE", "book_cache", "folder of results that the book reuses", FOLDER),
    Variable(
        "DE_SCENARIO",
        "scenario",
        "stand-in data: whether the label depends on the features",
        choice(*get_args(Scenario)),
        StandInSettings,
    ),
    Variable(
        "DE_CLIENTS", "clients", "stand-in data: how many clients", integer(1, 100_000_000), StandInSettings
    ),
    Variable("DE_SEED", "seed", "stand-in data: seed", SEED, StandInSettings),
    Variable(
        "DE_FILES",
        "files",
        "folder of the company's CSV files; only what is missing is stand-in data",
        FOLDER,
        StandInSettings,
    ),
)


def read(environ: Mapping[str, str]) -> Settings:
    """Return the settings in the variables; see `Settings.from_environment`."""
    problems: list[str] = []
    values = {variable.name: _value(environ, problems, variable) for variable in VARIABLES}
    values["DS_DB_PASSWORD"] = _password(values, problems)
    if _is_set(environ, "DB_HOSTNAME"):
        _require_login(environ, values["DB_HOSTNAME"], problems)
    if problems:
        raise SettingsError("\n".join(["invalid environment variables:", *(f"- {p}" for p in problems)]))
    database, stand_in, others = (
        {v.field: values[v.name] for v in VARIABLES if v.of is of and v.field and values[v.name] is not None}
        for of in (DatabaseSettings, StandInSettings, Settings)
    )
    return Settings(DatabaseSettings(**database), StandInSettings(**stand_in), **others)


def _is_set(environ: Mapping[str, str], name: str) -> bool:
    return bool(environ.get(name, "").strip())


def _value(environ: Mapping[str, str], problems: list[str], variable: Variable) -> Any:
    """Return the variable's value, None if it is unset; note a problem if it is malformed."""
    if not _is_set(environ, variable.name):
        return None
    given = environ[variable.name]
    try:
        return variable.kind.parse(given if variable.secret else given.strip())
    except (ValueError, KeyError):
        hushed = variable.secret or holds_password(given)
        shown = "the given value (not shown)" if hushed else reprlib.repr(given)
        problems.append(f"{variable.name} is {shown}; expected {variable.kind.expected}: {variable.meaning}")
        return None


def _require_login(environ: Mapping[str, str], hostname: str | None, problems: list[str]) -> None:
    """Note a problem if a real server's credentials are not given: only the stand-in's are known."""
    if not _is_set(environ, "DS_DB_USER"):
        problems.append(f"DS_DB_USER is unset; expected the user that may read on {hostname!r}")
    if not (_is_set(environ, "DS_DB_PASSWORD") or _is_set(environ, "DS_DB_PASSWORD_FILE")):
        problems.append(
            "DS_DB_PASSWORD is unset; expected the password of DS_DB_USER, "
            "or DS_DB_PASSWORD_FILE with the path of a file that holds it"
        )


def _password(values: Mapping[str, Any], problems: list[str]) -> str | None:
    """Return the password, from its variable or from the file that the other variable names."""
    given: str | None = values["DS_DB_PASSWORD"]
    file: Path | None = values["DS_DB_PASSWORD_FILE"]
    if file is None:
        return given
    # The published default, which Compose passes always, is nobody's choice and contradicts no file.
    if given not in (None, DatabaseSettings().password):
        problems.append(
            "DS_DB_PASSWORD and DS_DB_PASSWORD_FILE are both set; expected only one: unset the other"
        )
        return given
    try:
        password: str = SECRET.parse(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text without NUL"
        problems.append(
            f"DS_DB_PASSWORD_FILE is {str(file)!r}, which cannot be read ({reason}); expected a text file"
        )
        return None
    if not password:
        problems.append(f"DS_DB_PASSWORD_FILE is {str(file)!r}, which is empty; expected the password in it")
    return password
