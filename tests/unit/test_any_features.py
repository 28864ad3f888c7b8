"""Whatever a row holds, the answer is that of its levels and numbers, or a refusal."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hand_sums import logit_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from serving_cases import COMMON_FACTOR, DEFAULT, answer, predictor

from data_science.prediction.rows import RowReader

SCALARS = st.one_of(
    st.integers(-3, 9),
    st.integers(),
    st.floats(),
    st.floats(0, 6).map(round),
    st.booleans(),
    st.none(),
    st.sampled_from(["a", "b ", " c", "D", "", "1", "2.0", "nan", "zz", "ä"]),
    st.text(max_size=3),
    st.binary(max_size=2),
    st.decimals(),
    st.fractions(),
    st.complex_numbers(),
    st.sampled_from(
        [np.int8(1), np.float32(2), np.float64("nan"), np.str_("a"), np.bool_(True), pd.NA, pd.NaT]
    ),
    st.sampled_from(
        [np.timedelta64(1, "D"), np.datetime64("NaT", "D"), datetime.date(2026, 1, 1), [], (), {}, set()]
    ),
)
ROWS = st.fixed_dictionaries(
    {
        "attr_a": st.one_of(st.integers(1, 5), SCALARS),
        "attr_b": st.one_of(st.sampled_from("abcd"), SCALARS),
        "scd_a": st.one_of(st.floats(0, 1), SCALARS),
        "scd_b": st.one_of(st.integers(1, 5), SCALARS),
    }
)
MODELS = {"default": predictor(), "with a common factor": predictor(COMMON_FACTOR)}


@settings(max_examples=400, deadline=None)
@given(row=ROWS, model=st.sampled_from(sorted(MODELS)))
def test_any_mapping_gives_the_label_of_its_levels_or_a_feature_error(row, model):
    found = answer(lambda: MODELS[model].predict_proba_one(row))

    if found != "refused":
        clean = {
            "attr_a": int(row["attr_a"]),
            "attr_b": str(row["attr_b"]).strip(),
            "scd_a": float(row["scd_a"]),
            "scd_b": float(row.get("scd_b", 0)) if model == "default" else 0.0,
        }
        reader = RowReader.of(MODELS[model].encoding, "population")
        codes, numbers = reader.one(clean)
        assert reader.one(row) == (codes, numbers)
        assert found == MODELS[model].predict_proba_one(clean)
        assert found == pytest.approx(expit(logit_of(MODELS[model], clean)), rel=1e-12, abs=1e-14)


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(ROWS, min_size=1, max_size=4), typed=st.booleans())
@pytest.mark.filterwarnings("ignore")  # pandas warns about odd mixtures while it builds the frame
def test_a_batch_answers_as_its_rows_do_one_by_one(rows, typed):
    model = MODELS["default"]
    frame = pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=object) for name in rows[0]})
    frame = frame.infer_objects() if typed else frame

    one_by_one = [answer(lambda i=i: model.predict(frame.iloc[[i]])) for i in range(len(frame))]

    batch = answer(lambda: model.predict_batch(frame).tolist())
    assert batch == ("refused" if "refused" in one_by_one else one_by_one)


def test_the_reader_asks_only_for_the_columns_of_the_formula():
    assert RowReader.of(DEFAULT, "population").columns == ("attr_a", "attr_b", "scd_a", "scd_b")
