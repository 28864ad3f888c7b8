"""The draw depends on the code and the seed alone, and an edit moves what it touches only."""

from collections import Counter

import pytest

from tests.mutation import sample

MODULE = "".join(f"def f{n}(a, b):\n    return a + {n} < b and a > {n}\n\n\n" for n in range(2, 40))


@pytest.fixture
def tree(tmp_path):
    for name in ("data", "formula"):
        folder = tmp_path / "data_science" / name
        folder.mkdir(parents=True)
        (folder / "one.py").write_text(MODULE)
        (folder / "two.py").write_text(MODULE)
    return tmp_path


def test_the_same_code_and_seed_give_the_same_mutants(tree):
    assert sample.draw(tree, 8) == sample.draw(tree, 8)
    assert sample.draw(tree, 8) != sample.draw(tree, 8, seed=2)


def test_every_package_is_drawn_from_alike(tree):
    drawn = Counter(sample.package_of(mutant.file) for mutant in sample.draw(tree, 8))

    assert drawn == {"data": 8, "formula": 8}


def test_no_kind_of_change_fills_the_sample(tree):
    drawn = Counter((sample.package_of(m.file), m.operator) for m in sample.draw(tree, 8))

    assert max(drawn.values()) <= sample.PER_PACKAGE_AND_OPERATOR


def test_an_edit_elsewhere_in_the_file_leaves_the_mutants_as_they_are(tree):
    before = {mutant.key for mutant in sample.draw(tree, 8)}
    file = tree / "data_science" / "data" / "one.py"
    file.write_text("import os\n\nNAME = os.name\n\n\n" + file.read_text())

    assert {mutant.key for mutant in sample.draw(tree, 8)} == before
