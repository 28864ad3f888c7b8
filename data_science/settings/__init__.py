"""Frozen settings: of a fit, of the job, and the environment variables that they are read from.

Names are resolved on first use: a served model needs those of a fit, and loads no more.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_science.settings.environment import VARIABLES as VARIABLES
    from data_science.settings.job import DatabaseSettings as DatabaseSettings
    from data_science.settings.job import Settings as Settings
    from data_science.settings.job import StandInSettings as StandInSettings

_HOMES = {
    "VARIABLES": "data_science.settings.environment",
    "DatabaseSettings": "data_science.settings.job",
    "Settings": "data_science.settings.job",
    "StandInSettings": "data_science.settings.job",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
