"""Compiled code on disk must go stale with every source that takes part in it."""

import importlib
import logging
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from numba.core.caching import FunctionCache

from data_science.likelihood.compiled.stamp import Cache, stamp

PACKAGE = Path(__file__).parents[2] / "data_science"
SOURCES = {
    "scales": "FACTOR = 2.0\n",
    "pairs": "from typing import NamedTuple\nclass Pair(NamedTuple):\n    a: float\n    b: float\n",
    "callee": "from {0}_pairs import Pair\ndef double(x):\n    return Pair(x + x, x)\n",
    "caller": """\
        from numba import njit
        import {0}_scales as scales
        from {0}_scales import FACTOR
        from {0}_callee import double
        _double = njit(double)
        LISTED = (1.0, 2.0)
        def use(x, step=0.5):
            return _double(x).a * FACTOR + scales.FACTOR + LISTED[0] + step
    """,
}


@pytest.fixture
def stamped(tmp_path, monkeypatch):
    """``stamped(name, old, new)``: the stamp of a function of several modules, one of them edited."""
    monkeypatch.syspath_prepend(tmp_path)

    def write_and_stamp(edition, changed="", old="", new=""):
        for name, source in SOURCES.items():
            text = textwrap.dedent(source).replace("{0}", edition)
            assert name != changed or old in text
            text = text.replace(old, new) if name == changed else text
            (tmp_path / f"{edition}_{name}.py").write_text(text)
        importlib.invalidate_caches()
        return stamp(importlib.import_module(f"{edition}_caller").use)

    return write_and_stamp


@pytest.mark.parametrize(
    ("changed", "old", "new"),
    [
        ("caller", "+ step", "- step"),
        ("callee", "x + x", "x * x"),
        ("pairs", "b: float", "b: int"),
        ("scales", "2.0", "3.0"),
        ("caller", "step=0.5", "step=0.25"),
        ("caller", "(1.0, 2.0)", "(2.0, 1.0)"),
    ],
    ids=["the function", "what it calls", "a type", "a constant elsewhere", "a default", "a constant here"],
)
def test_a_change_of_anything_that_is_compiled_changes_the_stamp(stamped, tmp_path, changed, old, new):
    before = stamped("same")
    for name in list(sys.modules):
        if name.startswith("same_"):
            del sys.modules[name]

    assert stamped("same", changed, old, new) != before


def test_what_takes_no_part_changes_nothing(stamped, tmp_path):
    before = stamped("apart")
    (tmp_path / "apart_unrelated.py").write_text("ANYTHING = 1\n")

    assert stamp(sys.modules["apart_caller"].use) == before


TYPED = """
def typed(x):
    return x * {factor}
"""


def test_code_without_a_file_is_told_apart_by_what_it_is(tmp_path):
    """As in an interpreter (no file), or in a notebook (the name of a file that is not there)."""
    for file in ("<stdin>", str(tmp_path / "ipykernel_1" / "2.py")):
        stamps = set()
        for factor in (2, 3, 3):
            names = {"__name__": "__main__"}
            exec(compile(TYPED.format(factor=factor), file, "exec"), names)
            stamps.add(stamp(names["typed"]))

        assert len(stamps) == 2


DENSITY = """
import numpy as np
from data_science.formula.priors import IndependentPriors, Prior
from data_science.likelihood.compiled import density, stamp
from data_science.likelihood.compiled.kernel import _priors

# The part of the density that is compiled soonest, cached as the whole is.
prior = stamp.compiled(density._add_prior.py_func, error_model="numpy")
assert type(prior._cache) is type(density.log_density._cache)
normal, empty = IndependentPriors.of([Prior("Normal", mu=0, sigma=2)]), np.zeros(0)
point, sizes = np.array([1.5]), np.zeros(0, dtype=np.intp)
compiled = prior(empty, point, np.zeros(1), empty, sizes, _priors(normal), _priors(IndependentPriors.of([])))
print(compiled, normal.log_density(point).value[0], sum(prior.stats.cache_hits.values()))
"""


def test_an_upgrade_that_changes_a_prior_is_sampled_with_the_new_prior(tmp_path):
    copy = tmp_path / "site" / "data_science"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    environment = os.environ | {"PYTHONPATH": str(copy.parent), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def densities():
        command = [sys.executable, "-c", DENSITY]
        shown = subprocess.run(command, env=environment, cwd=tmp_path, check=True, capture_output=True)
        return [float(value) for value in shown.stdout.split()]

    before, again = densities(), densities()
    priors = copy / "formula" / "priors" / "normal.py"
    source = priors.read_text()
    changed = source.replace(
        "u = (x - mu) / sigma\n    return LogDensity(norm",
        "u = (x - mu) / (sigma / 2)\n    return LogDensity(norm",
    )
    assert changed != source
    priors.write_text(changed)
    after = densities()

    assert before[0] == pytest.approx(before[1], abs=1e-12)
    assert [before[2], again[2], after[2]] == [0, 1, 0]  # kept as long as nothing changed
    assert after[0] == pytest.approx(after[1], abs=1e-12)
    assert after[1] != before[1]


CHAINS = """
    from data_science.formula.priors.independent import OWN
    from data_science.likelihood.compiled.density import _chained
    from data_science.likelihood.compiled.stamp import compiled

    _forwards, _backwards = _chained(OWN), _chained(OWN[::-1])

    @compiled
    def forwards(base, x, arguments):  # twice, so that the choice is not written out in place
        return _forwards(base, x, 0.0, arguments).first + 0.0 * _forwards(base, x + 1, 0.0, arguments).value

    @compiled
    def backwards(base, x, arguments):
        return _backwards(base, x, 0.0, arguments).first + 0.0 * _backwards(base, x + 1, 0.0, arguments).value
"""
ASKED = """
    import sys
    import numpy as np
    import chains
    from data_science.formula.priors.independent import OWN

    for name in sys.argv[1:]:
        for base, density in enumerate({"forwards": OWN, "backwards": OWN[::-1]}[name]):
            given = np.array([3.0, 0.7, 1.3])
            found, expected = getattr(chains, name)(base, 0.4, given), density(0.4, 0.0, *given).first
            assert np.isclose(found, expected, rtol=1e-12), (name, base, found, expected)
"""


def test_functions_of_one_name_that_other_processes_have_compiled_are_not_called_for_each_other(tmp_path):
    """Numba tells functions of one name apart by numbers that each process counts for itself."""
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    (tmp_path / "chains.py").write_text(textwrap.dedent(CHAINS))

    for names in (["forwards"], ["backwards"], ["forwards", "backwards"]):
        command = [sys.executable, "-c", textwrap.dedent(ASKED), *names]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr


def test_what_is_compiled_for_two_kinds_of_arguments_is_said_once(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(FunctionCache, "load_overload", lambda *_: None)
    compiled = object.__new__(Cache)
    compiled._py_func = test_what_is_compiled_for_two_kinds_of_arguments_is_said_once

    with caplog.at_level(logging.INFO):
        for kind in ("floats", "integers"):
            compiled.load_overload(kind, None)

    assert caplog.text.count("compiling test_what_is_compiled") == 1
