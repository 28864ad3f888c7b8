"""The record of a duel of two versions, beside the history: written whole or not at all, under its lock.

Changes when what is kept between two looks changes. Clients are kept as digests, which hide no name that can
be guessed: only owner and group may read it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data_science.errors import ArtifactError
from data_science.storage.folder_lock import locked
from data_science.storage.layout import UNFINISHED, duel_record
from data_science.storage.version_files import read_small, seal, sync, unseal, write_durably
from data_science.storage.writing import writing_to

_LARGEST = 2**28
_LOCK_TIMEOUT_S = 60.0


@dataclass
class Record:
    """What is known of one pair.

    Attributes
    ----------
    duel : mapping
        State of the duel (JSON types); empty before the first look.
    clients : dict of str to str
        By a client's digest, what was counted of it.
    named_by : str or None
        Column that names the clients, blank if none does; None before the first client.
    """

    duel: Mapping[str, Any] = field(default_factory=dict)
    clients: dict[str, str] = field(default_factory=dict)
    named_by: str | None = None


@contextmanager
def looking(folder: Path, champion: str, candidate: str, *, writes: bool = True) -> Iterator[Record]:
    """Give the record of a pair, and keep what it is when the block ends without an error.

    Raises
    ------
    ArtifactError
        If it was changed, or the folder cannot be written.
    """
    path = duel_record(folder, champion, candidate)
    if not writes:
        yield _read(path)
        return
    with writing_to(folder), locked(folder, _LOCK_TIMEOUT_S):
        record = _read(path)
        yield record
        temporary = folder / f"{UNFINISHED}{os.urandom(8).hex()}"
        try:
            document = {"duel": dict(record.duel), "clients": record.clients, "named_by": record.named_by}
            write_durably(temporary, seal(document))
            temporary.chmod(temporary.stat().st_mode & 0o640)  # as the prediction log: it tells of clients
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        sync(folder)


def _read(path: Path) -> Record:
    if not os.path.lexists(path):
        return Record()
    document = unseal(read_small(path, _LARGEST), path)
    if not isinstance(document.get("duel"), dict) or not isinstance(document.get("clients"), dict):
        raise ArtifactError(f"{path} is no record of a duel. Move it away: the duel then begins anew")
    return Record(document["duel"], document["clients"], document.get("named_by"))
