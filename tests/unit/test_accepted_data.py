"""What training data may look like: other types of the same values, other columns, any text."""

import numpy as np
import pandas as pd
import pytest
from dataset_cases import FEATURES, clients
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from data_science.data.dataset import FEATURE_STORE, validate
from data_science.errors import SchemaError


@pytest.mark.parametrize(
    "changes",
    [
        {"label": [False, True, False, False, True, False]},
        {"label": [0.0, 1.0, 0.0, 0.0, 1.0, 0.0], "scd_b": [1.0, 2.0, 3.0, 4.0, 5.0, 1.0]},
        {"attr_a": pd.array([1, 2, 3, 4, 5, 1], dtype="Int64")},
        {"attr_a": np.array([1, 2, 3, 4, 5, 1], dtype=object), "idx": np.arange(10.0, 16.0)},
        {"scd_b": np.array([1, 2, 3, 4, 5, 1], dtype=np.uint8)},
    ],
    ids=["boolean label", "integral floats", "nullable integers", "Python objects", "small integers"],
)
def test_the_same_values_in_another_type_are_read_as_the_same_data(changes):
    dataset = validate(clients().assign(**changes), **FEATURES, schema=FEATURE_STORE)

    pd.testing.assert_frame_equal(dataset.frame, clients())
    assert dataset.fingerprint == validate(clients(), **FEATURES).fingerprint


def test_without_promised_types_a_factor_may_be_of_any_kind_with_exact_levels():
    frame = clients().assign(
        attr_a=[True, False] * 3, attr_b=pd.Categorical(list("abcabc"), categories=["c", "b", "a"])
    )

    dataset = validate(frame, **FEATURES)

    assert dataset.frame["attr_a"].dtype == bool
    assert list(dataset.frame["attr_b"].dtype.categories) == ["c", "b", "a"]


def test_other_columns_and_their_faults_are_let_through():
    dataset = validate(clients().assign(note=None), **FEATURES)

    assert "note" in dataset.frame
    assert dataset.fingerprint == validate(clients(), **FEATURES).fingerprint


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            [1, 2],
            r"the data are of type list, of which pandas.DataFrame\(...\) makes a table; expected a DataFrame",
        ),
        (pd.DataFrame([[1, 2]], columns=[["a", "a"], ["b", "c"]]), "expected a DataFrame with plain columns"),
        (pd.DataFrame({"label": []}), "the data have 0 rows and 1 columns; expected at least one row"),
        (pd.DataFrame(index=range(3)), "the data have 3 rows and 0 columns"),
    ],
    ids=["a list", "two levels of columns", "no rows", "no columns"],
)
def test_what_is_no_table_of_rows_is_refused(data, message):
    with pytest.raises(SchemaError, match=message):
        validate(data, **FEATURES)


def test_levels_may_hold_any_text_and_messages_stay_short():
    levels = ["é'\"; DROP TABLE labels; --", "two\nlines", "x" * 40_000, "", "\N{SNOWMAN}", "null"]

    assert validate(clients().assign(attr_b=levels), **FEATURES).n_rows == 6
    with pytest.raises(SchemaError, match="whitespace around") as caught:
        validate(clients().assign(attr_b=[*levels[:5], "y" * 40_000 + " "]), **FEATURES)
    assert len(str(caught.value)) < 400


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.dates(), st.lists(st.none())
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_a_column_holds_the_answer_is_a_dataset_or_a_schema_error(data):
    column = data.draw(st.sampled_from(list(clients().columns)))
    values = data.draw(st.lists(ANYTHING, min_size=6, max_size=6))
    kept = data.draw(st.booleans())
    frame = clients().assign(**{column: pd.Series(values, dtype=object)})

    try:
        dataset = validate(frame, **FEATURES, schema=FEATURE_STORE if kept else None)
    except SchemaError:
        event("refused")
        return
    event("read")
    assert all(a == b for a, b in zip(dataset.frame[column].tolist(), values, strict=True))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_fits_the_contract_is_accepted(data):
    distinct = {"min_size": 6, "max_size": 6, "unique": True}
    frame = clients().assign(
        idx=data.draw(st.lists(st.integers(-(2**63) + 1, 2**63 - 1), **distinct)),
        attr_a=data.draw(st.lists(st.integers(-(2**31), 2**31 - 1), **distinct)),
        attr_b=data.draw(st.lists(st.sampled_from("abcdéß"), **distinct)),
        scd_a=data.draw(
            st.lists(st.floats(-1e50, 1e50).filter(lambda x: x == 0 or abs(x) > 1e-30), **distinct)
        ),
        label=data.draw(st.permutations([0, 0, 1, 1, 1, 0])),
    )

    dataset = validate(frame, **FEATURES, schema=FEATURE_STORE)

    pd.testing.assert_frame_equal(dataset.frame, frame, check_dtype=False)
