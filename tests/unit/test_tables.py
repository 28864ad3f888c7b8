"""The arithmetic of batches: probabilities at any size of a logit, and what is refused."""

import numpy as np
import pytest
from hand_sums import PRIMES
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from serving_cases import ATTR_A, ATTR_B, COMMON_FACTOR, DEFAULT

from data_science.errors import FeatureError
from data_science.formula.encoding import Coding, Encoding, Factor, Term
from data_science.formula.rows import Rows
from data_science.likelihood.binomial import probability
from data_science.prediction.tables import Tables, require_finite

STORE = Factor("store", ("x", "y", "z"))


@settings(deadline=None)
@given(eta=st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=5))
def test_a_probability_is_the_inverse_logit_and_leaves_its_argument_alone(eta):
    values = np.array(eta)

    found = probability(values)

    np.testing.assert_allclose(found, expit(values), rtol=1e-14, atol=1e-300)
    assert values.tolist() == eta


@pytest.mark.parametrize(
    ("bad", "row"), [([1.0, np.inf, np.nan], 1), ([np.nan, 1.0, 1.0], 0), ([0.0, 1.0, -np.inf], 2)]
)
def test_the_first_row_that_overflows_is_shown_with_its_numbers(bad, row):
    rows = Rows({}, {"x": np.array([1.0, 2.0, 3.0]), "z": np.array([5.0, 6.0, 7.0])}, 3)

    with pytest.raises(FeatureError) as refusal:
        require_finite(np.array(bad), rows)

    assert str(refusal.value) == (
        f"the numbers {{'x': {row + 1.0}, 'z': {row + 5.0}}} are too large to score; "
        "expected the range seen in training"
    )


@pytest.mark.parametrize("eta", [[1.7e308, 1.7e308], [0.0, -1.7e308], [1.0]])
def test_finite_values_pass_even_if_their_sum_overflows(eta):
    values = np.array(eta)

    assert require_finite(values, Rows({}, {}, len(eta))) is values


@pytest.mark.parametrize(
    ("encoding", "n"),
    [
        (Encoding((Term("Intercept"),)), 0),
        (DEFAULT, 2),
        (COMMON_FACTOR, 2),
        (Encoding((Term("attr_b|attr_a", codings=(Coding(ATTR_B, True),), groups=(ATTR_A,)),)), 3),
    ],
)
def test_there_is_one_group_sd_for_each_column_of_a_group_terms_expression(encoding, n):
    assert encoding.n_sds == n


@pytest.mark.parametrize("most_cells", [2**20, 1], ids=["looked up", "computed"])
def test_every_combination_of_codes_has_its_place(most_cells, monkeypatch):
    monkeypatch.setattr("data_science.prediction.tables.MOST_CELLS", most_cells)
    term = Term("attr_b|store:attr_a", codings=(Coding(ATTR_B, True),), groups=(STORE, ATTR_A))
    encoding = Encoding((Term("Intercept"), term, Term("1|store", groups=(STORE,))))
    b, s, a = (axis.ravel() for axis in np.meshgrid(range(4), range(4), range(6), indexing="ij"))
    rows = Rows({"attr_b": b, "store": s, "attr_a": a}, {}, len(a))

    intercept, found, by_store = Tables(encoding).places(rows)

    zero = 1 + 3 * 3 * 5 + 3
    for place, *code in zip(found, b, s, a, strict=True):
        level, store, group = code
        if level == 0:
            expected = zero  # the reference level
        elif store == 3 or group == 5:
            expected = zero + 1 + (level - 1)  # unseen: the sd of this column of the expression
        else:
            expected = 1 + (level - 1) * 15 + store * 5 + group
        assert place == expected
    assert by_store.tolist() == np.where(s == 3, zero + 1 + 3, 46 + s).tolist()
    assert set(intercept) == {0}
    assert len(PRIMES) > encoding.n_sds


def test_looking_places_up_changes_no_codes():
    codes = {"attr_a": np.array([0, 4, 5]), "attr_b": np.array([1, 2, 3]), "store": np.array([2, 0, 1])}
    encoding = Encoding((Term("1|attr_a:attr_b:store", groups=(ATTR_A, ATTR_B, STORE)),))

    Tables(encoding).places(Rows(codes, {}, 3))

    assert {name: values.tolist() for name, values in codes.items()} == {
        "attr_a": [0, 4, 5],
        "attr_b": [1, 2, 3],
        "store": [2, 0, 1],
    }
