"""The draw depends on the code and the seed alone, and an edit moves what it touches only."""

from collections import Counter
from pathlib import Path

import pytest

from tests.mutation import sample

ROOT = Path(__file__).parents[2]
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


def test_a_draw_of_some_packages_is_their_part_of_the_whole_draw(tree):
    some = sample.draw(tree, 8, packages=["formula"])

    assert some == [m for m in sample.draw(tree, 8) if sample.package_of(m.file) == "formula"]


def test_no_kind_of_change_fills_the_sample(tree):
    drawn = Counter((sample.package_of(m.file), m.operator) for m in sample.draw(tree, 8))

    assert max(drawn.values()) <= sample.PER_PACKAGE_AND_OPERATOR


def test_an_edit_elsewhere_in_the_file_leaves_the_mutants_as_they_are(tree):
    before = {mutant.key for mutant in sample.draw(tree, 8)}
    file = tree / "data_science" / "data" / "one.py"
    file.write_text("import os\n\nNAME = os.name\n\n\n" + file.read_text())

    assert {mutant.key for mutant in sample.draw(tree, 8)} == before


def test_every_file_of_the_product_is_of_one_package_and_every_package_has_files():
    product = [
        file
        for file in (
            path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py") if ".venv" not in path.parts
        )
        if file.startswith(
            ("data_science/", "book/", "deployment/", "de/", "mle/machine_learning_engineering/", "main.py")
        )
    ]

    counted = {file: sample.package_of(file) for file in product if not file.startswith(sample.NOT_DRAWN)}

    assert set(counted.values()) == set(sample.PACKAGES)
