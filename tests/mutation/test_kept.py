"""What is kept of earlier runs is used as long as the tests that found it are the same, and no longer."""

import pytest

from tests.mutation.kept import Kept
from tests.mutation.session import NOTHING
from tests.mutation.tests_of import Trace, Traces

FIRST, SECOND = "tests/unit/test_first.py", "tests/unit/test_second.py"


@pytest.fixture
def tree(tmp_path):
    for name in ("data_science/a.py", "tests/conftest.py", FIRST, SECOND):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")
    kept = Kept(tmp_path)
    seen = Traces({})
    for name in (FIRST, SECOND):
        seen = kept.add_trace(seen, name, Trace({}, NOTHING, {"data_science/a.py": [1]}))
    kept.add_result(result("dead", "killed", by=f"{FIRST}::test_it"))
    kept.add_result(result("crashed", "killed", by="the whole session"))
    kept.add_result(result("alive", "survived"))
    return tmp_path


def result(shown, status, by=""):
    return {"shown": shown, "status": status, "by": by, "budget_s": 20.0}


def change(tree, name):
    (tree / name).write_text("# changed\n")


def known(tree, budget_s=20.0):
    kept = Kept(tree)
    return set(kept.traces().files), set(kept.results(budget_s))


def test_an_unchanged_tree_is_asked_nothing_again(tree):
    assert known(tree) == ({FIRST, SECOND}, {"dead", "crashed", "alive"})
    assert Kept(tree).results(20.0)["dead"] == result("dead", "killed", by=f"{FIRST}::test_it")


def test_survivors_are_asked_again_with_a_larger_budget(tree):
    assert known(tree, budget_s=30.0)[1] == {"dead", "crashed"}


def test_a_changed_test_is_traced_alone_and_only_its_own_kills_stand(tree):
    change(tree, SECOND)
    assert known(tree) == ({FIRST}, {"dead"})

    change(tree, FIRST)
    assert known(tree) == (set(), set())


@pytest.mark.parametrize("name", ["data_science/a.py", "tests/conftest.py"])
def test_nothing_stands_where_the_code_or_what_tests_share_has_changed(tree, name):
    change(tree, name)

    assert known(tree) == (set(), set())


def test_what_is_forgotten_is_gone(tree):
    Kept(tree).forget()

    assert known(tree) == (set(), set())
