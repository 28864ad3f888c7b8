"""README.md says what is true."""

import re
from pathlib import Path

import pytest

from data_science.settings import VARIABLES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_environment_table_lists_every_variable_with_its_default_and_meaning():
    for variable in VARIABLES:
        default = f"`{variable.default}`" if variable.default else ""
        assert f"| `{variable.name}` | {default} | {variable.meaning} |" in README


def test_readme_fits_in_150_lines():
    assert len(README.splitlines()) < 150


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:data_science|tests|mle|de|deployment)/[^`*]*)`", README)))
)
def test_every_file_that_readme_names_is_there(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"make ([a-z-]+)", README))))
def test_every_make_target_that_readme_names_is_there(target):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)
