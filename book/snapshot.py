"""One look at the database for a whole book: every chapter reads the same rows, whatever is loaded meanwhile.

The files are pickles in a folder that the build makes for itself and removes.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from data_science.data.provenance import Provenance
from data_science.settings.job import DatabaseSettings, Settings
from data_science.sources.postgres import feature_store

FEATURES = "feature_store"
#: Every other table.
READERS: Mapping[str, Callable[[DatabaseSettings, float | None], pd.DataFrame]] = {
    "customer_profiles": feature_store.get_customer_profiles,
    "customer_activity": feature_store.get_customer_activity,
    "labels": feature_store.get_labels,
    "stores": feature_store.get_stores,
    "sales": feature_store.get_sales,
    "monthly_sales": feature_store.get_monthly_sales,
}


def take(settings: Settings, folder: Path) -> None:
    """Wait for every table and write it into a folder.

    Raises
    ------
    SettingsError, DatabaseError
        As :func:`data_science.sources.postgres.feature_store.get_dataset`.
    """
    folder.mkdir(parents=True)
    (folder / f"{FEATURES}.pkl").write_bytes(pickle.dumps(features(settings)))
    for name in READERS:
        read(settings, name).to_pickle(folder / f"{name}.pkl")


def features(settings: Settings, folder: Path | None = None) -> tuple[pd.DataFrame, Provenance]:
    """Read `feature_store` and what it states about its origin, from where `read` reads."""
    if folder is not None:
        found: tuple[pd.DataFrame, Provenance] = pd.read_pickle(folder / f"{FEATURES}.pkl")  # noqa: S301 (as below)
        return found
    return feature_store.get_dataset_and_provenance(settings.database, settings.wait_timeout_s)


def read(settings: Settings, name: str, folder: Path | None = None) -> pd.DataFrame:
    """Read another table from the folder of a snapshot or, without one, from the database."""
    if folder is not None:
        found: pd.DataFrame = pd.read_pickle(folder / f"{name}.pkl")  # noqa: S301 (written by take)
        return found
    return READERS[name](settings.database, settings.wait_timeout_s)
