"""What a source of rows is: a module with ``read``; `data_science.extension` says where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from data_science.extension import SOURCES

if TYPE_CHECKING:
    import pandas as pd

    from data_science.data.provenance import Provenance
    from data_science.data.queried import Queried
    from data_science.settings.job import Settings


class Source(Protocol):
    """What a source's module offers.

    It may say ``NEEDS_DATABASE = True`` if it reads ``settings.database``: then a database is started for it
    where none is named.
    """

    def read(self, settings: Settings) -> tuple[pd.DataFrame | Queried, Provenance | None]:
        """Return rows with the columns of ``feature_store``, and where they come from if that is stated.

        A table of a server may stay there, and be asked by queries.
        """
        ...


def source(name: str) -> Source:
    """Import a source.

    Raises
    ------
    SpecificationError
        If there is none of that name.
    """
    return cast("Source", SOURCES.load(name))


def needs_database(of: Source) -> bool:
    """Whether the source reads the database that the settings name."""
    found: bool = getattr(of, "NEEDS_DATABASE", False)
    return found
