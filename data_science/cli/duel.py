"""``data-science duel``: the version that serves against a candidate, on labels that neither has seen."""

from __future__ import annotations

import hashlib
import logging
from argparse import Namespace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_science.cli.exit_codes import NO, NOT_ENOUGH
from data_science.errors import SchemaError, SettingsError

if TYPE_CHECKING:
    from data_science.cli.labelled_rows import Table
    from data_science.storage.duels import Record
    from data_science.storage.loading import Loaded
    from data_science.watch.duel import Duel, Rules

log = logging.getLogger(__name__)
_CODES = {"promote": 0, "keep": NO, "not enough": NOT_ENOUGH}


def run(options: Namespace) -> int:
    """Look once, say what all looks together say, and promote if that is asked for."""
    from data_science.cli.output import say, say_json
    from data_science.cli.versions import folder_of, named
    from data_science.storage import duels, layout, loading

    rules = _rules(options)
    folder = folder_of(options)
    names = tuple(named(folder, getattr(options, role)) for role in ("champion", "candidate"))
    if names[0] == names[1]:
        raise SettingsError(f"--champion and --candidate are both {names[0]}; expected two versions")
    champion, candidate = (loading.load(layout.located(folder, name)) for name in names)
    if options.apply:
        _promote(folder, names, dry_run=True)  # what would be refused at the end is refused before the look
    table, left_out = _rows(options, champion, candidate)
    with duels.looking(folder, *names, writes=not options.dry_run) as record:
        duel = _begun(record, rules)
        duel = duel.after(_night(options, table, champion, candidate, record, left_out))
        record.duel = duel.to_json()
    applied = bool(options.apply and duel.outcome == "promote" and not options.dry_run)
    if applied:
        _promote(folder, names, duel)
    result = _result(names, duel, left_out, applied=applied)
    if options.json:
        say_json(result)
    else:
        said = ", ".join(f"{n:,} {why}" for why, n in left_out.items() if n)
        say(
            "\n".join(
                [duel.sentence, *([f"left out: {said}"] if said else []), *(["promoted"] if applied else [])]
            )
        )
    return _CODES[duel.outcome]


def _rules(options: Namespace) -> Rules:
    from data_science.watch.duel import Rules

    if not 0.0 < options.alpha < 0.25:
        raise SettingsError(f"--alpha is {options.alpha!r}; expected a probability below 0.25, such as 0.05")
    if not 0.0 <= options.margin < 1.0:
        raise SettingsError(f"--margin is {options.margin!r}; expected nats per client, such as 0.001")
    if options.horizon < 100:
        raise SettingsError(f"--horizon is {options.horizon!r}; expected at least 100 clients")
    return Rules(options.margin, options.alpha, options.horizon)


def _rows(options: Namespace, champion: Loaded, candidate: Loaded) -> tuple[Table, dict[str, int]]:
    """Return the rows with a label that both can read and neither was trained on; count the others."""
    from data_science.cli.data_files import DataFile
    from data_science.cli.labelled_rows import Table, known_at, outcomes, readable, response_columns

    asked = response_columns(champion), response_columns(candidate)
    if asked[0] != asked[1] or champion.predictor.response != candidate.predictor.response:
        raise SchemaError(
            f"{champion.path.name} predicts {champion.predictor.response}, {candidate.path.name} predicts "
            f"{candidate.predictor.response}; expected the same response"
        )
    table = Table.of(DataFile(options.labels, options.delimiter, options.encoding))
    left_out = {}
    left_out["without a label"], table = _only(table, outcomes(table, champion, options.positive)[0] >= 0.0)
    if options.log is not None:
        from data_science.cli.logged_rows import read
        from data_science.cli.with_log import joined

        table, left_out["not in the log"] = joined(table, read(Path(options.log)))
    moments = known_at(table)
    if moments is None:
        log.warning("%s has no column known_at: all labels count as newer than both trainings", table.name)
    else:
        trained = max(datetime.fromisoformat(one.manifest["saved_at"]) for one in (champion, candidate))
        left_out["known before training"], table = _only(table, (moments > trained).to_numpy())
    good = readable(table, champion.predictor) & readable(table, candidate.predictor)
    left_out["unreadable"], table = _only(table, good)
    return table, left_out


def _only(table: Table, kept: Any) -> tuple[int, Table]:
    return int((~kept).sum()), table.take(kept)


def _begun(record: Record, rules: Rules) -> Duel:
    from data_science.watch.duel import Duel

    if not record.duel:
        return Duel(rules)
    try:
        duel = Duel.from_json(record.duel)
    except ValueError as error:
        raise SchemaError(f"the duel's record cannot be read: {error}") from error
    if duel.rules != rules:
        raise SettingsError(
            f"this duel began with {duel.rules}; expected the same margin, alpha and horizon, not {rules}: "
            "rules that change while a duel is looked at would end it by choice"
        )
    return duel


def _night(
    options: Namespace,
    table: Table,
    champion: Loaded,
    candidate: Loaded,
    record: Record,
    left_out: dict[str, int],
) -> Any:
    """Return what new clients say; each is counted once."""
    import numpy as np

    from data_science.cli.labelled_rows import clients, outcomes
    from data_science.watch.scoring import Answered, Known, night

    _require_names(options, table, record)
    has_looked = bool(record.clients)
    digests = np.array([_digest(one) for one in clients(table, options.by)], dtype=object)
    successes, trials = outcomes(table, champion, options.positive)
    places: dict[str, list[int]] = {}
    for place, digest in enumerate(digests):
        places.setdefault(digest, []).append(place)
    left_out["counted before"] = 0
    for digest, rows in list(places.items()):
        now = f"{len(rows)} rows, {successes[rows].sum():g} successes"
        before = record.clients.get(digest)
        if before is None:
            record.clients[digest] = now
        else:
            _require_same(before, now, rows[0], table)
            left_out["counted before"] += len(rows)
            del places[digest]
    if not places:
        from data_science.watch.duel import Night

        return Night(np.zeros(0), np.zeros(0), 0.0, 0.0, 0.0, 0)
    if has_looked and not record.named_by:
        raise SchemaError(
            f"{table.name} has no column idx, and this is not the first look: nobody can tell which of its "
            "rows are clients that were counted before. Name the clients in a column idx, or --by COLUMN, "
            "from the first look on; a duel whose record was moved away begins anew"
        )
    order = [row for rows in places.values() for row in rows]
    client = np.repeat(np.arange(len(places)), [len(rows) for rows in places.values()])
    kept = table.take(np.array(order))
    known = Known(successes[order], trials[order], client)
    sides = [Answered.by(one.predictor, kept.features(one.predictor)) for one in (champion, candidate)]
    return night(sides[0], sides[1], known, champion.predictor.threshold)


def _require_names(options: Namespace, table: Table, record: Record) -> None:
    from data_science.cli.labelled_rows import client_column

    column = client_column(table, options.by)
    if record.clients and record.named_by not in (None, column):
        raise SettingsError(
            f"this duel began with clients named by {record.named_by or 'no column'}; expected the same, not "
            f"{column or 'none'}: a client of two names would count twice. A duel whose record was moved "
            "away begins anew"
        )
    record.named_by = column


def _require_same(before: str, now: str, row: int, table: Table) -> None:
    if (
        before != now and before.partition(",")[0] == now.partition(",")[0]
    ):  # of further rows nothing is known
        raise SchemaError(
            f"{table.name}, row {row + 1}: the client's label is not what it was when it was counted; "
            "expected labels that stay. The duel is as it was"
        )


def _digest(client: str) -> str:
    return hashlib.sha256(client.encode(errors="backslashreplace")).hexdigest()[:16]


def _promote(
    folder: Path, names: tuple[str, ...], duel: Duel | None = None, *, dry_run: bool = False
) -> None:
    from data_science.storage.registry import Registry

    evidence = None if duel is None else {
        "duel": {
            "clients": duel.score.n, "mean": duel.score.mean, "lower": duel.lower, "upper": duel.upper,
            "alpha": duel.rules.alpha,
        }
    }  # fmt: skip
    Registry(folder).promote(names[1], over=names[0], why="duel: promote", evidence=evidence, dry_run=dry_run)


def _result(names: tuple[str, ...], duel: Duel, left_out: dict[str, int], *, applied: bool) -> dict[str, Any]:
    ends = duel.to_json()
    looked = duel.looks > 0
    saved, least, most = duel.costs
    return {
        "outcome": duel.outcome,
        "champion": names[0],
        "candidate": names[1],
        "clients": duel.score.n,
        "rows": duel.n_rows,
        "left_out": left_out,
        "log_score": {
            "mean": duel.score.mean, "lower": ends["lower"], "upper": ends["upper"], "nats": duel.score.total
        },
        "utility": {
            "mean": saved, "lower": least if looked else None, "upper": most if looked else None
        },
        "alpha": duel.rules.alpha,
        "horizon": duel.rules.horizon,
        "looks": duel.looks,
        "more_clients": duel.more_clients,
        "applied": applied,
        "sentence": duel.sentence,
    }  # fmt: skip
