"""What training data must look like, fault by fault."""

import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from dataset_cases import FEATURES, clients, groups

from data_science.data.dataset import FEATURE_STORE, validate
from data_science.data.responses import Response
from data_science.errors import SchemaError


def test_good_rows_come_back_typed_and_counted():
    dataset = validate(clients(), **FEATURES, schema=FEATURE_STORE)

    assert dataset.n_rows == 6
    assert dataset.base_rate == pytest.approx(2 / 6)
    assert len(dataset.fingerprint) == 64
    pd.testing.assert_frame_equal(dataset.frame, clients())


def test_successes_out_of_trials_are_counted_per_trial():
    dataset = validate(groups(), factors=["herd"], response=Response("incidence", "size"))

    assert dataset.base_rate == pytest.approx(5 / 28)


@pytest.mark.parametrize("nothing", [None, math.nan, pd.NA, pd.NaT, Decimal("NaN"), Decimal("sNaN")])
@pytest.mark.parametrize("column", [*clients()])
def test_whatever_stands_for_nothing_is_missing_in_any_column(column, nothing):
    frame = clients().astype({column: object})
    frame[column] = [nothing if row == 2 else value for row, value in enumerate(frame[column])]

    with pytest.raises(SchemaError, match=f"{column}: NULL or NaN in 1 of 6 rows"):
        validate(frame, **FEATURES, schema=FEATURE_STORE)


def put(column: str, row: int, value: object, *, as_is: bool = False):
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        values = frame[column].astype(object)
        values[row] = value
        return frame.assign(**{column: values if as_is else values.infer_objects()})

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda frame: frame.drop(columns="attr_b"),
            r"attr_b: the column is missing; .*data have \['idx', 'attr_a'",
        ),
        (
            lambda frame: pd.concat([frame, frame["scd_a"]], axis=1),
            "scd_a: the column appears more than once;",
        ),
        (put("scd_a", 3, None), "scd_a: NULL or NaN in 1 of 6 rows, first at idx 13; expected a value"),
        (put("attr_b", 2, None), "attr_b: NULL or NaN in 1 of 6 rows, first at idx 12"),
        (put("label", 2, None), "label: NULL or NaN in 1 of 6 rows, first at idx 12"),
        (put("idx", 2, None), "idx: NULL or NaN in 1 of 6 rows, first at row 2"),
        (
            put("idx", 2, 11),
            "idx: a repeated value in 2 of 6 rows, first at idx 11; expected one row for each",
        ),
        (put("label", 1, 2), "label: a value such as 2 in 1 of 6 rows, first at idx 11; expected 0 or 1"),
        (put("label", 1, -1), "label: a value such as -1 in 1 of 6 rows, first at idx 11"),
        (
            put("label", 1, 0.5),
            "label: real such as 0.5 in 1 of 6 rows, first at idx 11; expected whole numbers",
        ),
        (lambda frame: frame.assign(label=0), "label: 0 in every row;"),
        (lambda frame: frame.assign(label=1), "label: 1 in every row;"),
        (lambda frame: frame.assign(label="1"), "label: text such as '1' in 6 of 6 rows.*ALTER COLUMN label"),
        (put("scd_a", 4, math.inf), "scd_a: an infinite value in 1 of 6 rows, first at idx 14"),
        (put("scd_a", 4, -math.inf), "scd_a: an infinite value in 1 of 6 rows, first at idx 14"),
        (lambda frame: frame.assign(scd_a=0.5), "scd_a: the constant 0.5 in every row;"),
        (lambda frame: frame.assign(attr_b="a"), "attr_b: the constant 'a' in every row;"),
        (
            put("attr_b", 5, "b\0"),
            "attr_b: broken text such as .* expected text",
        ),
        (put("attr_b", 5, "b "), "attr_b: whitespace around 'b ' in 1 of 6 rows, first at idx 15; .*Trim it"),
        (
            lambda frame: frame.assign(attr_a=frame["attr_a"].astype(str)),
            r"attr_a: text such as '1' in 6 of 6 rows, first at idx 10; expected whole numbers. "
            r"Run: ALTER TABLE feature_store ALTER COLUMN attr_a TYPE integer USING attr_a::integer",
        ),
        (put("scd_a", 0, "0.5"), "scd_a: .* such as '0.5' in 6 of 6 rows"),
        (put("scd_b", 1, 2.5), "scd_b: real such as 2.5 in 1 of 6 rows, first at idx 11; expected whole"),
        (
            put("scd_b", 1, 2**63),
            "scd_b: integer such as 9223372036854775808 in 1 of 6 rows, first at idx 11",
        ),
        (
            put("scd_a", 1, 2**53 + 1, as_is=True),
            "scd_a: real such as 9007199254740993 in 1 of 6 rows, first at idx 11",
        ),
        (lambda frame: frame.assign(attr_b=1.0), "attr_b: real such as 1.0 in 6 of 6 rows.* expected text"),
        (lambda frame: frame.assign(attr_a=pd.Timestamp(0)), "attr_a: datetime64 such as .* expected whole"),
    ],
    ids=[
        *(
            "missing column",
            "column twice",
            "NULL number",
            "NULL text",
            "NULL label",
            "NULL idx",
            "repeated idx",
        ),
        *(
            "label 2",
            "label -1",
            "label 0.5",
            "only 0",
            "only 1",
            "label as text",
            "infinite",
            "minus infinite",
        ),
        *(
            "constant number",
            "constant level",
            "NUL in text",
            "padded",
            "integer as text",
            "number as text",
            "fraction",
        ),
        *("beyond 64 bits", "beyond float64", "text as number", "date"),
    ],
)
def test_one_fault_is_named_with_its_column_count_first_row_and_remedy(change, message):
    with pytest.raises(SchemaError, match=message):
        validate(change(clients()), **FEATURES, schema=FEATURE_STORE)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        (
            "incidence",
            [2, 0, 10],
            "incidence: a value such as 10 in 1 of 3 rows, first at row 2; expected 0 to 'size'",
        ),
        ("incidence", [-1, 0, 3], "incidence: a value such as -1 in 1 of 3 rows, first at row 0"),
        ("incidence", [0, 0, 0], "incidence: no success in any row;"),
        ("incidence", [14, 5, 9], "incidence: no failure in any row;"),
        ("size", [14, 0, 9], "size: fewer than one trial in 1 of 3 rows, first at row 1"),
    ],
    ids=["more than tried", "negative", "no success", "no failure", "no trials"],
)
def test_successes_that_do_not_fit_their_trials_are_refused(column, values, message):
    with pytest.raises(SchemaError, match=message):
        validate(
            groups().assign(**{column: values}), factors=["herd"], response=Response("incidence", "size")
        )


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ([1e50, 0, 1, 2, 3, -1e50], None),
        ([1.0001e50, 0, 1, 2, 3, 4], "a number such as 1.0001e+50 in 1 of 6 rows, first at idx 10"),
        ([0, -1.0001e50, 1, 2, 3, 4], "a number such as -1.0001e+50 in 1 of 6 rows, first at idx 11"),
        ([0, 2.0001e-50, 0, 0, 0, 0], None),
        ([0, 1.9e-50, 0, 0, 0, 0], "a spread of 1.9e-50"),
        ([-0.9e-50, 1e-50, 0, 0, 0, 0], "a spread of 1.9e-50"),
        ([-1.1e-50, 1e-50, 0, 0, 0, 0], None),
    ],
)
def test_numbers_whose_squares_or_products_would_leave_floating_point_are_refused(values, fault):
    frame = clients().assign(scd_a=np.array(values, dtype=float))

    if fault is None:
        assert validate(frame, **FEATURES).n_rows == 6
    else:
        with pytest.raises(SchemaError) as refusal:
            validate(frame, **FEATURES)
        assert str(refusal.value) == (
            f"invalid data:\n- scd_a: {fault}; "
            "expected magnitudes up to 1e+50, a spread of at least 1e-50. Change the unit."
        )


def test_integers_beyond_the_largest_size_are_refused_and_truths_have_no_size():
    assert validate(clients().assign(scd_b=[2**62, 1, 2, 3, 4, 5]), **FEATURES).n_rows == 6
    assert validate(clients().assign(scd_b=[True, False] * 3), **FEATURES).n_rows == 6


def test_the_first_fault_of_a_column_says_how_many_rows_have_it():
    frame = clients().astype({"scd_a": float})
    frame.loc[[2, 4, 5], "scd_a"] = [np.nan, np.inf, np.nan]

    with pytest.raises(SchemaError) as refusal:
        validate(frame, **FEATURES)

    assert str(refusal.value).splitlines()[1:] == [
        "- scd_a: NULL or NaN in 2 of 6 rows, first at idx 12; expected a value. Fill in the values at "
        "the source or exclude these rows there; nothing is imputed.",
        "- scd_a: an infinite value in 1 of 6 rows, first at idx 14; expected finite numbers. Correct the "
        "computation that divides by zero or overflows.",
    ]


def test_rows_without_a_key_are_named_by_position_and_need_none_unless_promised():
    frame = clients().drop(columns="idx")
    frame.loc[3, "scd_a"] = np.nan

    with pytest.raises(SchemaError, match="scd_a: NULL or NaN in 1 of 6 rows, first at row 3;"):
        validate(frame, **FEATURES)
    with pytest.raises(SchemaError, match="idx: the column is missing;"):
        validate(frame, **FEATURES, schema=FEATURE_STORE)
    with pytest.raises(SchemaError, match="scd_a: NULL or NaN in 1 of 6 rows, first at row 3;"):
        validate(frame.assign(idx=[7] * 6), **FEATURES, key=None)


def test_a_key_that_is_there_twice_names_no_row():
    frame = pd.concat([clients(), clients()["idx"]], axis=1)

    with pytest.raises(SchemaError, match="idx: the column appears more than once;"):
        validate(frame, **FEATURES)


def test_the_text_of_a_key_is_shown_as_text():
    frame = clients().assign(idx=list("uvwxyz"), label=[0, 1, 0, 3, 1, 0])

    with pytest.raises(SchemaError, match="label: a value such as 3 in 1 of 6 rows, first at idx 'x';"):
        validate(frame, **FEATURES)


def test_a_promise_is_kept_for_the_columns_that_are_named_and_found_by_name():
    assert FEATURE_STORE.promised("attr_b").sql == "char(1)"
    assert FEATURE_STORE.promised("scd_a").kind == "real"
    assert FEATURE_STORE.promised("attr_c") is None


def test_the_rate_counts_trials_and_the_fingerprint_only_what_is_used():
    frame = groups().assign(other=1.0)
    data = validate(frame, factors=["herd"], response=Response("incidence", "size"))

    assert data.base_rate == pytest.approx(5 / 28)
    assert (
        data.fingerprint
        == validate(groups(), factors=["herd"], response=Response("incidence", "size")).fingerprint
    )
    changed = validate(
        frame.assign(size=[15, 5, 9]), factors=["herd"], response=Response("incidence", "size")
    )
    assert data.fingerprint != changed.fingerprint


def test_all_faults_are_reported_together():
    broken = clients().assign(attr_b=["a ", "b", "c", "d", "a", "b"], scd_b=7, label=[0, 1, 0, 0, 3, 0])
    broken.loc[2, "scd_a"] = np.nan

    with pytest.raises(SchemaError, match="invalid data") as caught:
        validate(broken, **FEATURES)

    assert [line.split(":")[0] for line in str(caught.value).splitlines()[1:]] == [
        "- scd_a",
        "- attr_b",
        "- scd_b",
        "- label",
    ]
