"""A model in a light installation scores tables, and says what to install where it cannot."""

import doctest
import subprocess
import sys
from pathlib import Path

import ibis
import pytest
from saved_models import save
from serving_cases import ROW

from data_science import BayesianLogitModel

PAGE = Path(__file__).parents[2] / "docs" / "warehouse.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    save(folder)
    return folder


def test_the_commands_of_the_page_give_what_they_show():
    text = PAGE.read_text(encoding="utf-8").replace("\n```\n", "\n\n")
    example = doctest.DocTestParser().get_doctest(text, {}, "the page", None, 0)
    said = []

    outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=said.append)

    assert outcome.attempted
    assert not outcome.failed, "".join(said)


def test_a_loaded_model_scores_without_the_packages_of_training(folder):
    code = f"""
import sys
import ibis
from data_science import BayesianLogitModel
model = BayesianLogitModel()
model.load({str(folder)!r})
connection = ibis.duckdb.connect()
connection.raw_sql("CREATE TABLE t AS SELECT 1 AS attr_a, 'c' AS attr_b, 0.55::DOUBLE AS scd_a, 3 AS scd_b")
(row,) = model.score(connection.table("t")).to_pyarrow().to_pylist()
assert abs(row["probability"] - model.predict_proba_one({ROW!r})) < 1e-15
assert model.sql("postgres", interval=None)
loaded = set(sys.modules) & {{"arviz", "bambi", "formulae", "numba", "pymc", "scipy", "sklearn", "sqlalchemy"}}
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_without_ibis_the_command_that_installs_it_is_named(folder, monkeypatch):
    model = BayesianLogitModel()
    model.load(folder)
    for name in [name for name in sys.modules if name.startswith("data_science.warehouse.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("data_science.warehouse.scoring", raising=False)
    monkeypatch.setitem(sys.modules, "ibis", None)

    with pytest.raises(ImportError, match=r"needs ibis, .*pip install '\.\[warehouse\]'"):
        model.score(ibis.table({"scd_a": "float64"}, name="t"))
