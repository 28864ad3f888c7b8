import json

import numpy as np
import pytest
from terms import TERMS, A, B

from data_science.formula.encoding import Encoding

SHAPES = {
    "intercept": (),
    "slope": (),
    "product": (),
    "reference coding": (2,),
    "full coding": (3,),
    "interaction": (2, 2),
    "slope by level": (2,),
    "groups": (3,),
    "interaction groups": (3, 2),
    "slopes of levels by group": (1, 3),
}


@pytest.mark.parametrize("kind", TERMS)
def test_a_terms_coefficients_form_a_table(kind):
    assert TERMS[kind].shape == SHAPES[kind]
    assert TERMS[kind].n_coefficients == np.prod(SHAPES[kind])


def test_numeric_columns_multiply():
    numeric = {"x": np.array([1.0, 2.0]), "z": np.array([3.0, -1.0])}

    assert TERMS["product"].multipliers(numeric, 2).tolist() == [3.0, -2.0]
    assert TERMS["groups"].multipliers({}, 2).tolist() == [1.0, 1.0]


def test_terms_stand_one_after_another():
    encoding = Encoding((TERMS["intercept"], TERMS["reference coding"], TERMS["interaction groups"]))

    assert encoding.slices == {"Intercept": slice(0, 1), "a": slice(1, 3), "1|a:b": slice(3, 9)}
    assert encoding.n_coefficients == 9
    assert [term.name for term in encoding.common] == ["Intercept", "a"]
    assert [term.name for term in encoding.group_specific] == ["1|a:b"]
    assert (encoding.n_common, encoding.n_sds) == (3, 1)


def test_columns_are_listed_once_in_order_of_first_use():
    encoding = Encoding((TERMS["slope by level"], TERMS["product"], TERMS["interaction groups"]))

    assert encoding.numeric_columns == ("x", "z")
    assert encoding.factors == (B, A)


def test_an_encoding_survives_json():
    unique = {term.name: term for term in TERMS.values()}
    encoding = Encoding(tuple(unique.values()))

    assert Encoding.from_json(json.loads(json.dumps(encoding.to_json()))) == encoding
