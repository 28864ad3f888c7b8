"""The lists that people keep match the code, and say so where they do not."""

import tomllib
from pathlib import Path

import pytest

from tests.mutation import listed
from tests.mutation.candidates import candidates
from tests.mutation.sample import changes, package_of

TREE = Path(__file__).parents[2]


def test_every_named_mutant_is_found_in_the_code():
    found, complaints = listed.named(TREE)

    assert not complaints
    for name, mutant in found.items():
        assert changes(mutant, TREE), name
        package_of(mutant.file)


def test_an_anchor_that_is_gone_or_ambiguous_is_complained_about(tmp_path):
    found, complaints = listed.named(tmp_path)

    assert not found
    assert len(complaints) == len(tomllib.loads((listed.HERE / "named.toml").read_text())["mutant"])
    assert "expected once" in complaints[0]


@pytest.mark.parametrize("key", listed.equivalents(), ids=str)
def test_every_equivalent_mutant_is_still_one_of_its_file(key):
    assert key in {mutant.key for mutant in candidates(TREE, key[0])}
