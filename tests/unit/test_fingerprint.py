"""Which tables share a fingerprint."""

import dataset_cases
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_science.data.fingerprint import fingerprint


def clients() -> pd.DataFrame:
    """Six clients, with a key."""
    return dataset_cases.clients().drop(columns="scd_b")


def without_key() -> pd.DataFrame:
    """Six rows, two of them equal."""
    return clients().drop(columns=["idx", "scd_a"]).assign(attr_b="a", label=0)


@given(order=st.permutations(range(6)))
def test_the_fingerprint_ignores_the_order_of_rows(order):
    assert fingerprint(clients().iloc[order]) == fingerprint(clients())
    assert fingerprint(without_key().iloc[order]) == fingerprint(without_key())


@given(columns=st.permutations(["idx", "attr_a", "attr_b", "scd_a", "label"]))
def test_the_fingerprint_ignores_the_order_of_columns(columns):
    assert fingerprint(clients()[columns]) == fingerprint(clients())


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.assign(scd_a=np.nextafter(frame["scd_a"], 1)),
        lambda frame: frame.replace({"attr_b": {"d": "e"}}),
        lambda frame: frame.assign(label=[0, 1, 0, 0, 1, 1]),
        lambda frame: frame.iloc[1:],
        lambda frame: frame.rename(columns={"scd_a": "scd_b"}),
        lambda frame: frame.assign(attr_a=frame["attr_a"].astype(str)),
    ],
    ids=["last bit", "one level", "one label", "one row less", "a name", "a type"],
)
def test_the_fingerprint_sees_every_change_of_content(change):
    assert fingerprint(change(clients())) != fingerprint(clients())
