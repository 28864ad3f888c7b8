"""The tests that are asked: those that run the changed line, cheap before dear, within the budget."""

from pathlib import Path

import pytest

from tests.mutation.mutant import Mutant
from tests.mutation.session import NOTHING, Cost
from tests.mutation.tests_of import FOLDERS, LEFT_OUT, Trace, Traces

ROOT = Path(__file__).parents[2]


def functions(lines=range(10, 30)):
    return lambda file: frozenset(lines if file == "a.py" else range(5, 9))


def costs(*seconds):
    return {f"t{number}": Cost(cpu_s, cpu_s) for number, cpu_s in enumerate(seconds)}


@pytest.fixture
def seen():
    return Traces(
        {
            "importing": Trace(costs(1.0), NOTHING, {"a.py": [1, 2]}),
            "running": Trace({f"r{k}": v for k, v in costs(2.0, 8.0).items()}, NOTHING, {"a.py": [1, 2, 10, 11]}),
            "sharing": Trace({f"s{k}": v for k, v in costs(0.5).items()}, Cost(6.0, 6.0), {"a.py": [1, 2, 20]}),
            "elsewhere": Trace({"e": Cost(0.1, 0.1)}, NOTHING, {"far/b.py": [1, 5]}),
        }
    )  # fmt: skip


def mutant(first, last, *, at_import=False):
    return Mutant("a.py", "f", "constant", "x", "1", "2", 1, 0, 1, first, (first, last), at_import)


def test_a_line_of_a_function_is_for_those_who_run_it(seen):
    assert seen.files_for(mutant(11, 12), functions(), compiled=False) == ["running"]


@pytest.mark.parametrize(
    ("line", "given"),
    [(1, {"at_import": True}), (11, {"compiled": True}), (25, {})],
    ids=["at import", "compiled", "run by nobody"],
)
def test_what_no_line_tells_is_for_those_who_run_the_module(seen, line, given):
    compiled = given.pop("compiled", False)

    asked = seen.files_for(mutant(line, line, **given), functions(), compiled=compiled)

    assert asked == ["running", "sharing"]


def test_where_the_whole_module_is_compiled_those_who_run_its_package_are_asked(seen):
    seen = Traces(
        {**seen.files, "calling": Trace({"c": Cost(0.1, 0.1)}, NOTHING, {"a.py": [1], "c.py": [6]})}
    )

    assert seen.files_for(mutant(25, 25), functions(lines=[25]), compiled=False) == ["calling"]


@pytest.mark.parametrize("at_import", [True, False])
def test_where_nothing_is_called_those_who_import_are_asked(seen, at_import):
    asked = seen.files_for(mutant(28, 28, at_import=at_import), functions(lines=[28]), compiled=False)

    assert asked == ["importing", "running", "sharing"]


def test_cheap_tests_come_before_dear_ones_and_what_they_share_is_charged(seen):
    stages = list(seen.stages(["running", "sharing"], budget_s=60))

    assert [list(stage.nodeids) for stage in stages] == [["rt0", "st0"], ["rt1"]]
    assert [stage.cost.cpu_s for stage in stages] == [8.5, 8.0]


def test_the_budget_is_not_exceeded(seen):
    stages = list(seen.stages(["running", "sharing"], budget_s=9))

    assert [list(stage.nodeids) for stage in stages] == [["rt0", "st0"]]


def test_of_a_file_that_costs_more_than_is_left_as_many_tests_are_asked_as_that_pays_for():
    long = {f"l{k}": v for k, v in costs(*[2.0] * 10).items()}
    seen = Traces({"long": Trace(long, Cost(3.0, 3.0), {}), "short": Trace(costs(1.0), NOTHING, {})})

    stages = list(seen.stages(["long", "short"], budget_s=9))

    assert [list(stage.nodeids) for stage in stages] == [["t0", "lt0", "lt1"]]


def test_a_map_is_read_as_it_was_written(seen, tmp_path):
    seen.write(tmp_path / "map.json")

    assert Traces.read(tmp_path / "map.json").files == seen.files


@pytest.mark.parametrize("part", LEFT_OUT)
def test_what_is_left_out_is_there_and_has_a_reason_to_be_left_out(part):
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("test_*.py")]
    named = any(part in path.relative_to(ROOT).as_posix() for path in files)

    assert named or any(f"def test_{part}" in path.read_text() for path in files)
    assert LEFT_OUT[part]
