"""Jobs and books that tests start are given nothing that a person set for a job of their own."""

import re
from pathlib import Path

import pytest

from data_science.settings import VARIABLES
from tests.environment import inherited

TESTS = Path(__file__).parents[1]
STARTS = re.compile(
    r'"main\.py"|import main|"(?:-m", ")?(?:book\.build|de\.load)"|from_environment\(os\.environ\)'
)
INHERITS = re.compile(r"\*\*os\.environ|os\.environ \||os\.environ\.items\(\) if (?:not|\w+ !=)")


def test_no_setting_is_handed_on_and_everything_else_is(monkeypatch):
    for variable in VARIABLES:
        monkeypatch.setenv(variable.name, "of a person")
    monkeypatch.setenv("BOOK_SNAPSHOT", "of a build")
    monkeypatch.setenv("LC_OF_A_MACHINE", "kept")

    handed_on = inherited()

    assert not handed_on.keys() & {"BOOK_SNAPSHOT", *(variable.name for variable in VARIABLES)}
    assert handed_on["LC_OF_A_MACHINE"] == "kept"


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_whoever_starts_a_job_or_a_book_hands_on_no_more_than_that(path):
    text = path.read_text(encoding="utf-8")

    assert not (path != Path(__file__) and STARTS.search(text) and INHERITS.search(text))
