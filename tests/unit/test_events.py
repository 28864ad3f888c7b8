"""The event is named by its level, whatever holds it; what no formula can say is refused with what to write."""

import re

import numpy as np
import pandas as pd
import pytest
from dtypes import column
from hypothesis import example, given, settings
from hypothesis import strategies as st
from serving_cases import ROW, predictor

from data_science.bambi_door import _read
from data_science.data.responses import Response
from data_science.errors import SchemaError, SpecificationError
from data_science.evaluation.candidates import baseline_of
from data_science.formula import bambi_model
from data_science.formula.design import encode, learn
from data_science.formula.specification import ModelSpecification
from data_science.formula.tilde import sides
from data_science.formula.training_data import validated

N = 24
EVENT = np.arange(N) // 2 % 2 == 1
X = np.linspace(-1, 1, N)
TEXTS = ["object", "str", "string", "string[pyarrow]", "large_string[pyarrow]", "category"]
#: Left of the tilde, and what is written instead; None if it is to be computed in the table.
OTHERS = {
    "y[1]": "y['1']", "y[-1]": None, "y[True]": "y['True']", "y[]": None, "`a b`['u']": None, "y['u', 'v']": None,
    'y["o\'k"]': None, "y == 'u'": "y['u']", "I(y == 'u')": "y['u']", "{y == 'u'}": "y['u']", "binary(y)": "y['u']",
    "binary(y, 'u')": "y['u']", "B(y)": "y['u']", "C(y)": "y['u']", "factor(y)": "y['u']", "y/n": "p(y, n)",
    "p(y, 10)": "p(y, n)", "p(y)": "p(y, n)", "p(y, n=n)": "p(y, n)", "p(y, n, x)": "p(y, n)", "p(y / n, n)": "p(y, n)",
    "p(y['u'], n)": "p(y, n)", "prop(y, 5)": "p(y, n)", "c(y, n)": "p(y, n)", "cbind(y, n - y)": "p(y, n)",
    "y | trials(n)": "p(y, n)", "y | weights(w)": "p(y, n)", "weighted(y, w)": "p(y, n)", "log(y)": None, "y + z": None,
    "-y": None, "y:z": None, "1": None, "0": None, "censored(y, s)": None, "truncated(y, 1)": None, "y * z": None,
}  # fmt: skip


def frame_of(values, **others):
    return pd.DataFrame({"c": values, "x": X, **others})


def label_of(values, event):
    return validated(frame_of(values), ModelSpecification(f"c['{event}'] ~ x"), None).frame["c"].tolist()


@pytest.mark.parametrize("dtype", TEXTS)
@pytest.mark.parametrize("levels", [("red", "blue"), ("red", "green", "blue"), ("blue_", "Blue", "blue")])
def test_a_level_of_text_is_the_event_and_every_other_is_not(dtype, levels):
    others = np.resize(levels[:-1], N)
    values = pd.Series(np.where(EVENT, levels[-1], others))
    values = (
        values.astype(dtype) if "large" not in dtype else values.astype("string[pyarrow]").astype("category")
    )

    assert label_of(values, levels[-1]) == EVENT.astype(int).tolist()
    assert label_of(values, levels[0]) == (np.where(EVENT, "", others) == levels[0]).astype(int).tolist()


@pytest.mark.parametrize("wrapped", [None, "object", "category", "ordered category"])
@pytest.mark.parametrize(
    ("dtype", "values", "event"),
    [
        *[("bool", (False, True), event) for event in ("True", "False")],
        *[(dtype, (False, True), "False") for dtype in ("boolean", "bool[pyarrow]")],
        *[(dtype, (3, 7), "7") for dtype in ("int8", "uint64", "Int16", "float64", "Float32", "int32[pyarrow]")],
        ("int64", (-1, 1), "-1"),
    ],
)  # fmt: skip
def test_a_level_that_is_no_text_is_named_as_it_is_printed(dtype, values, event, wrapped):
    held = column(np.where(EVENT, values[1], values[0]), dtype, wrapped)

    found = label_of(held, event)

    assert found == [int(str(value) == event) for value in np.where(EVENT, values[1], values[0]).tolist()]


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(blacklist_categories=["C", "Z"], blacklist_characters="'\""), min_size=1))
@example("a~b")
@example("a]b")
@example("a\\nb")
@example("1|g")
@example("`")
@example("%s {0}")
def test_any_level_that_can_be_quoted_is_an_event(level):
    specification = ModelSpecification(f"c['{level}'] ~ x")

    assert specification.response.name == f"c['{level}']"
    assert sides(specification.formula) == (f"c['{level}']", "x")
    assert label_of(np.where(EVENT, level, level + "_"), level) == EVENT.astype(int).tolist()
    assert baseline_of(specification).response == specification.response


def test_the_design_is_that_of_the_label_and_bambis_model_is_of_the_event():
    frame = frame_of(np.where(EVENT, "blue", "red"), y=EVENT.astype(int), g=np.resize(["a", "b"], N))
    specification, plain = (ModelSpecification(f"{y} ~ x + (1 | g)") for y in ("c['blue']", "y"))

    typed, of_label = (validated(frame, s, None) for s in (specification, plain))

    design = learn(specification, typed.frame)
    assert design.encoding == learn(plain, of_label.frame).encoding
    rows, expected = encode(design, typed.frame), encode(learn(plain, of_label.frame), of_label.frame)
    assert rows.successes.tolist() == expected.successes.tolist()
    assert typed.base_rate == of_label.base_rate
    bambi = bambi_model.build(design)
    assert set(np.ravel(bambi.response_term.data).tolist()) == {0, 1}


@pytest.mark.parametrize(
    "values",
    [
        np.where(EVENT, "blue", "red"),
        np.where(EVENT, "blue", np.resize(["red", "green"], N)),
        pd.Categorical(np.where(EVENT, "yes", "no")),
        np.where(EVENT, 7, 3),
        np.where(EVENT, 2, 1),
        np.where(EVENT, -1, 1),
    ],
)
@pytest.mark.parametrize("response", ["c", "c['pink']"])
def test_where_no_event_is_named_the_refusal_shows_how_and_that_runs(values, response):
    with pytest.raises(SchemaError) as refused:
        validated(frame_of(values), ModelSpecification(f"{response} ~ x"), None)

    shown = re.findall(r"c\['[^']+'\]", str(refused.value))
    assert set(shown) - {"c['pink']"}
    for event in set(shown) - {"c['pink']"}:
        assert validated(frame_of(values), ModelSpecification(f"{event} ~ x"), None).n_rows == N


@pytest.mark.parametrize("levels", [("it's", "no"), ('say "x"', "no"), ("two\nlines", "no")])
def test_levels_that_no_formula_can_quote_are_to_be_a_column(levels):
    with pytest.raises(SchemaError, match=r"c: .*Add a column that is 1 for the event and 0 otherwise"):
        validated(frame_of(np.where(EVENT, *levels)), ModelSpecification("c ~ x"), None)


def test_an_event_in_every_row_or_in_no_row_and_a_missing_level_are_refused():
    for values, event, said in [
        (["u"] * N, "u", "c: 'u' in every row; expected both classes"),
        (["u"] * N, "v", "c: the level 'v' in no row; expected one of 'u'"),
        (["u", None] * (N // 2), "u", f"c: NULL or NaN in {N // 2} of {N} rows"),
        (["u", "v "] * (N // 2), "u", "c: whitespace around 'v '"),
        ([0.5, 1.0] * (N // 2), "1", f"c: real such as 0.5 in {N // 2} of {N} rows"),
    ]:
        with pytest.raises(SchemaError, match=said):
            label_of(values, event)


@pytest.mark.parametrize("left", OTHERS)
def test_whatever_else_is_left_of_the_tilde_is_refused_with_what_to_write(left):
    with pytest.raises(SpecificationError) as refused:
        ModelSpecification(f"{left} ~ x")

    said = str(refused.value).split(": ", 1)[1]
    if OTHERS[left] is None:
        assert "add a column" in said
    else:
        assert ("p(successes, trials)" in said or "are columns" in said) is OTHERS[left].startswith("p(")
        assert ("choice['blue']" in said) is ("[" in OTHERS[left])
        ModelSpecification(f"{OTHERS[left]} ~ x")


@pytest.mark.parametrize("call", ["log({})", "I({} + 1)", "C({})", "scale({})", "bs({}, df=4)", "offset({})"])
def test_a_level_inside_a_function_is_never_ignored(call):
    with pytest.raises(SpecificationError, match=r"x\[\.\.\.\] in .* selects a level, which only a response"):
        ModelSpecification(f"y ~ z + {call.format("x['a']")}")


@pytest.mark.parametrize("offset", ["offset(z)", "offset(log(z))", "offset(z) + offset(x)"])
def test_the_correction_of_a_sampling_is_a_constant_offset_and_a_constant_effect_is_refused(offset):
    frame = pd.DataFrame({"y": EVENT.astype(int), "x": X, "z": np.log(5.0)})
    specification = ModelSpecification(f"y ~ x + {offset}")

    typed = validated(frame, specification, None).frame

    design = learn(specification, typed)
    (name, made), *_ = design.encoding.offsets
    assert name in offset
    assert np.ptp(encode(design, typed).numeric[made]) == 0
    with pytest.raises(SchemaError, match="z: the constant"):
        validated(frame, ModelSpecification(f"y ~ x + z + {offset}"), None)


@pytest.mark.parametrize("left", ["log(weight)", "weight + z", "weight_gain == 'u'", "p(weight, 10)"])
def test_a_column_that_is_a_weight_is_not_taken_for_weights_of_rows(left):
    with pytest.raises(SpecificationError) as refused:
        ModelSpecification(f"{left} ~ x")

    assert "weights have no likelihood" not in str(refused.value)


def test_a_single_trial_is_enough_and_none_is_refused():
    frame = pd.DataFrame({"s": EVENT.astype(int), "n": 1, "x": X})
    specification = ModelSpecification("p(s, n) ~ x")

    assert validated(frame, specification, None).n_rows == N
    with pytest.raises(SchemaError, match="n: fewer than one trial in 1 of"):
        validated(frame.assign(n=[1] * (N - 1) + [0], s=[*EVENT[:-1].astype(int), 0]), specification, None)


@pytest.mark.parametrize("levels", [("red", "blue"), (True, False)])
def test_new_rows_are_read_by_the_event_that_the_formula_names(levels):
    reader = predictor().reader
    new = pd.DataFrame([ROW] * 3).assign(c=np.array([levels[1], levels[0], levels[1]]))

    read = _read(reader, Response("c", event=str(levels[1])), new)

    assert read["c"].tolist() == [1, 0, 1]
    with pytest.raises(SchemaError, match="the response c has values that are no levels"):
        _read(reader, Response("c", event="blue"), new.assign(c=["blue", None, "red"]))
