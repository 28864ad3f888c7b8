"""Every operator changes the program, and nothing but the program."""

import ast
from pathlib import Path

import pytest

from tests.mutation.candidates import candidates
from tests.mutation.operators import EDITS
from tests.mutation.sample import PACKAGES, changes, files

TREE = Path(__file__).parents[2]
SOURCE = '''"""A docstring with 1 + 1."""
import logging

log = logging.getLogger(__name__)
LIMIT: "int | None" = 3


@decorated(1)
def changed(a: int, b=2.0, *, é=True) -> dict[str, int]:
    """Not 1 < 2."""
    log.info("%d", a + 1)
    total = (a + b) * (  # not a - or a *
        -a / b ** 2
    )
    total += 1
    call(first=a, second=b)
    if a < b <= total and not a == b or a is not None:
        raise ValueError(f"{a + 1} is more than {1}")
    return max(total, any([a in b, a not in b, a is b, a != b, a >= b, a > b, a - b, a // b, a % b]))


def nothing():
    return None
'''


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "source.py").write_text(SOURCE, encoding="utf-8")
    return tmp_path


def test_every_mutant_is_another_program(tree):
    found = candidates(tree, "source.py")

    assert len(found) > 30
    for mutant in found:
        assert changes(mutant, tree), mutant


def test_every_operator_is_used(tree):
    expected = {
        "arguments swapped", "arithmetic", "boundary", "comparison", "connective", "constant", "nothing returned",
        "opposite", "raise removed", "sign dropped", "statement removed",
    }  # fmt: skip

    assert {mutant.operator for mutant in candidates(tree, "source.py")} == expected
    nodes = {type(node) for node in ast.walk(ast.parse(SOURCE))}
    assert set(EDITS) <= nodes


def test_what_is_only_said_is_not_changed(tree):
    lines = {mutant.line for mutant in candidates(tree, "source.py")}
    said = {
        n for n, text in enumerate(SOURCE.splitlines(), 1) if any(s in text for s in ('"""', "log.", "@"))
    }

    assert not lines & said
    assert not any(
        "is more than" in m.text and m.operator != "raise removed" for m in candidates(tree, "source.py")
    )


def test_a_mutant_is_known_by_its_function_and_text_not_by_its_line(tree):
    before = [mutant.key for mutant in candidates(tree, "source.py")]
    (tree / "source.py").write_text("import os\n\n\n" + SOURCE, encoding="utf-8")

    assert [mutant.key for mutant in candidates(tree, "source.py")] == before
    assert len(set(before)) == len(before)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_mutant_of_the_code_is_another_program(package):
    for file in files(TREE, package)[::4]:
        for mutant in candidates(TREE, file)[::10]:
            assert changes(mutant, TREE), mutant
