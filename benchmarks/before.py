"""What this code costs against an earlier one: CPU seconds of fresh processes that alternate, and their ratio.

Run: ``python -m benchmarks.before --against PATH`` (needs the `train` extra), where PATH is a checkout of the earlier
code; both run on this interpreter's packages. A round runs each once, the other one first each time; the ratio is
the median over the rounds' own ratios, with their quartiles, so that a busy machine meets both alike.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STORED = ROOT / "tests" / "compatibility" / "artifacts" / "format_1" / "company"
SLOWEST = 1.05

COLD_START = """
from data_science import BayesianLogitModel
model = BayesianLogitModel()
model.load(MODEL)
model.predict_one({"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3})
"""
SERVING = """
import json, time
import pandas as pd
from data_science import BayesianLogitModel
model = BayesianLogitModel()
model.load(MODEL)
row = {"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}
frame, many = pd.DataFrame([row]), pd.read_pickle(ROWS).head(100_000)

def cost(call, repeats):
    call()
    rounds = []
    for _ in range(9):
        start = time.process_time()
        for _ in range(repeats):
            call()
        rounds.append((time.process_time() - start) / repeats)
    return min(rounds)  # whoever else runs only adds

print(json.dumps({
    "predict_one(mapping)": cost(lambda: model.predict_one(row), 20_000),
    "predict(one-row frame)": cost(lambda: model.predict(frame), 2_000),
    "predict_proba, 10^5 rows": cost(lambda: model.predict_proba(many), 10),
    "predict_interval, 10^5 rows": cost(lambda: model.predict_interval(many), 1),
}))
"""
FIT = """
import pandas as pd
from data_science import pipeline
pipeline.fit(pd.read_pickle(ROWS), engine={engine!r})
"""
MAKE_ROWS = """
from benchmarks.settings import company
company(150_000, signal=True).to_pickle(ROWS)
"""


@dataclass(frozen=True, slots=True)
class Program:
    """A program whose whole process is measured, or which prints CPU seconds by what it measured itself."""

    what: str
    code: str
    prints: bool = False


COLD = Program("import, load, first label", COLD_START)
SERVED = Program("serving", SERVING, prints=True)
FITS = (
    Program("fit, nuts checked by nested-laplace", FIT.format(engine="nuts")),
    Program("fit, nested-laplace", FIT.format(engine="nested-laplace")),
)


@dataclass(frozen=True, slots=True)
class Tree:
    """A checkout, with byte code and compiled code of its own."""

    path: Path
    folder: Path

    def costs(self, program: Program) -> dict[str, float]:
        """Run a program once and return CPU seconds by what was measured."""
        names = f"MODEL, ROWS = {str(STORED)!r}, {str(self.folder.parent / 'rows.pickle')!r}\n"
        environment = {
            **os.environ,
            "PYTHONPATH": f"{self.path}{os.pathsep}{self.path / 'mle'}",
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(self.folder / "byte-code"),
            "NUMBA_CACHE_DIR": str(self.folder / "compiled"),
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, "-W", "ignore", "-c", names + program.code]
        with subprocess.Popen(command, cwd=self.folder, env=environment, stdout=subprocess.PIPE) as process:
            printed = process.stdout.read() if process.stdout else b""
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"a measured program failed in {self.path}: {program.what}")
        if program.prints:
            return dict(json.loads(printed))
        return {program.what: usage.ru_utime + usage.ru_stime}


def compare(program: Program, earlier: Tree, today: Tree, rounds: int) -> bool:
    """Print a line for each thing measured, and return whether one became too slow."""
    for tree in (earlier, today):
        tree.costs(program)  # compiles what is compiled once
    measured: dict[Tree, list[dict[str, float]]] = {earlier: [], today: []}
    for number in range(rounds):
        for tree in (earlier, today) if number % 2 else (today, earlier):
            measured[tree].append(tree.costs(program))
    slower = False
    for what in measured[today][0]:
        before, now = ([each[what] for each in measured[tree]] for tree in (earlier, today))
        ratios = [after / former for former, after in zip(before, now, strict=True)]
        low, ratio, high = statistics.quantiles(ratios, n=4) if rounds > 1 else ratios * 3
        print(
            f"{what:36}{_shown(statistics.median(before)):>12}{_shown(statistics.median(now)):>12}"
            f"{ratio:>8.3f}   {low:.3f} to {high:.3f}   {rounds}",
            flush=True,
        )
        slower |= ratio > SLOWEST
    return slower


def _shown(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:,.2f} µs"
    return f"{seconds * 1e3:,.1f} ms" if seconds < 1 else f"{seconds:,.2f} s"


def main() -> None:
    """Print the table; exit with 1 if something became slower by more than the target."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--against", type=Path, required=True, help="a checkout of the earlier code")
    parser.add_argument("--rounds", type=int, default=21, help="of serving; 0: none")
    parser.add_argument("--fits", type=int, default=5, help="rounds of fits; 0: none")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        earlier = Tree(chosen.against.resolve(), Path(name) / "earlier")
        today = Tree(ROOT, Path(name) / "today")
        for tree in (earlier, today):
            tree.folder.mkdir()
        today.costs(Program("rows", MAKE_ROWS))
        print(f"{'CPU time':36}{'before':>12}{'now':>12}{'ratio':>8}   quartiles        rounds")
        plan = [*((each, chosen.rounds) for each in (COLD, SERVED)), *((each, chosen.fits) for each in FITS)]
        slower = [compare(program, earlier, today, rounds) for program, rounds in plan if rounds]
    if any(slower):
        raise SystemExit(f"something became slower by more than the {SLOWEST - 1:.0%} allowed")


if __name__ == "__main__":
    main()
