"""The tests that are asked: those that run the changed line, cheap before dear, within the budget."""

from pathlib import Path

import pytest

from tests.mutation.mutant import Mutant
from tests.mutation.session import NOTHING, Cost
from tests.mutation.tests_of import FOLDERS, LEFT_OUT, Trace, Traces

ROOT = Path(__file__).parents[2]

FUNCTIONS = frozenset(range(10, 30))


def costs(*seconds):
    return {f"t{number}": Cost(cpu_s, cpu_s) for number, cpu_s in enumerate(seconds)}


@pytest.fixture
def seen():
    return Traces(
        {
            "importing": Trace(costs(1.0), NOTHING, {"a.py": [1, 2]}),
            "running": Trace({f"r{k}": v for k, v in costs(2.0, 8.0).items()}, NOTHING, {"a.py": [1, 2, 10, 11]}),
            "sharing": Trace({f"s{k}": v for k, v in costs(0.5).items()}, Cost(6.0, 6.0), {"a.py": [1, 2, 20]}),
            "elsewhere": Trace({"e": Cost(0.1, 0.1)}, NOTHING, {"b.py": [1]}),
        }
    )  # fmt: skip


def mutant(first, last, *, at_import=False):
    return Mutant("a.py", "f", "constant", "x", "1", "2", 1, 0, 1, first, (first, last), at_import)


def test_a_line_of_a_function_is_for_those_who_run_it(seen):
    assert seen.files_for(mutant(11, 12), FUNCTIONS, compiled=False) == ["running"]
    assert seen.files_for(mutant(25, 25), FUNCTIONS, compiled=False) == []


@pytest.mark.parametrize("given", [{"at_import": True}, {"at_import": False}], ids=["at import", "compiled"])
def test_what_no_line_tells_is_for_those_who_run_the_module(seen, given):
    assert seen.files_for(mutant(1, 1, **given), FUNCTIONS, compiled=True) == ["running", "sharing"]


def test_where_nothing_is_called_those_who_import_are_asked(seen):
    functions = frozenset({28})

    assert seen.files_for(mutant(1, 1, at_import=True), functions, compiled=False) == [
        "importing",
        "running",
        "sharing",
    ]


def test_cheap_tests_come_before_dear_ones_and_what_they_share_is_charged(seen):
    stages = list(seen.stages(["running", "sharing"], budget_s=60))

    assert [list(stage.nodeids) for stage in stages] == [["rt0", "st0"], ["rt1"]]
    assert [stage.cost.cpu_s for stage in stages] == [8.5, 8.0]


def test_the_budget_is_not_exceeded(seen):
    stages = list(seen.stages(["running", "sharing"], budget_s=9))

    assert [list(stage.nodeids) for stage in stages] == [["rt0", "st0"]]


def test_a_map_is_read_as_it_was_written(seen, tmp_path):
    seen.write(tmp_path / "map.json")

    assert Traces.read(tmp_path / "map.json").files == seen.files


@pytest.mark.parametrize("part", LEFT_OUT)
def test_what_is_left_out_is_there_and_has_a_reason_to_be_left_out(part):
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("test_*.py")]
    named = any(part in path.relative_to(ROOT).as_posix() for path in files)

    assert named or any(f"def test_{part}" in path.read_text() for path in files)
    assert LEFT_OUT[part]
