"""Where a row's coefficient is: one row and many alike, and past the last one where there is none."""

import numpy as np
import pytest
from serving_cases import ATTR_A, ATTR_B
from terms import TERMS

from data_science.formula.encoding import Coding, Term
from data_science.formula.places import Places

CODES = {"a": np.array([0, 1, 2, 2, 3]), "b": np.array([0, 1, 0, 1, 0])}
PLACES = {
    "intercept": [0, 0, 0, 0, 0],
    "slope": [0, 0, 0, 0, 0],
    "product": [0, 0, 0, 0, 0],
    "reference coding": [2, 0, 1, 1, 2],
    "full coding": [0, 1, 2, 2, 3],
    "interaction": [4, 1, 2, 3, 4],
    "slope by level": [0, 1, 0, 1, 0],
    "groups": [0, 1, 2, 2, 3],
    "interaction groups": [0, 3, 4, 5, 6],
    "slopes of levels by group": [3, 1, 3, 2, 3],
}


@pytest.mark.parametrize("kind", TERMS)
def test_each_row_takes_one_coefficient_or_the_place_past_the_last(kind):
    one_by_one = [
        Places.of(TERMS[kind]).row({name: int(codes[row]) for name, codes in CODES.items()})
        for row in range(5)
    ]

    assert Places.of(TERMS[kind]).rows(CODES, 5).tolist() == one_by_one == PLACES[kind]


def test_a_place_counts_through_expression_and_groups():
    term = Term("attr_b:scd|attr_a", codings=(Coding(ATTR_B, True),), groups=(ATTR_A,))

    found = [[Places.of(term).row({"attr_b": b, "attr_a": a}) for a in range(6)] for b in range(5)]

    assert found == [
        [15] * 6,  # the reference level
        [0, 1, 2, 3, 4, 15],
        [5, 6, 7, 8, 9, 15],
        [10, 11, 12, 13, 14, 15],
        [15] * 6,  # unseen
    ]
