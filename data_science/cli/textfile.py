"""What a job did, for the textfile collector of Prometheus' node_exporter: written whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Mapping

from data_science.cli.output import written_to

_PREFIX = "data_science"


def write(path: str, verb: str, code: int, seconds: float, distances: Mapping[str, float]) -> None:
    """Write the metrics of one run.

    Parameters
    ----------
    path : str
        A file that ends in ``.prom``, in the folder that node_exporter reads.
    verb : str
    code : int
        The exit code.
    seconds : float
        How long it took.
    distances : mapping of str to float
        By column.
    """
    verb_label = {"verb": verb}
    lines = [
        *_gauge("job_last_exit_code", "Exit code of the last run.", [(verb_label, code)]),
        *_gauge("job_last_run_timestamp_seconds", "When it ended.", [(verb_label, time.time())]),
        *_gauge("job_duration_seconds", "How long it took.", [(verb_label, seconds)]),
        *_gauge(
            "check_distance", "Jensen-Shannon distance of a column from training.",
            [({"column": name}, value) for name, value in distances.items()],
        ),
    ]  # fmt: skip
    with written_to(path) as stream:
        stream.write("".join(lines).encode())


def _gauge(name: str, help_text: str, values: list[tuple[dict[str, str], float]]) -> list[str]:
    if not values:
        return []
    full = f"{_PREFIX}_{name}"
    head = [f"# HELP {full} {help_text}\n", f"# TYPE {full} gauge\n"]
    return head + [f"{full}{{{_labels(labels)}}} {value!r}\n" for labels, value in values]


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
