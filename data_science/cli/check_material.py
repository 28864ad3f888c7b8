"""What a check judges: new rows of a file, or of the prediction log, as a version answers them."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from data_science.cli import logged_rows
from data_science.cli.data_files import DataFile
from data_science.cli.labelled_rows import Table, clients, has_response, known_at, outcomes, readable
from data_science.cli.with_log import keys, label_of
from data_science.errors import SchemaError
from data_science.storage.artifact import Loaded
from data_science.watch.check import Labelled, Seen
from data_science.watch.reference import Answers


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to judge."""

    seen: Seen
    labelled: Labelled | None
    record: dict[str, int]  # what could not be used, by reason


def of_file(options: Namespace, version: Loaded) -> Material:
    """Read DATA; its response, where there is one, came later than the model."""
    table = Table.of(DataFile(options.data, options.delimiter, options.encoding))
    good = readable(table, version.predictor)
    record = {"unreadable": int((~good).sum())}
    table = table.take(good)
    _require_rows(table.name, len(table.frame), record)
    features = table.features(version.predictor)
    client = np.asarray(clients(table, options.by).factorize()[0])
    answers = Answers.of(version.predictor, features)
    labelled = None
    if has_response(table, version):
        successes, trials = outcomes(table, version, options.positive)
        known = successes >= 0.0
        record["without a label"] = int((~known).sum())
        if not known.any():
            return Material(Seen(features, answers, client), None, record)
        labelled = Labelled(answers.probability[known], successes[known], client[known], trials[known])
    return Material(Seen(features, answers, client), labelled, record)


def of_log(options: Namespace, version: Loaded, since: timedelta | None) -> Material:
    """Read the log: inputs as this version answers them, calibration as it was answered when asked."""
    logged = logged_rows.read(Path(options.log), None if since is None else datetime.now(UTC) - since)
    record = {"skipped lines": logged.n_skipped}
    asked = Table(str(options.log), logged.features, is_text=False)
    _require_rows(asked.name, len(logged.idx), record)
    good = readable(asked, version.predictor)
    record["unreadable"] = int((~good).sum())
    record["answered by other versions"] = int((logged.version != version.path.name).sum())
    _require_rows(asked.name, int(good.sum()), record)
    features = asked.take(good).features(version.predictor)
    client = np.asarray(logged.idx.factorize()[0])
    seen = Seen(features, Answers.of(version.predictor, features), client[good])
    if not options.labels:  # a blank one is none, as from compose
        return Material(seen, None, record)
    labels = Table.of(DataFile(options.labels, options.delimiter, options.encoding))
    if len(labels.frame) == 0:
        raise SchemaError(f"{labels.name} has no row; expected idx and response of clients")
    y = outcomes(labels, version, options.positive)[0]
    labels, y = labels.take(~np.isnan(y)), y[~np.isnan(y)]  # of the others nothing need be known
    idx, moments = keys(labels), known_at(labels)
    if len(y) == 0:
        return Material(seen, None, record)
    row = label_of(logged, idx, moments)
    usable = (row >= 0) & logged.probability.notna().to_numpy(dtype=bool)
    record["labels of clients not in the log"] = int((~idx.isin(logged.idx)).sum())
    p = logged.probability.to_numpy()[usable]
    return Material(seen, Labelled(p, y[row[usable]], client[usable]), record)


def _require_rows(name: str, n_rows: int, record: dict[str, int]) -> None:
    if n_rows == 0:
        why = ", ".join(f"{n:,} {what}" for what, n in record.items() if n)
        raise SchemaError(
            f"{name} has no row to check{f' ({why})' if why else ''}; expected rows like training's"
        )
