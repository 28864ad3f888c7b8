"""Every remedy that a message prints can be followed as it is printed."""

import ast
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from data_science import BayesianLogitModel, FitSettings, ModelSpecification, Prior, pipeline
from data_science.errors import DataScienceError, SchemaError, SpecificationError
from data_science.formula.training_data import validated
from data_science.prediction.predictor import Method, Predictor

ROOT = Path(__file__).parents[2]
#: Python that a message may show: a call, or an argument with its value.
SHOWN = {
    r"\b(engine=(?:'[^']+'|\"[^\"]+\"))": lambda shown: eval(
        f"FitSettings({shown})", {"FitSettings": FitSettings}
    ),
    r"\b(method=\"[^\"]+\")": lambda shown: (
        shown.split("=")[1].strip('"') in get_args(Method) or pytest.fail(shown)
    ),
    r"\b(Prior\(\"[^)]+\))": lambda shown: eval(shown, {"Prior": Prior}),
    r"\b(?:[Uu]se|[Cc]all) ((?:predict|fit|load|save)\w*)": lambda shown: getattr(BayesianLogitModel, shown),
}


@cache
def texts():
    """Every text in the package's code that a user may see, with blanks for what is filled in."""
    found = {}
    for path in sorted((ROOT / "data_science").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documentation = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and isinstance(node.body[0], ast.Expr)
        }
        inside = {
            id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
                found[path.name, node.lineno] = "".join(map(str, parts))
            elif (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and id(node) not in inside | documentation
            ):
                found[path.name, node.lineno] = node.value
    return found


EXTRAS = set(re.findall(r'"(\w+)": [A-Z]+,', (ROOT / "setup.py").read_text(encoding="utf-8")))


@pytest.mark.parametrize("pattern", SHOWN)
def test_python_that_is_shown_runs(pattern):
    shown = {one for text in texts().values() for one in re.findall(pattern, text) if "{" not in one}

    for one in shown:
        SHOWN[pattern](one)


def test_nothing_is_installed_by_a_bare_name_that_an_index_could_answer_with_a_strangers_package():
    ours = {"data_science", "data-science", "machine_learning_engineering"}
    installs = [
        (at, rest) for at, text in texts().items() for rest in re.findall(r"pip install ([^;]*)", text)
    ]

    assert installs
    for at, rest in installs:
        assert not ours & set(re.split(r"[^\w-]+", rest.split(" in ")[0])), (at, rest)


def test_an_extra_that_is_named_exists():
    named = {
        node.args[0].value
        for path in (ROOT / "data_science").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"installing", "needing"}
        if isinstance(node.args[0], ast.Constant)  # not the one place that hands its argument on
    }

    assert {"train", "embedded", "warehouse"} <= named <= EXTRAS


@pytest.mark.parametrize(
    ("formula", "remedy", "terms"),
    [
        ("y ~ x + (x || g)", r"write '([^']+)'", ["Intercept", "x", "1|g", "x|g"]),
        ("y ~ x + .z", r"stands in backticks: (`[^`]+`)", ["Intercept", ".z"]),
        ("y ~ x + a$b", r"stands in backticks: (`[^`]+`)", ["Intercept", "a$b"]),
        ("y ~ 5x + z", r"stands in backticks: (`[^`]+`)", ["Intercept", "5x"]),
        ("y ~ x + True", r"for the column write (`[^`]+`)", ["Intercept", "True"]),
    ],
)
def test_the_formula_that_a_refusal_names_is_the_model_that_was_meant(formula, remedy, terms):
    with pytest.raises(SpecificationError) as refused:
        ModelSpecification(formula)

    written = re.search(remedy, str(refused.value))[1]

    meant = ModelSpecification(written if "~" in written else f"y ~ {written}")
    assert [term.name for term in meant.terms] == terms


def test_a_power_of_a_column_is_refused_with_the_power_of_its_values():
    with pytest.raises(SpecificationError, match=r"x\*\*\.\.\. .* means x itself.* write I\(x\*\*2\)"):
        ModelSpecification("y ~ x**2")
    assert len(ModelSpecification("y ~ (x + z)**2").terms) == 4


def test_numbers_in_a_column_of_objects_are_read_once_they_have_the_dtype_that_is_named():
    frame = pd.DataFrame({"y": [0, 1] * 6, "x": np.linspace(0, 1, 12)})
    with pytest.raises(SchemaError) as refused:
        validated(frame.astype({"x": object}), ModelSpecification("y ~ x"), None)

    (dtype,) = re.findall(r"numbers to a numeric dtype: astype\((\w+)\)", str(refused.value))

    assert validated(frame.astype({"x": dtype}), ModelSpecification("y ~ x"), None).n_rows == 12


@pytest.mark.parametrize(
    "values",
    [
        [Decimal("0.5"), Decimal("1.25")], [1.5, 2.5], [Fraction(1, 3), Fraction(2, 3)], [1, "2"], [2, True],
        [datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)], [date(2020, 1, 1), date(2021, 1, 1)],
        [pd.Timestamp("2020", tz="Europe/Berlin"), pd.Timestamp("2021", tz="Europe/Berlin")],
        [timedelta(1), timedelta(2)], [np.timedelta64(1, "D"), np.timedelta64(2, "D")],
        [pd.Period("2020-01"), pd.Period("2020-02")], [pd.Interval(0, 1), pd.Interval(1, 2)], [b"a", b"b"],
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", [None, object, "category"])
def test_values_of_another_kind_are_read_once_they_are_what_the_refusal_says(values, dtype):
    column = pd.Series((values * 6)[:12], dtype=dtype)
    frame = pd.DataFrame({"y": [0, 1, 1] * 4, "x": column})
    if pd.api.types.is_numeric_dtype(column):
        return
    with pytest.raises(SchemaError) as refused:
        validated(frame, ModelSpecification("y ~ x"), None)

    said = str(refused.value).partition("expected ")[2].replace("astype", "column.astype")
    ways = re.findall(r"\(pd\.to_datetime.* - .*days|(?:column|pd)\.[\w.]+\([^;, ]*", said)
    assert ways
    for way in ways:
        made = eval(way.rstrip("."), {"pd": pd, "column": column})
        assert validated(frame.assign(x=made), ModelSpecification("y ~ x"), None).n_rows == 12, way


@pytest.mark.parametrize("text", ["\ud800", "b\0"])
@pytest.mark.parametrize("formula", ["y ~ x", "y ~ C(x)", "y ~ (1 | x)", "x ~ z", "x['a'] ~ z"])
def test_text_that_no_file_can_hold_is_refused_before_anything_is_computed(formula, text):
    frame = pd.DataFrame({"y": [0, 1, 1] * 4, "z": range(12), "x": pd.Series([text, "a"] * 6, dtype=object)})

    with pytest.raises(SchemaError, match=r"x: broken text such as .*in the encoding that it was written in"):
        validated(frame, ModelSpecification(formula), None)


def test_a_model_that_has_nothing_names_methods_that_it_has():
    with pytest.raises(DataScienceError) as refused:
        BayesianLogitModel().summary()

    for name in re.findall(r"(\w+)\(", str(refused.value)):
        assert callable(getattr(BayesianLogitModel, name))
    assert callable(Predictor.predict_batch)
    assert pipeline.fit


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ("import a_library_of_theirs", "is installed, and needs 'a_library_of_theirs', which is not"),
        (None, "is not installed; expected the MLE team's package"),
    ],
)
def test_the_mle_teams_package_is_not_blamed_for_what_it_depends_on(tmp_path, theirs, said):
    hide = "import sys; sys.modules['machine_learning_engineering'] = None; "
    if theirs is not None:
        hide = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); "
        package = tmp_path / "machine_learning_engineering"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "mle_model.py").write_text(theirs)

    found = subprocess.run(
        [sys.executable, "-c", f"{hide}import data_science.model"], cwd=ROOT, capture_output=True, text=True
    )

    assert said in found.stderr.strip().splitlines()[-1]
