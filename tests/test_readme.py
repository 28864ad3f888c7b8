"""README.md and CONTRIBUTING.md say what is true."""

import re
from pathlib import Path

import pytest

from data_science.settings import VARIABLES
from main import EXIT_CODES

ROOT = Path(__file__).parents[1]
README, CONTRIBUTING = (
    (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md")
)
FILES = r"`((?:\.ci|bin|book|data_science|de|deployment|docker|docs|mle|tests)/(?!_build)[^`*<]*|[A-Z]+\.md|[a-z]+\.toml)`"


def test_the_environment_table_lists_every_variable_with_its_default_and_meaning():
    for variable in VARIABLES:
        default = f"`{variable.default}`" if variable.default else ""
        assert f"| `{variable.name}` | {default} | {variable.meaning} |" in README


def test_every_exit_code_is_listed():
    listed = README.partition("Exit codes: ")[2].partition(". ")[0]

    assert [int(code) for code in re.findall(r"\d+", listed)] == sorted({*EXIT_CODES, 130})


def test_a_reader_with_a_data_frame_sees_on_the_first_screen_how_to_use_it():
    first_screen = "\n".join(README.splitlines()[:30])

    for call in ("clients(", ".fit(", ".summary(", ".predict_proba(", ".save("):
        assert call in first_screen


def test_the_python_in_readme_runs_as_it_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)

    for block in blocks:
        exec(block, {})

    assert len(blocks) == 2
    assert list(tmp_path.glob("models/*/model_card.md"))
    assert "1|attr_b[d]" in capsys.readouterr().out


def test_readme_fits_in_150_lines():
    assert len(README.splitlines()) < 150


@pytest.mark.parametrize("path", sorted(set(re.findall(FILES, README + CONTRIBUTING))))
def test_every_file_that_is_named_is_there(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"make ([a-z-]+)", README + CONTRIBUTING))))
def test_every_make_target_that_is_named_is_there(target):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)
