"""Store small models as examples of a format, with what the code that stored them says of some rows.

Run once for each new number of the format, before the code changes again; examples are never made anew:

    python -m tests.compatibility.store_artifact

Format 1 was stored by the code of 2026-11-25, which had no such command. In a checkout of 07bb464 beside this one,
with a ``.venv`` of its own (``make check`` there makes it)::

    PYTHONPATH=../before:../before/mle ../before/.venv/bin/python tests/compatibility/store_artifact.py

``first`` is a day older; the same code was asked about it: ``store_artifact.py --ask first``.
"""

import argparse
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))  # also where this file is run by another version's Python

from stored_models import ANSWERS, EXAMPLES, ROWS, STORED, Example, Rows, answers, arithmetic

import data_science
from data_science import BayesianLogitModel, pipeline
from data_science.storage import artifact
from data_science.storage.manifest import PROTOCOL

FOLDER = STORED / f"format_{PROTOCOL}"
FEWER = 10  # each tenth draw, and no posterior.nc: a repository keeps this for ever


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--ask", metavar="NAME", help="only store what this code says of an example already there"
    )
    asked = parser.parse_args().ask
    print(f"data_science of {Path(data_science.__file__).parent}")
    if asked:
        record(FOLDER / asked, EXAMPLES.get(asked, EXAMPLES["company"]).rows())
        return
    for name, example in EXAMPLES.items():
        store(FOLDER / name, example)
        record(FOLDER / name, example.rows())


def store(folder: Path, example: Example) -> None:
    """Fit one model and save it."""
    if folder.exists():
        raise SystemExit(f"{folder} holds an example of this format already")
    fitted = pipeline.fit(example.frame(), example.specification, engine=example.engine, costs=example.costs)
    whole = fitted.predictor
    artifact.save(
        folder,
        predictor=replace(whole, draws=whole.draws[::FEWER], group_sd_draws=whole.group_sd_draws[::FEWER]),
        diagnostics=fitted.diagnostics,
        model_card=fitted.model_card,
        writers={},
        provenance=fitted.provenance,
        now=datetime.now(UTC),
    )


def record(folder: Path, rows: Rows) -> None:
    """Ask a stored model about the rows, and store both."""
    if (folder / ANSWERS).exists():
        raise SystemExit(f"{folder} holds the answers already")
    model = BayesianLogitModel()
    model.load(folder)
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (folder / ROWS).write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    np.savez_compressed(folder / ANSWERS, arithmetic=arithmetic(), **answers(model, rows))


if __name__ == "__main__":
    main()
