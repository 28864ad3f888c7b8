"""``data-science check``: whether new rows, and their labels, still are what a version was trained for."""

from __future__ import annotations

import logging
import re
import time
from argparse import Namespace
from datetime import timedelta
from typing import TYPE_CHECKING

from data_science.cli.exit_codes import NO, NOT_ENOUGH
from data_science.errors import ArtifactError, DataScienceError, SettingsError

if TYPE_CHECKING:
    from data_science.cli.check_material import Material
    from data_science.storage.loading import Loaded
    from data_science.watch.check import Finding, Margins, Outcome, Seen
    from data_science.watch.reference import Reference

log = logging.getLogger(__name__)
_CODES = {"steady": 0, "moved without effect": 0, "moved with effect": NO, "not enough": NOT_ENOUGH}
_AGE = re.compile(r"([0-9]{1,6})([smhd])")
_LONGEST = timedelta(days=36_500)  # longer ones end before the calendar begins, or no system can wait for
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_ADVICE = {
    "steady": "nothing to do",
    "moved without effect": "nothing to do: what moved changes no answer, or the answers are still right",
    "moved with effect": "train again, and let it wait for a duel: data-science train --as candidate",
    "not enough": "wait for more clients and labels",
}
_UNCHECKED = (
    "train again: this version stores no reference of its training, so that inputs cannot be compared"
)


def run(options: Namespace) -> int:
    """Check once, or again and again, and say what was found."""
    if (options.data is None) == (options.log is None):
        raise SettingsError("expected DATA or --log FOLDER, one of them")
    if options.data is not None and (options.labels or options.since):
        raise SettingsError(
            "--labels and --since belong to --log; expected DATA alone, its response, if any, in a column"
        )
    if options.log is not None and options.by is not None:
        raise SettingsError("--by belongs to DATA; expected --log alone, whose clients are named by idx")
    since = None if options.since is None else _age("--since", options.since)
    margins = _margins(options)
    if options.every is None:
        return _once(options, margins, since)
    every = _age("--every", options.every)
    from data_science.cli.data_files import STANDARD_INPUT

    if STANDARD_INPUT in (options.data, options.labels):
        raise SettingsError("--every reads again, and standard input ends; expected the name of a file")
    while True:
        try:
            _once(options, margins, since)
        except DataScienceError as error:  # the next time it may be there
            log.error("%s", error)
        time.sleep(every.total_seconds())


def _once(options: Namespace, margins: Margins, since: timedelta | None) -> int:
    began = time.perf_counter()
    try:
        code, found = _look(options, margins, since)
    except DataScienceError as error:  # which whoever watches the metrics must see, too
        _write_metrics(options, error.exit_code, began, ())
        raise
    _write_metrics(options, code, began, found)
    return code


def _write_metrics(options: Namespace, code: int, began: float, found: tuple[Finding, ...]) -> None:
    if options.metrics:
        from data_science.cli.textfile import write

        write(options.metrics, "check", code, time.perf_counter() - began, _distances(found))


def _look(options: Namespace, margins: Margins, since: timedelta | None) -> tuple[int, tuple[Finding, ...]]:
    from data_science.cli.check_material import of_file, of_log
    from data_science.cli.output import say, say_json
    from data_science.cli.versions import loaded
    from data_science.watch.check import findings, outcome

    version = loaded(options)
    reference = _reference(version)
    material = of_file(options, version) if options.log is None else of_log(options, version, since)
    threshold = version.predictor.threshold
    found = findings(reference, material.seen, material.labelled, threshold, margins)
    result = outcome(found, has_reference=reference is not None)
    advice = _UNCHECKED if reference is None and result == "not enough" else _ADVICE[result]
    if material.labelled is None and result in ("steady", "moved without effect"):
        advice += ". Without labels nobody can see whether the answers are right"
    if options.json:
        say_json(
            {
                "outcome": result, "version": [version.path.name], "clients": _n_clients(material.seen),
                "labelled": None if material.labelled is None else int(material.labelled.trials.sum()),
                "record": material.record, "findings": [one.to_json() for one in found], "advice": advice,
            }
        )  # fmt: skip
    else:
        say(_text(result, version, found, material, advice))
    return _CODES[result], found


def _reference(version: Loaded) -> Reference | None:
    from data_science.storage.references import REFERENCE, read_reference
    from data_science.watch.reference import Reference

    stored = read_reference(version.path)
    if stored is None:
        return None
    try:
        return Reference.from_json(stored)
    except ValueError as error:
        raise ArtifactError(f"{version.path / REFERENCE} cannot be used: {error}. Train again") from error


def _margins(options: Namespace) -> Margins:
    from data_science.watch.check import Margins

    for name in ("distance", "score", "rate", "effect"):
        if not 0.0 < getattr(options, name) < float("inf"):
            raise SettingsError(f"--{name} is {getattr(options, name)!r}; expected a positive number")
    return Margins(options.distance, options.score, options.rate, options.effect)


def _age(option: str, text: str) -> timedelta:
    match = _AGE.fullmatch(text.strip())
    found = timedelta() if match is None else timedelta(**{_UNITS[match[2]]: int(match[1])})
    if not timedelta() < found <= _LONGEST:
        raise SettingsError(
            f"{option} is {text!r}; expected a number and a unit: 90s, 30m, 36h or 7d, "
            f"at most {_LONGEST.days}d"
        )
    return found


def _n_clients(seen: Seen) -> int:
    import numpy as np

    return int(np.unique(seen.client).size)


def _distances(found: tuple[Finding, ...]) -> dict[str, float]:
    return {
        one.what: one.estimate.value for one in found if one.about == "inputs" and one.estimate is not None
    }


def _text(
    result: Outcome, version: Loaded, found: tuple[Finding, ...], material: Material, advice: str
) -> str:
    mark = {"beyond": "!", "within": " ", "unclear": "?"}
    lines = [f"{result}: version {version.path.name}, {_n_clients(material.seen):,} clients"]
    lines += [f"{mark[one.verdict]} {one.about}: {one.sentence}" for one in found]
    lines += [f"  record: {n:,} {why}" for why, n in material.record.items() if n]
    return "\n".join([*lines, f"advice: {advice}"])
