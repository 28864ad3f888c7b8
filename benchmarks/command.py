"""`data-science predict` on 10^6 rows of a CSV: CPU seconds against reading the file alone, and peak memory.

    python -m benchmarks.command [ROWS]

Reading is `pandas.read_csv` in chunks of the same size, of all columns; both are measured in one run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

READING = "import pandas as pd\nfor part in pd.read_csv('{}', chunksize=2**16): pass"


def made(folder: Path, n_rows: int) -> None:
    """Write rows like the wells of Bangladesh, and a model of them."""
    import numpy as np
    import pandas as pd

    from data_science import Predictor
    from data_science.formula.encoding import Encoding, Term
    from data_science.storage import artifact

    rng = np.random.default_rng(1)
    columns = {
        "idx": np.arange(n_rows),
        "switch": rng.integers(0, 2, n_rows),
        "arsenic": rng.uniform(0.5, 9, n_rows).round(2),
        "dist100": rng.uniform(0, 3, n_rows).round(5),
        "assoc": rng.integers(0, 2, n_rows),
        "educ": rng.integers(0, 17, n_rows),
        "other": rng.normal(size=n_rows),
    }
    pd.DataFrame(columns).to_csv(folder / "rows.csv", index=False)
    terms = (Term("Intercept"), Term("dist100", ("dist100",)), Term("arsenic", ("arsenic",)))
    means = np.array([0.0, -0.9, 0.46])
    predictor = Predictor(Encoding(terms), means, means + rng.normal(0, 0.1, (200, 3)), np.empty((200, 0)))
    artifact.save(
        folder / "models", predictor=predictor, diagnostics={}, model_card="Made for a benchmark.", writers={},
        provenance={}, now=datetime.now(UTC),
    )  # fmt: skip


def spent(command: list[str], folder: Path) -> tuple[float, float]:
    """CPU seconds and peak memory (MB) of one process."""
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=folder, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, status
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main(n_rows: int = 1_000_000, rounds: int = 3) -> None:
    """Print one line for each process: its start, its rows, and its peak memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        maker = (
            f"from pathlib import Path; from benchmarks.command import made; made(Path({name!r}), {n_rows})"
        )
        spent([sys.executable, "-c", maker], Path.cwd())  # a process's peak counts its parent's size
        head = (folder / "rows.csv").read_bytes().splitlines(keepends=True)[:2]
        (folder / "one.csv").write_bytes(b"".join(head))
        predict = [sys.executable, "-m", "data_science", "predict", "{}", "--out", "scores.csv"]
        commands = {
            "reading": [sys.executable, "-c", READING],
            "predict": [*predict, "--keep-columns", ""],
            "predict, idx kept": predict,
        }
        found = {}
        for label, command in commands.items():
            runs = {
                file: [spent([word.format(file) for word in command], folder) for _ in range(rounds)]
                for file in ("one.csv", "rows.csv")
            }
            start, whole = (min(cpu for cpu, _ in runs[file]) for file in runs)
            found[label] = start, whole - start, max(peak for _, peak in runs["rows.csv"])
    reading = found["reading"][1]
    print(f"{n_rows:,} rows; best of {rounds}; rows are net of the same command on one row")
    for label, (start, rows, peak) in found.items():
        print(
            f"{label:<20}{start:6.2f} s start {rows:6.2f} s rows {rows / reading:6.2f} x reading {peak:6.0f} MB"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
