"""The groups and the order in which tests are dealt to workers name what is there."""

from pathlib import Path

from tests.distribution import LONGEST_FIRST, TOGETHER, group_of

ROOT = Path(__file__).parents[2]


def test_every_module_that_is_named_is_there():
    named = {name for name in LONGEST_FIRST if name not in TOGETHER}.union(*TOGETHER.values())

    assert {name for name in named if not (ROOT / name).is_file()} == set()


def test_no_module_is_named_twice_and_none_that_belongs_to_a_group_has_a_place_of_its_own():
    named = [*LONGEST_FIRST, *(module for modules in TOGETHER.values() for module in modules)]

    assert len(named) == len(set(named))


def test_a_module_is_its_own_group_unless_it_shares_something():
    assert group_of("tests/unit/test_gates.py::test_a[b::c]") == "tests/unit/test_gates.py"
    assert group_of("tests/book/test_build.py::test_a") == group_of("tests/book/test_site.py::TestB::test_c")
