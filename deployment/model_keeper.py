"""Which version is served: picks up new ones while requests continue; changes with the rules for that."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from deployment.served_model import ServedModel

logger = logging.getLogger(__name__)

RETRY_S = 10.0  # between attempts at a version that could not be loaded and did not change

type Load = Callable[[Path], ServedModel]
type Stamp = tuple[tuple[int, int, int] | None, ...]


class ModelKeeper:
    """Looks at the model folder from a thread and replaces the model by one assignment.

    A request that has taken ``current`` keeps that version to its end.

    Attributes
    ----------
    current : ServedModel or None
        The version that answers.
    problem : str or None
        Why it is not the version that it should be.
    loaded_at : float
        When it was loaded, in seconds since 1970.
    failures : int
        How often none could be loaded.
    """

    def __init__(self, folder: Path, poll_s: float, load: Load = ServedModel.load) -> None:
        self.folder = folder
        self.poll_s = poll_s
        self.current: ServedModel | None = None
        self.problem: str | None = None
        self.loaded_at = 0.0
        self.failures = 0
        self._load = load
        self._seen: Stamp | None = None
        self._tried_at = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="model-keeper", daemon=True)

    def start(self) -> None:
        """Load what there is, then keep looking from a thread."""
        self.refresh()
        self._thread.start()

    def stop(self) -> None:
        """Stop looking, after any load under way."""
        self._stopped.set()
        self._thread.join()

    def refresh(self) -> None:
        """Look once; load and serve what changed."""
        stamp, now = _stamp(self.folder), time.monotonic()
        due = self.problem is not None and now - self._tried_at >= RETRY_S
        if stamp == self._seen and not due:
            return
        self._seen, self._tried_at = stamp, now
        try:
            loaded = self._load(self.folder)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the old version is still served
            self.failures += 1
            self._report(str(error) or repr(error))
            return
        # A version that is only a fallback replaces nothing: the one that answers was good, too.
        if loaded.fallback is None or self.current is None:
            self._take_up(loaded)
        self._report(loaded.fallback)

    def _take_up(self, loaded: ServedModel) -> None:
        before, self.current = self.current, loaded
        self.loaded_at = datetime.now(UTC).timestamp()
        if before is None or before.version != loaded.version:
            logger.info("now serving version %s", loaded.version)

    def _report(self, problem: str | None) -> None:
        if problem is not None:
            serving = (
                "no model is served" if self.current is None else f"still serving {self.current.version}"
            )
            problem = f"{problem}; {serving}"
        if problem not in (None, self.problem):
            logger.warning("%s", problem)
        self.problem = problem

    def _poll(self) -> None:
        while not self._stopped.wait(self.poll_s):
            self.refresh()


def _stamp(folder: Path) -> Stamp:
    """Return what changes when LATEST is replaced, or when the folder is one version, that version."""
    return tuple(_stat(folder / name) for name in ("LATEST", "manifest.json"))


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
