"""What a copy knows of compiled code: which files take part in it, and that a mutant leaves none behind."""

import inspect
from pathlib import Path

import pytest

from data_science.likelihood.compiled.density import log_density
from data_science.likelihood.compiled.loops import coefficients
from data_science.likelihood.compiled.stamp import _parts
from tests.mutation import lane
from tests.mutation.candidates import candidates

TREE = Path(__file__).parents[2]


def test_every_file_that_takes_part_in_compiled_code_is_known_to_be_compiled():
    parts = {part for function in (log_density, coefficients) for part in _parts(function, set())}

    sources = {
        path.relative_to(TREE).as_posix(): path.read_bytes() for path in TREE.glob("data_science/**/*.py")
    }
    taking_part = {name for name, content in sources.items() if content in parts}
    assert inspect.getsourcefile(log_density.py_func) in {str(TREE / name) for name in taking_part}
    assert {name for name in taking_part if not lane.is_compiled(name)} == set()


@pytest.mark.parametrize("place", lane.COMPILED)
def test_every_place_of_compiled_code_is_there(place):
    assert (TREE / place).exists()


def test_a_mutant_is_written_and_taken_back_with_what_was_compiled_of_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = Path("data_science/likelihood/toy.py")
    cache = source.parent / "__pycache__"
    cache.mkdir(parents=True)
    source.write_text("def f(a):\n    return a + 1\n")
    (cache / "f.nbi").write_bytes(b"index")
    mutant = next(m for m in candidates(tmp_path, source.as_posix()) if m.after == "2")
    written = source.stat().st_mtime_ns

    with lane._made(mutant):
        assert source.read_text() == "def f(a):\n    return a + 2\n"
        (cache / "f.nbi").write_bytes(b"of the mutant")
        (cache / "f.1.nbc").write_bytes(b"of the mutant")

    assert source.read_text() == "def f(a):\n    return a + 1\n"
    assert source.stat().st_mtime_ns == written
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == {"f.nbi": b"index"}
