"""What is no row of features is refused, with what came and what was expected."""

import numpy as np
import pandas as pd
import pytest
from serving_cases import COMMON_FACTOR, ROW, predictor

from data_science.errors import FeatureError


@pytest.mark.parametrize("column", ROW)
def test_a_missing_column_is_named(column):
    row = {name: value for name, value in ROW.items() if name != column}

    with pytest.raises(FeatureError, match=f"{column} is missing; expected the columns"):
        predictor().predict_one(row)
    with pytest.raises(FeatureError, match=f"{column} is missing; expected the columns"):
        predictor().predict(pd.DataFrame([row]))


@pytest.mark.parametrize(("n_rows", "count"), [(0, "0 rows"), (2, "2 rows")])
def test_predict_takes_exactly_one_row(n_rows, count):
    frame = pd.DataFrame([ROW] * n_rows, columns=list(ROW))

    with pytest.raises(FeatureError, match=f"{count}; expected exactly one"):
        predictor().predict(frame)


def test_an_empty_batch_is_refused():
    with pytest.raises(FeatureError, match="0 rows; expected at least one"):
        predictor().predict_batch(pd.DataFrame([], columns=list(ROW)))


def test_a_column_that_is_there_twice_is_refused():
    frame = pd.DataFrame([[1, 2, "c", 0.5, 3]], columns=["attr_a", "attr_a", "attr_b", "scd_a", "scd_b"])

    with pytest.raises(FeatureError, match="attr_a appears 2 times"):
        predictor().predict(frame)


@pytest.mark.parametrize("given_value", [None, 3, "row", [ROW], {"attr_a": 1}])
def test_predict_refuses_what_is_no_frame_and_points_to_predict_one(given_value):
    with pytest.raises(FeatureError, match=r"expected a DataFrame with plain columns, .*Use predict_one"):
        predictor().predict(given_value)


def test_predict_one_refuses_what_is_no_mapping():
    with pytest.raises(FeatureError, match="expected a mapping"):
        predictor().predict_one([1, "c", 0.5, 3])


@pytest.mark.parametrize("unseen", [{"attr_a": 9}, {"attr_b": "z"}])
def test_the_policy_refuse_refuses_unseen_levels_everywhere(unseen):
    strict = predictor(unseen="refuse")
    row = {**ROW, **unseen}

    for ask in (strict.predict_one, lambda row: strict.predict_batch(pd.DataFrame([ROW, row]))):
        with pytest.raises(FeatureError, match="a level not seen in training; expected one of"):
            ask(row)


def test_a_column_of_a_common_effect_has_no_unseen_levels_under_any_policy():
    model = predictor(COMMON_FACTOR)

    assert model.predict_one({**ROW, "attr_a": 9}) in (0, 1)
    with pytest.raises(FeatureError, match=r"attr_b is 'z' .*not seen in training"):
        model.predict_one({**ROW, "attr_b": "z"})


def test_a_batch_names_the_row_it_refuses_counted_over_the_whole_frame(monkeypatch):
    monkeypatch.setattr("data_science.prediction.predictor.CHUNK", 10)
    frame = pd.DataFrame([ROW] * 25)
    frame.loc[17, "scd_a"] = np.nan

    with pytest.raises(FeatureError, match="row 17: scd_a is nan"):
        predictor().predict_batch(frame)
