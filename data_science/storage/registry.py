"""The registry of a folder of versions: promote, roll back, hold, release, prune, and their history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from data_science.errors import ArtifactError, SettingsError
from data_science.storage import artifact, history, layout, roles, versions
from data_science.storage.folder_lock import locked
from data_science.storage.history import Line
from data_science.storage.layout import LATEST, home
from data_science.storage.roles import HELD, ROLLED_BACK, Roles
from data_science.storage.succession import earlier, protected
from data_science.storage.writing import writing_to

LOCK_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Registry:
    """What serves, waits and is held in a folder of versions; every change has a line in its history.

    Parameters
    ----------
    folder : path
    lock_timeout_s : float
        How long a change waits for another process that writes to the folder.

    Examples
    --------
    >>> from data_science.storage.registry import Registry
    >>> Registry("models").promote("20261203T021107Z-1f3a9c", why="better in March")  # doctest: +SKIP
    """

    folder: Path
    lock_timeout_s: float = LOCK_TIMEOUT_S

    def __init__(self, folder: str | Path, lock_timeout_s: float = LOCK_TIMEOUT_S) -> None:
        object.__setattr__(self, "folder", home(folder))
        object.__setattr__(self, "lock_timeout_s", lock_timeout_s)

    def roles(self) -> Roles:
        """Return which version serves, waits, and is held."""
        return roles.seen(self.folder)[0]

    def history(self) -> list[Line]:
        """Return every change, oldest first."""
        return roles.seen(self.folder)[1]

    def previous(self) -> str | None:
        """Return the version that `rollback` goes back to, None if there is none."""
        now, lines = roles.seen(self.folder)
        return next(iter(earlier(layout.listed(self.folder), lines, now)), None)

    def versions(self) -> list[dict[str, Any]]:
        """Return what is known of each stored version, newest first."""
        now, lines = roles.seen(self.folder)
        named = {
            next(iter(earlier(layout.listed(self.folder), lines, now)), None): "previous",
            now.candidate: "candidate",
        }
        named[now.champion] = "champion"
        return [
            _about(self.folder / name, named.get(name), now.held.get(name))
            for name in layout.listed(self.folder)
        ]

    def promote(
        self,
        version: str | None = None,
        *,
        over: str | None = None,
        why: str = "",
        evidence: Mapping[str, Any] | None = None,
        dry_run: bool = False,
    ) -> Line:
        """Let a version serve, by default the candidate; what waits for a person after a rollback is over.

        Parameters
        ----------
        version : str, optional
        over : str, optional
            What must still serve: given by a program, whose evidence is about two versions, and which
            overrules no person who has held the one or gone back from the other.
        why : str
        evidence : mapping, optional
            With JSON types, for the history's line.
        dry_run : bool
            Change nothing.

        Raises
        ------
        ArtifactError
            If there is no such version, it cannot be trusted, or ``over`` no longer serves: nothing changes.
        """
        with self._changing(dry_run) as (now, lines):
            version = version or now.candidate
            if version is None:
                raise ArtifactError(f"{self.folder} has no candidate to promote; name a version")
            if over is not None:
                _require_over(now, over, version)
            self._require(version)
            held = {name: reason for name, reason in now.held.items() if not _is_rollback(reason)}
            candidate = None if now.candidate == version else now.candidate
            after = Roles(version, candidate, held)
            return self._changed(now, lines, after, LATEST, "promote", version, why, dry_run, evidence)

    def rollback(self, *, why: str = "", dry_run: bool = False) -> Line:
        """Let the version serve that served before; the one left is held, and trainings store candidates.

        Raises
        ------
        ArtifactError
            If there is none, or it cannot be trusted: nothing changes.
        """
        with self._changing(dry_run) as (now, lines):
            version = next(iter(earlier(layout.listed(self.folder), lines, now)), None)
            if version is None:
                raise ArtifactError(
                    f"{self.folder} has no earlier version to go back to. Train, or restore one"
                )
            self._require(version)
            held = dict(now.held)
            if now.champion is not None:
                held[now.champion] = f"{ROLLED_BACK}: {why}" if why else ROLLED_BACK
            held = {
                name: reason for name, reason in held.items() if name != version or not _is_rollback(reason)
            }
            candidate = None if now.candidate == version else now.candidate
            after = Roles(version, candidate, held)
            return self._changed(now, lines, after, LATEST, "rollback", version, why, dry_run)

    def hold(self, version: str, *, why: str = "", dry_run: bool = False) -> Line:
        """Keep a version from being pruned and, if it serves, from being replaced by a training.

        Raises
        ------
        SettingsError
            If ``why`` begins as the reason of a rollback does.
        """
        if _is_rollback(why):
            raise SettingsError(
                f"why is {why!r}; expected other words: trainings wait after what begins with {ROLLED_BACK!r}"
            )
        with self._changing(dry_run) as (now, lines):
            layout.located(self.folder, version)
            reason = why
            if _is_rollback(found := now.held.get(version, "")):  # trainings go on waiting
                reason = f"{ROLLED_BACK}: {why}" if why else found
            after = replace(now, held={**now.held, version: reason})
            return self._changed(now, lines, after, HELD, "hold", version, why, dry_run)

    def release(self, version: str, *, why: str = "", dry_run: bool = False) -> Line:
        """End a hold.

        Raises
        ------
        ArtifactError
            If the version is not held.
        """
        with self._changing(dry_run) as (now, lines):
            if version not in now.held:
                raise ArtifactError(
                    f"{version} is not held in {self.folder}; held are: {', '.join(now.held) or 'none'}"
                )
            after = replace(now, held={name: reason for name, reason in now.held.items() if name != version})
            return self._changed(now, lines, after, HELD, "release", version, why, dry_run)

    def prune(self, keep: int, *, why: str = "", dry_run: bool = False) -> Line:
        """Remove what is older than the newest good versions; never one that has a role."""
        if keep < 1:
            raise SettingsError(f"keep is {keep!r}; expected a whole number of at least 1")
        with self._changing(dry_run) as (now, lines):
            spared = protected(layout.listed(self.folder), lines, now)
            removed = versions.prune(self.folder, keep, artifact.is_good, spared, dry_run=dry_run)
            said = versions.said_of_prune(now, removed, why)
            if dry_run:
                return history.next_line(lines, **said, after=asdict(now))
            return versions.record_prune(self.folder, lines, now, said)

    @contextmanager
    def _changing(self, dry_run: bool) -> Iterator[tuple[Roles, list[Line]]]:
        versions.require_holder(self.folder)
        layout.listed(self.folder)  # says so if there is no folder, and makes none
        if dry_run:
            yield roles.seen(self.folder)
            return
        with writing_to(self.folder), locked(self.folder, self.lock_timeout_s):
            yield roles.settled(self.folder)

    def _require(self, version: str) -> None:
        artifact.load(layout.located(self.folder, version))

    def _changed(
        self,
        now: Roles,
        lines: list[Line],
        after: Roles,
        commits: str,
        verb: str,
        version: str,
        why: str,
        dry_run: bool,
        evidence: Mapping[str, Any] | None = None,
    ) -> Line:
        said = {"verb": verb, "version": version, "from": now.champion, "why": why, "evidence": evidence}
        if dry_run:
            return history.next_line(lines, **said, after=asdict(after))
        try:
            return roles.change(self.folder, lines, after, commits, **said)
        except OSError as error:
            seen = roles.seen(self.folder)[1]
            if len(seen) == len(lines):
                raise
            import logging  # slow to import, and seldom needed

            logging.getLogger(__name__).warning(
                "the %s of %s took effect, but the history could not be written (%s). The next training or "
                "promotion finishes that; check the permissions and the free space of %s",
                verb, version, error, self.folder,
            )  # fmt: skip
            return seen[-1]


def _require_over(now: Roles, over: str, version: str) -> None:
    if now.champion != over:
        raise ArtifactError(
            f"{version} was compared with {over}, and {now.champion} serves. Compare it with that"
        )
    if over in now.held:
        raise ArtifactError(
            f"{over} is held ({now.held[over] or 'without a reason'}), so that only a person replaces it. "
            f"Release it, or promote {version} by hand"
        )
    if _is_rollback(found := now.held.get(version, "")):
        raise ArtifactError(f"{version} is held ({found}), so that only a person promotes it again")


def _is_rollback(reason: str) -> bool:
    return reason.startswith(ROLLED_BACK)


def _about(version: Path, role: str | None, held: str | None) -> dict[str, Any]:
    manifest: dict[str, Any] = {}
    try:
        loaded = artifact.load(version)
        manifest, diagnostics, good = loaded.manifest, loaded.diagnostics, True
    except ArtifactError:
        diagnostics, good = {}, False
    about = manifest.get("provenance", {})
    verdict = diagnostics.get("verdict")
    return {
        "version": version.name,
        "role": role,
        "good": good,
        "trained_at": manifest.get("saved_at"),
        "rows": (about.get("data") or {}).get("n_rows"),
        "formula": (about.get("specification") or {}).get("formula"),
        "verdict": verdict.get("features") if isinstance(verdict, dict) else None,
        "bytes": sum(entry["bytes"] for entry in manifest.get("files", {}).values()),
        "held": held,
    }
