"""One row's logit, by the fast way and the careful way, against sums written out by hand."""

from dataclasses import replace
from decimal import Decimal
from itertools import chain, combinations

import numpy as np
import pandas as pd
import pytest
from hand_sums import logit_of, parts_of
from scipy.special import expit
from serving_cases import ATTR_A, ATTR_B, COMMON_FACTOR, DEFAULT, ROW, predictor

from data_science.errors import FeatureError
from data_science.formula.encoding import Coding, Encoding, Factor, Term
from data_science.likelihood.binomial import probability_of_one as logistic
from data_science.prediction.rows import RowReader
from data_science.prediction.scorer import RowScorer

STORE = Factor("store", ("x", "y", "z"))
THREE_FACTORS = Encoding(
    (
        Term("Intercept"),
        Term("1|attr_a", groups=(ATTR_A,)),
        Term("1|attr_b", groups=(ATTR_B,)),
        Term("1|store", groups=(STORE,)),
    )
)
SLOPES = Encoding(
    (
        Term("scd_a:scd_b", ("scd_a", "scd_b")),
        Term("attr_b", codings=(Coding(ATTR_B, False),)),
        Term("1|attr_a:attr_b:store", groups=(ATTR_A, ATTR_B, STORE)),
        Term("scd_b|store", ("scd_b",), groups=(STORE,)),
        Term("attr_b|store", codings=(Coding(ATTR_B, True),), groups=(STORE,)),
    )
)
TWO_OF_ONE_FACTOR = Encoding(
    (
        Term("Intercept"),
        Term("attr_a", codings=(Coding(ATTR_A, True),)),
        Term("scd_a", ("scd_a",)),
        Term("1|attr_a", groups=(ATTR_A,)),
    )
)
ENCODINGS = {
    "default": DEFAULT,
    "common factor": COMMON_FACTOR,
    "three factors": THREE_FACTORS,
    "products of three": SLOPES,
    "two terms of one factor": TWO_OF_ONE_FACTOR,
}
UNSEEN = {"attr_a": 9, "attr_b": "q", "store": "w"}
FULL = {**ROW, "store": "y"}


def groups_of(encoding):
    """Columns that may hold an unseen level: those of groups that no common effect reads."""
    common = {coding.factor.column for term in encoding.terms for coding in term.codings}
    return sorted({group.column for term in encoding.terms for group in term.groups} - common)


def subsets(columns):
    return chain.from_iterable(combinations(columns, size) for size in range(len(columns) + 1))


CASES = [
    pytest.param(encoding, unseen, id=f"{name}: {' and '.join(unseen) or 'none'}")
    for name, encoding in ENCODINGS.items()
    for unseen in subsets(groups_of(encoding))
]


@pytest.mark.parametrize(("encoding", "unseen"), CASES)
def test_whichever_groups_are_unseen_one_row_is_scored_as_in_a_batch_and_as_summed_by_hand(encoding, unseen):
    model = predictor(encoding)
    row = {**FULL, **{column: UNSEEN[column] for column in unseen}}

    found = model.predict_proba_one(row)

    assert found == pytest.approx(expit(logit_of(model, row)), abs=1e-14)
    assert found == pytest.approx(model.predict_proba(pd.DataFrame([FULL, row]))[1], abs=1e-14)
    assert model.explain(row) == pytest.approx(parts_of(model, row), abs=1e-14)


@pytest.mark.parametrize("name", ENCODINGS)
def test_every_combination_of_levels_is_scored_as_summed_by_hand(name):
    encoding = ENCODINGS[name]
    model = predictor(encoding)
    rows = [
        {"attr_a": a, "attr_b": b, "store": s, "scd_a": -0.7, "scd_b": 2.5}
        for a in ATTR_A.levels
        for b in ATTR_B.levels
        for s in STORE.levels
    ]

    expected = [logit_of(model, row) for row in rows]

    np.testing.assert_allclose([model.scorer.logit(row) for row in rows], expected, rtol=0, atol=1e-13)
    np.testing.assert_allclose(model.predict_proba(pd.DataFrame(rows)), expit(expected), rtol=0, atol=1e-14)


DRESSED = {
    "attr_a": [1.0, True, np.int8(1), Decimal(1)],
    "attr_b": ["c ", np.str_("c")],
    "scd_a": [np.float32(0.5), Decimal("0.5")],
    "scd_b": [3.0, np.int16(3), Decimal(3)],
}


@pytest.mark.parametrize(
    ("column", "value"),
    [pytest.param(c, v, id=f"{c} as {type(v).__name__}") for c, values in DRESSED.items() for v in values],
)
def test_the_careful_way_gives_the_fast_ways_logit_to_the_last_bit(column, value):
    model = predictor()
    row = {**ROW, "scd_a": 0.5}

    assert model.scorer.logit({**row, column: value}) == model.scorer.logit(row)
    assert model.scorer.careful_logit(row) == model.scorer.logit(row)


@pytest.mark.parametrize("value", ["0.5", b"1", None, 1j, float("nan"), float("inf"), [1.0]], ids=repr)
@pytest.mark.parametrize("column", ["scd_a", "scd_b"])
def test_what_is_no_number_is_not_made_one(column, value):
    with pytest.raises(FeatureError, match=f"{column} is .*; expected a finite number"):
        predictor().predict_proba_one({**ROW, column: value})


@pytest.mark.parametrize("name", ["default", "common factor"])
@pytest.mark.parametrize("value", [1e308, -1e308], ids=["up", "down"])
def test_a_logit_beyond_any_float_is_refused_and_the_largest_is_not(name, value):
    made = predictor(ENCODINGS[name])
    model = replace(made, coefficients=np.full_like(made.coefficients, 10.0))

    with pytest.raises(FeatureError, match=r"the numbers \{'scd_a': .*1e\+308.* are too large to score"):
        model.predict_proba_one({**ROW, "scd_a": value, "scd_b": value})
    assert model.predict_proba_one({**ROW, "scd_a": value / 1e4, "scd_b": 0}) == (value > 0)


@pytest.mark.parametrize("eta", [-800.0, -30.0, -1.0, -1e-9, 0.0, 1e-9, 1.0, 30.0, 800.0])
def test_the_logistic_function_is_scipys_and_never_overflows(eta):
    assert logistic(eta) == pytest.approx(float(expit(eta)), rel=1e-14)


def test_loading_takes_a_terms_coefficients_as_often_whatever_the_number_of_levels():
    class Counted(list):
        n_taken = 0

        def __getitem__(self, key):
            Counted.n_taken += 1
            return super().__getitem__(key)

    taken = []
    for n_levels in (3, 300):
        encoding = Encoding((Term("Intercept"), Term("1|g", groups=(Factor("g", tuple(range(n_levels))),))))
        Counted.n_taken = 0
        RowScorer(encoding, RowReader.of(encoding, "population"), Counted([0.5] * (n_levels + 1)))
        taken.append(Counted.n_taken)

    assert taken[0] == taken[1]
