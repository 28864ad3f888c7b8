"""``data-science predict``: label and probability of every row of a table, in constant memory."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from data_science.errors import FeatureError, SettingsError

if TYPE_CHECKING:
    import numpy as np

    from data_science.cli.data_files import DataFile
    from data_science.cli.typed_rows import Chunk
    from data_science.prediction.predictor import Predictor

MARKED = 3  # some rows were refused


def run(options: Namespace) -> int:
    """Write the predictions; return 3 if rows were refused and marked."""
    from data_science.cli.data_files import DataFile
    from data_science.cli.output import written_to
    from data_science.cli.row_writers import write_csv, write_header, write_json_lines
    from data_science.cli.typed_rows import chunks
    from data_science.cli.versions import loaded

    data = DataFile(options.data, options.delimiter, options.encoding)
    if options.interval is not None and not 0.0 < options.interval < 1.0:
        raise SettingsError(f"--interval is {options.interval!r}; expected a probability such as 0.95")
    keep = None if options.keep_columns is None else [c for c in options.keep_columns.split(",") if c]
    began, version = perf_counter(), loaded(options)
    predictor = version.predictor
    as_csv = options.format == "csv"
    write = write_csv if as_csv else write_json_lines
    n_rows = n_refused = 0
    with written_to(options.out) as stream:
        titled = not as_csv
        for chunk in chunks(data, predictor, keep):
            _require_apart(chunk, options)
            if len(chunk.features) == 0:  # a header alone
                if as_csv:
                    write_header(stream, [*chunk.kept.columns, *_titles(options)])
                break
            columns, refused = _predicted(predictor, chunk, data, options)
            if not titled:
                write_header(stream, list(columns))
                titled = True
            write(stream, columns)
            n_rows, n_refused = n_rows + len(chunk.features), n_refused + refused
    if options.json:
        seconds = round(perf_counter() - began, 3)
        told = {"version": version.path.name, "rows": n_rows, "refused": n_refused, "seconds": seconds}
        print(json.dumps(told), file=sys.stderr)  # noqa: T201 - standard output has the rows
    return MARKED if n_refused else 0


def _require_apart(chunk: Chunk, options: Namespace) -> None:
    if both := [name for name in _titles(options) if name in chunk.kept.columns]:
        raise SettingsError(
            f"--keep-columns would keep {', '.join(both)}, which the predictions are called; expected other "
            "columns. Leave them out, or rename them in the file"
        )


def _titles(options: Namespace) -> tuple[str, ...]:
    bounds = () if options.interval is None else ("lower", "upper")
    return ("label", "probability", *bounds, *(("error",) if options.on_error == "mark" else ()))


def _predicted(
    predictor: Predictor, chunk: Chunk, data: DataFile, options: Namespace
) -> tuple[dict[str, Any], int]:
    """Return the columns of the output, and how many rows were refused."""
    import numpy as np

    kept = {str(name): chunk.kept[name] for name in chunk.kept.columns}
    n_rows = len(chunk.features)
    errors: dict[int, FeatureError] = {}
    try:
        found = _scored(predictor, chunk.features, options)
    except FeatureError as refusal:
        from data_science.cli.typed_rows import faults

        errors = faults(predictor, chunk, all_of_them=options.on_error == "mark")
        if options.on_error == "stop" or not errors:
            raise _located(refusal, errors, chunk, data) from refusal
        good = np.ones(n_rows, dtype=bool)
        good[list(errors)] = False
        found = {
            name: _spread(values, good)
            for name, values in (
                _scored(predictor, chunk.features[good], options) if good.any() else {}
            ).items()
        } or {name: np.full(n_rows, None, dtype=object) for name in _titles(options) if name != "error"}
    if options.on_error == "mark":
        found["error"] = np.array(
            [str(errors[i]) if i in errors else None for i in range(n_rows)], dtype=object
        )
    return {**kept, **found}, len(errors)


def _scored(predictor: Predictor, features: Any, options: Namespace) -> dict[str, Any]:
    probability = predictor.predict_proba(features, options.method)
    if options.method is None:
        label = predictor.predict_batch(features)
    else:  # a label beside another probability than its own would contradict it
        label = (probability > predictor.threshold).astype(int)
    found: dict[str, Any] = {"label": label, "probability": probability}
    if options.interval is not None:
        found["lower"], found["upper"] = predictor.predict_interval(features, options.interval).T
    return found


def _spread(values: np.ndarray[Any, Any], good: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    import numpy as np

    spread = np.full(len(good), None, dtype=object)
    spread[good] = values.tolist()
    return spread


def _located(
    refusal: FeatureError, errors: dict[int, FeatureError], chunk: Chunk, data: DataFile
) -> FeatureError:
    if not errors:
        return refusal
    place, error = next(iter(errors.items()))
    row = chunk.first + place
    line = data.line_of(row)
    where = f"row {row + 1}" if line is None else f"line {line}"
    return FeatureError(f"{data.name}, {where}: {error}", error.column)
