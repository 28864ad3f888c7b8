"""Every public name has an example in its docstring, and the examples give what they show."""

import doctest

import pytest

import data_science
from data_science import examples

PUBLIC = {name: getattr(data_science, name) for name in data_science.__all__} | {"clients": examples.clients}


@pytest.mark.parametrize("name", PUBLIC)
def test_the_examples_of_a_public_name_give_what_they_show(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (example,) = doctest.DocTestFinder(recurse=False).find(PUBLIC[name], name, globs={})
    said = []

    outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=said.append)

    assert outcome.attempted
    assert not outcome.failed, "".join(said)
