"""What a predictor says of the columns that it reads."""

import numpy as np
from serving_cases import predictor

from data_science import Predictor
from data_science.formula.encoding import Coding, Encoding, Factor, Term
from data_science.prediction.columns import FeatureColumn


def test_each_column_is_described_once_in_the_order_in_which_it_is_read():
    model = predictor()

    assert [column.name for column in model.columns] == list(model.reader.columns)
    described = {column.name: column for column in model.columns}
    assert described["scd_a"] == FeatureColumn("scd_a", "real")
    assert (described["attr_a"].kind, described["attr_a"].refuses_unseen) == ("integer", False)
    assert described["attr_a"].levels == model.encoding.factors[0].levels


def test_a_level_that_was_not_seen_is_refused_where_the_predictor_or_a_common_effect_refuses_it():
    assert all(
        column.refuses_unseen == (column.levels is not None) for column in predictor(unseen="refuse").columns
    )

    factor = Factor("shop", ("a", "b"))
    encoding = Encoding((Term("Intercept"), Term("shop", codings=(Coding(factor, True),))))
    common = Predictor(encoding, np.zeros(2), np.zeros((3, 2)), np.zeros((3, 0)))

    assert common.columns == (FeatureColumn("shop", "text", ("a", "b"), refuses_unseen=True),)
