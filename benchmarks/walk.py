"""How a specification travels through ``pipeline.fit``: stays in modules, climbs to higher layers, returns.

Functions of ``data_science`` in the order of one fit of 3,000 rows, each pair of caller and callee the first time only.
A *stay* is a run of callees in one module, a *climb* a stay in a higher layer than the one before, a *return* a
stay in a module left before; layers are those of the tree's own import contract. Counted over all functions, and
over those that hand work on to another module, which is what a reader follows. Then how often the work on the
rows is done. Nothing is timed, and two runs give the same.

    python -m benchmarks.walk [--tree PATH] [--show]   # PATH: another checkout, such as an older one
"""

import argparse
import os
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from types import CodeType, FrameType

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "data_science"
ROWS = 3_000
TREE = "WALKED_TREE"
WORK = ("validate", "fingerprint", "learn", "encode", "compress", "distinct", "cell_index", "design_matrix")


@dataclass(frozen=True, slots=True)
class Call:
    """One function calling another; both have a name and are of the package."""

    caller: CodeType
    caller_module: str
    callee: CodeType
    module: str


def calls() -> list[Call]:
    """Fit once and return every call."""
    import numpy as np
    import pandas as pd

    from data_science import pipeline
    from data_science.engines.registry import engine

    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "attr_a": rng.integers(1, 6, ROWS),
            "attr_b": np.array(list("abcd"))[rng.integers(0, 4, ROWS)],
            "scd_a": rng.random(ROWS),
            "scd_b": rng.integers(1, 6, ROWS),
            "label": (rng.random(ROWS) < 0.1).astype(int),
        }
    )
    engine("nested-laplace")  # its import is no part of the walk
    found: list[Call] = []

    def note(called: FrameType, event: str, _: object) -> None:
        if event != "call" or not named(called):
            return
        caller = called.f_back
        while caller is not None and not named(caller):  # through decorators, comprehensions and libraries
            caller = caller.f_back
        if caller is not None:
            found.append(Call(caller.f_code, module(caller), called.f_code, module(called)))

    sys.setprofile(note)
    try:
        pipeline.fit(frame, engine="nested-laplace")
    finally:
        sys.setprofile(None)
    return found


def named(frame: FrameType) -> bool:
    """Whether a function of the package runs here that has a name; one that a dataclass was given has."""
    inside = frame.f_globals.get("__name__", "").startswith(f"{PACKAGE}.")
    return inside and not frame.f_code.co_name.startswith("<")


def module(frame: FrameType) -> str:
    """Return the module of a frame, without the package's name."""
    return str(frame.f_globals["__name__"]).removeprefix(f"{PACKAGE}.")


def first_calls(made: Sequence[Call]) -> Iterator[Call]:
    """Yield the first call of each pair of caller and callee."""
    seen = set()
    for call in made:
        if (pair := (call.caller, call.callee)) not in seen:
            seen.add(pair)
            yield call


def stays(rooms: Sequence[str]) -> list[str]:
    """Return the runs of one room as one stay each."""
    return [room for room, _ in groupby(rooms)]


def layers(tree: Path) -> dict[str, int]:
    """Return the floor of each package or module of the first level, from 0, by the layers' contract."""
    settings = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (contract,) = [
        each
        for each in settings["contracts"]
        if each["type"] == "layers" and PACKAGE in each.get("containers", [])
    ]
    lines = reversed(contract["layers"])
    return {name.strip(): floor for floor, line in enumerate(lines) for name in line.split("|")}


def counted(rooms: Sequence[str], floors: dict[str, int]) -> tuple[int, int, int, int]:
    """Count stays, rooms, climbs and returns."""
    visited = stays(rooms)
    heights = [floors[room.split(".")[0]] for room in visited]
    climbs = sum(after > before for before, after in pairwise(heights))
    return len(visited), len(set(visited)), climbs, len(visited) - len(set(visited))


def main() -> None:
    """Walk this tree, or another in a process of its own, and print what was counted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--tree", type=Path, default=ROOT, help="the checkout whose code is walked (default: this one)"
    )
    parser.add_argument("--show", action="store_true", help="print the stays of those that hand work on")
    chosen = parser.parse_args()
    tree = chosen.tree.resolve()
    if os.environ.get(TREE) != str(tree):  # afresh, so that this tree's modules are the ones imported
        environment = {**os.environ, TREE: str(tree), "PYTHONPATH": f"{tree}{os.pathsep}{tree / 'mle'}"}
        command = [sys.executable, "-W", "ignore", __file__, *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)
    floors, made = layers(tree), calls()
    hands_on = {call.caller for call in made if call.caller_module != call.module}
    walks = {
        "all functions": [call.module for call in first_calls(made)],
        "those that hand work on": [call.module for call in first_calls(made) if call.callee in hands_on],
    }
    if chosen.show:
        for room in stays(walks["those that hand work on"]):
            floor = floors[room.split(".")[0]]
            print(f"{floor:3} {'  ' * floor}{room}")
    print(f"{'':38}{'stays':>7}{'rooms':>7}{'climbs':>8}{'returns':>9}")
    for what, modules in walks.items():
        for unit, rooms in (("module", modules), ("package", [name.split(".")[0] for name in modules])):
            figures = counted(rooms, floors)
            print(f"{what + ', by ' + unit:38}" + "{:>7}{:>7}{:>8}{:>9}".format(*figures))
    times = Counter(call.callee.co_name for call in made)
    print("called: " + ", ".join(f"{name} {times[name]}" for name in WORK))


if __name__ == "__main__":
    main()
