"""What an operator can set, read from the environment once; changes with the list of settings."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deployment.logs import Format


class SettingsError(ValueError):
    """An invalid environment variable; the operator must correct it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the service runs; each field is the environment variable of the same name in capitals."""

    model_folder: Path = Path("models")  # a folder of versions, or one version
    mle_storage: Path | None = None  # folder of the prediction log; None: ~/mle_storage
    host: str = "0.0.0.0"  # noqa: S104 - a container is reached from outside it
    port: int = 5000
    max_body_bytes: int = 2**20
    max_batch: int = 1000  # clients in one request; each blocks the others for some microseconds
    body_timeout_s: float = 10.0  # to receive one body, so that slow senders hold nothing for long
    model_poll_s: float = 1.0  # how often to look for a new version
    shutdown_timeout_s: float = 30.0  # to finish requests after SIGTERM
    metrics_port: int | None = None  # of /metrics; None: not served
    log_format: Format = "text"
    access_log: bool = False  # a line for every answer

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings; an unset or empty variable means its default.

        Raises
        ------
        SettingsError
            Naming the variable, its value and what was expected.
        """
        default = cls()
        port = _count(environment, "PORT", default.port, 65_535)
        return cls(
            model_folder=_folder(environment, "MODEL_FOLDER") or default.model_folder.absolute(),
            mle_storage=_folder(environment, "MLE_STORAGE"),
            host=environment.get("HOST") or default.host,
            port=port,
            max_body_bytes=_count(environment, "MAX_BODY_BYTES", default.max_body_bytes, 2**30),
            max_batch=_count(environment, "MAX_BATCH", default.max_batch, 10**6),
            body_timeout_s=_seconds(environment, "BODY_TIMEOUT_S", default.body_timeout_s),
            model_poll_s=_seconds(environment, "MODEL_POLL_S", default.model_poll_s),
            shutdown_timeout_s=_seconds(environment, "SHUTDOWN_TIMEOUT_S", default.shutdown_timeout_s),
            metrics_port=_metrics_port(environment, port),
            log_format="json" if _one_of(environment, "LOG_FORMAT", ("text", "json")) == "json" else "text",
            access_log=_one_of(environment, "ACCESS_LOG", ("0", "1")) == "1",
        )


#: No shell reads an env file: such a folder would be made as it stands.
_NO_PATH = re.compile(r"""(['"]).*\1|(.*[/\\])?(\$.*|%\w+%.*)|.*\$\{.*|\w{2,}:/.*""")


def _folder(environment: Mapping[str, str], name: str) -> Path | None:
    if not (text := environment.get(name)):
        return None
    if _NO_PATH.fullmatch(text.strip()):
        raise SettingsError(f"{name} is {text!r}; expected a path without quotes, variables or URL")
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise SettingsError(f"{name} is {text!r}; expected a path: {error}") from error


def _metrics_port(environment: Mapping[str, str], port: int) -> int | None:
    if not environment.get("METRICS_PORT"):
        return None
    found = _count(environment, "METRICS_PORT", 1, 65_535)
    if found == port:
        raise SettingsError(f"METRICS_PORT is '{found}'; expected another port than PORT, {port}")
    return found


def _one_of(environment: Mapping[str, str], name: str, allowed: tuple[str, str]) -> str:
    text = environment.get(name) or allowed[0]
    if text not in allowed:
        raise SettingsError(f"{name} is {text!r}; expected {' or '.join(allowed)}")
    return text


def _count(environment: Mapping[str, str], name: str, default: int, largest: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and 1 <= int(text) <= largest):
        raise SettingsError(f"{name} is {text!r}; expected a whole number from 1 to {largest}")
    return int(text)


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name) or str(default)
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.0 < seconds <= 86_400.0:
        raise SettingsError(f"{name} is {text!r}; expected seconds, above 0 and at most 86400")
    return seconds
