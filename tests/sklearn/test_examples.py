"""The examples of the page on scikit-learn, and of the two classes, give what they show."""

import doctest
import importlib
import sys
from pathlib import Path

import pytest

from data_science import sklearn as ours

PAGE = Path(__file__).parents[2] / "docs" / "scikit_learn.md"
EXAMPLES = {
    # the end of a block is no output
    "the page": PAGE.read_text(encoding="utf-8").replace("\n```\n", "\n\n"),
    **{name: getattr(ours, name).__doc__ for name in ours.__all__},
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_give_what_they_show(name):
    example = doctest.DocTestParser().get_doctest(EXAMPLES[name], {}, name, None, 0)
    said = []

    outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=said.append)

    assert outcome.attempted
    assert not outcome.failed, "".join(said)


def test_without_scikit_learn_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)

    with pytest.raises(ModuleNotFoundError, match=r"pip install '\.\[sklearn\]'"):
        importlib.reload(ours)
