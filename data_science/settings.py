"""Frozen settings, and the one place that reads the environment.

Changes when an environment variable is added, renamed or gets another default.
"""

import math
import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self, get_args

from data_science.errors import SettingsError
from data_science.extension import ENGINES, SOURCES, Registry

Scenario = Literal["no-signal", "signal"]
SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where `feature_store` is and who reads it; the password never shows."""

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


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything one training run needs to know."""

    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    stand_in: StandInSettings = field(default_factory=StandInSettings)
    model_folder: Path = Path("models")
    keep: int = 5  # newest versions kept in the folder
    engine: str = "nuts"
    second_opinion: bool = True  # fit with the other engine too, and compare
    exact: bool = False  # no quadrature: every distinct row keeps its own likelihood term
    seed: int = 1
    draws: int = 2000  # per chain, after tuning
    tune: int = 500  # per chain
    chains: int = 4
    cost_false_positive: float = 1.0  # same unit as cost_false_negative; only their ratio matters
    cost_false_negative: float = 1.0
    wait_timeout_s: float | None = None  # None: no limit for the table, 600 s for authentication
    book_cache: Path = Path("book/_build/cache")  # fits and computations that the book's chapters reuse
    source: str = "postgres"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read every variable of `VARIABLES` from ``environ``.

        A variable that is empty or blank counts as unset, as Compose's ``${NAME:-}`` means it.

        Raises
        ------
        SettingsError
            If anything is missing or malformed: all problems at once, never the password.
        """
        problems: list[str] = []
        read = partial(_read, environ, problems)
        settings = cls(
            database=_database(environ, problems),
            stand_in=StandInSettings(
                read("DE_SCENARIO"), read("DE_CLIENTS"), read("DE_SEED"), read("DE_FILES")
            ),
            model_folder=read("MODEL_FOLDER"),
            keep=read("KEEP_MODELS"),
            engine=read("ENGINE"),
            second_opinion=read("SECOND_OPINION"),
            exact=read("EXACT"),
            seed=read("SEED"),
            draws=read("DRAWS"),
            tune=read("TUNE"),
            chains=read("CHAINS"),
            cost_false_positive=read("COST_FALSE_POSITIVE"),
            cost_false_negative=read("COST_FALSE_NEGATIVE"),
            wait_timeout_s=read("WAIT_TIMEOUT_S"),
            book_cache=read("BOOK_CACHE"),
            source=read("SOURCE"),
        )
        if problems:
            raise SettingsError("\n".join(["invalid environment variables:", *(f"- {p}" for p in problems)]))
        return settings


@dataclass(frozen=True, slots=True)
class Kind:
    """How the text of a variable is read."""

    expected: str | Registry  # completes "expected ..."
    parse: Callable[[str], Any]  # raises ValueError on anything else


@dataclass(frozen=True, slots=True)
class Variable:
    """One line of the table of environment variables."""

    name: str
    default: str  # as one would write it; "": none
    meaning: str
    kind: Kind
    secret: bool = False


def _integer(low: int, high: int) -> Kind:
    def parse(text: str) -> int:
        # int() alone would also take "1_000" and digits of other scripts.
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text) or not low <= int(text) <= high:
            raise ValueError
        return int(text)

    return Kind(f"a whole number from {low} to {high}", parse)


def _number(low: float, *, above: bool = False) -> Kind:
    def parse(text: str) -> float:
        value = float(text)
        if "_" in text or not math.isfinite(value) or value < low or (above and value == low):
            raise ValueError
        return value

    return Kind(f"a finite number {'above' if above else 'of at least'} {low:g}", parse)


def _choice(*options: str) -> Kind:
    def parse(text: str) -> str:
        return options[options.index(text)]

    return Kind("one of " + ", ".join(options), parse)


def _name_in(registry: Registry) -> Kind:
    def parse(text: str) -> str:
        if text not in registry:
            raise ValueError
        return text

    return Kind(registry, parse)  # which names there are is known when they are shown


def _flag(text: str) -> bool:
    return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[text.lower()]


def _text(text: str) -> str:
    # A control character (a newline pasted along, NUL) can only be an accident, and libpq cuts at NUL.
    if not text.isprintable():
        raise ValueError
    return text


def _folder(text: str) -> Path:
    try:
        return Path(_text(text)).expanduser()  # an env file is read by no shell
    except RuntimeError as error:  # no such user, or no home
        raise ValueError from error


def _secret(text: str) -> str:
    if "\0" in text:
        raise ValueError
    return text.rstrip("\r\n")  # `echo` and editors end a secret with a newline that is no part of it


FLAG = Kind("one of 1, true, yes, 0, false, no", _flag)
TEXT = Kind("printable text", _text)
SECRET = Kind("text without NUL", _secret)
FOLDER = Kind("a path without control characters, or a ~ that is known here", _folder)
SEED = _integer(0, 2**32 - 1)

VARIABLES = (
    Variable("SOURCE", "postgres", "where the rows come from", _name_in(SOURCES)),
    Variable("DS_DB_USER", "ds_user", "user to log in as; required when DB_HOSTNAME is set", TEXT),
    Variable("DS_DB_PASSWORD", "", "its password; required when DB_HOSTNAME is set", SECRET, secret=True),
    Variable("DS_DB_PASSWORD_FILE", "", "a file that holds the password (a Docker secret) instead", FOLDER),
    Variable("DB_HOSTNAME", "", "database host; unset: an embedded PostgreSQL with stand-in data", TEXT),
    Variable("DB_PORT", "5432", "database port", _integer(1, 65_535)),
    Variable("DB_NAME", "companydata", "database name", TEXT),
    Variable("DB_SSLMODE", "prefer", "libpq's sslmode", _choice(*get_args(SslMode))),
    Variable(
        "WAIT_TIMEOUT_S",
        "",
        "how long to wait for the table, in seconds (default: no limit; 600 while logins are refused)",
        _number(0),
    ),
    Variable("MODEL_FOLDER", "./models", "folder in which versions of the model are stored", FOLDER),
    Variable("KEEP_MODELS", "5", "how many of the newest versions are kept", _integer(1, 1_000_000)),
    Variable("ENGINE", "nuts", "how the posterior is computed", _name_in(ENGINES)),
    Variable("SECOND_OPINION", "1", "also fit with the other engine and compare", FLAG),
    Variable("EXACT", "0", "no quadrature for continuous features: slower, same posterior", FLAG),
    Variable("SEED", "1", "seed of the sampler", SEED),
    Variable("DRAWS", "2000", "draws per chain", _integer(1, 1_000_000)),
    Variable("TUNE", "500", "tuning steps per chain", _integer(1, 1_000_000)),
    Variable("CHAINS", "4", "chains", _integer(1, 1_000)),
    Variable("COST_FALSE_POSITIVE", "1", "cost of a wrong 1; sets the threshold", _number(0, above=True)),
    Variable("COST_FALSE_NEGATIVE", "1", "cost of a wrong 0; sets the threshold", _number(0, above=True)),
    Variable("BOOK_CACHE", "book/_build/cache", "folder of results that the book reuses", FOLDER),
    Variable(
        "DE_SCENARIO",
        "no-signal",
        "stand-in data: whether the label depends on the features",
        _choice(*get_args(Scenario)),
    ),
    Variable("DE_CLIENTS", "150000", "stand-in data: how many clients", _integer(1, 100_000_000)),
    Variable("DE_SEED", "1", "stand-in data: seed", SEED),
    Variable(
        "DE_FILES", "", "folder of the company's CSV files; only what is missing is stand-in data", FOLDER
    ),
)
_BY_NAME = {variable.name: variable for variable in VARIABLES}


def _is_set(environ: Mapping[str, str], name: str) -> bool:
    return bool(environ.get(name, "").strip())


def _read(environ: Mapping[str, str], problems: list[str], name: str) -> Any:
    """Return the variable's value, None if unset without default; note a problem if it is malformed."""
    variable = _BY_NAME[name]
    given = environ[name] if _is_set(environ, name) else variable.default
    if not given:
        return None
    try:
        return variable.kind.parse(given if variable.secret else given.strip())
    except (ValueError, KeyError):
        shown = "the given value (not shown)" if variable.secret else reprlib.repr(given)
        problems.append(f"{name} is {shown}; expected {variable.kind.expected}: {variable.meaning}")
        return None


def _database(environ: Mapping[str, str], problems: list[str]) -> DatabaseSettings:
    read = partial(_read, environ, problems)
    hostname = read("DB_HOSTNAME")
    password = _password(environ, problems)
    if _is_set(environ, "DB_HOSTNAME"):
        # The embedded stand-in has known credentials; a real server's must never be guessed.
        if not _is_set(environ, "DS_DB_USER"):
            problems.append(f"DS_DB_USER is unset; expected the user that may read on {hostname!r}")
        if not (_is_set(environ, "DS_DB_PASSWORD") or _is_set(environ, "DS_DB_PASSWORD_FILE")):
            problems.append(
                "DS_DB_PASSWORD is unset; expected the password of DS_DB_USER, "
                "or DS_DB_PASSWORD_FILE with the path of a file that holds it"
            )
    return DatabaseSettings(
        user=read("DS_DB_USER"),
        password=password or DatabaseSettings().password,
        hostname=hostname,
        port=read("DB_PORT"),
        name=read("DB_NAME"),
        sslmode=read("DB_SSLMODE"),
    )


def _password(environ: Mapping[str, str], problems: list[str]) -> str | None:
    """Return the password, from its variable or from the file the other variable names."""
    given: str | None = _read(environ, problems, "DS_DB_PASSWORD")
    file: Path | None = _read(environ, problems, "DS_DB_PASSWORD_FILE")
    if file is None:
        return given
    # The published default, which Compose passes always, is nobody's choice and contradicts no file.
    if given not in (None, DatabaseSettings().password):
        problems.append(
            "DS_DB_PASSWORD and DS_DB_PASSWORD_FILE are both set; expected only one: unset the other"
        )
        return given
    try:
        password = _secret(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text without NUL"
        problems.append(
            f"DS_DB_PASSWORD_FILE is {str(file)!r}, which cannot be read ({reason}); expected a text file"
        )
        return None
    if not password:
        problems.append(f"DS_DB_PASSWORD_FILE is {str(file)!r}, which is empty; expected the password in it")
    return password
