"""The versions of `machine_learning_engineering` that teams have, and how to run a model over one of them.

Each folder under ``variants/`` holds one version as a whole package; put first on ``PYTHONPATH`` it is the
one that ``import machine_learning_engineering`` finds. A version is chosen once per process, so each
trial is a fresh one.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
VARIANTS = tuple(sorted(path for path in (HERE / "variants").iterdir() if path.is_dir()))

TRIAL = """
import json, sys
from pkgutil import resolve_name
import pandas as pd

request = json.load(sys.stdin)
model = resolve_name(request["model"])()
model.load(request["folder"])
labels = [
    model.predict_with_logging(idx, pd.DataFrame([request["features"]])) for idx in request["clients"]
]
import machine_learning_engineering.mle_model as base
json.dump(
    {
        "labels": labels,
        "types": sorted({type(label).__name__ for label in labels}),
        "base": base.__file__,
        "is_mle_model": isinstance(model, base.MLEModel),
    },
    sys.stdout,
)
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a model over one version."""

    labels: list[int]
    types: list[str]  # of the labels, by name
    base: str  # the file MLEModel came from
    is_mle_model: bool
    logged: str  # what the version wrote to ~/mle_storage/labels


def try_over(
    variant: Path,
    model: str,
    folder: Path,
    features: dict,
    clients: Sequence[int],
    home: Path,
    search_path: Sequence[Path] = (),
) -> Trial:
    """Load ``folder`` into ``model`` ("module:Class") over one version and predict with logging.

    ``home`` becomes the process's home directory, where versions keep their logs.
    """
    path = os.pathsep.join(map(str, (variant, *search_path)))
    request = {"model": model, "folder": str(folder), "features": features, "clients": list(clients)}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", TRIAL],
        input=json.dumps(request),
        env={**os.environ, "PYTHONPATH": path, "HOME": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=600,
    )
    if run.returncode:
        raise AssertionError(f"{model} over {variant.name}:\n{run.stderr}")
    return Trial(**json.loads(run.stdout), logged=(home / "mle_storage" / "labels").read_text())
