"""Labels as teams hand them over: read exactly, or refused with the row; nothing is guessed."""

import io
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine_learning_engineering.errors import RetrainingInputError
from machine_learning_engineering.labels import known_labels

MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
WHOLE = [int, float, np.int64, np.int8, np.uint16, np.float32, np.float64, Decimal]


@pytest.mark.parametrize("kind", WHOLE)
def test_a_whole_number_of_any_type_is_the_client_that_it_is(kind):
    assert {client: known.label for client, known in known_labels({kind(5): kind(1)}).items()} == {5: 1}
    assert list(known_labels(pd.DataFrame({"idx": [kind(5), kind(6)], "label": [0, True]}))) == [5, 6]


@pytest.mark.parametrize(
    "idx",
    [5.2, np.float32(5.5), np.float32(2**24), np.float16(2**11), np.True_, Decimal("Infinity"),
     float("nan"), float("inf"), None, pd.NA, pd.NaT, "5", "five", b"5", True,
     Decimal("5.2"), 2.0**53, 1e300, (5,)],
    ids=repr,
)  # fmt: skip
def test_a_client_that_is_no_whole_number_is_refused(idx):
    frame = pd.DataFrame({"idx": pd.Series([4, idx], dtype=object), "label": [0, 1]})
    for labels in ({4: 0, idx: 1}, frame):
        with pytest.raises(RetrainingInputError, match=r"row 1 has the client .*; expected a whole number"):
            known_labels(labels)


@pytest.mark.parametrize(
    "label", [2, -1, 0.5, float("nan"), None, pd.NA, "1", "yes", pd.NaT, [1], 1 + 0j], ids=repr
)
def test_a_label_that_is_not_0_or_1_is_refused(label):
    frame = pd.DataFrame({"idx": [4, 5], "label": pd.Series([0, label], dtype=object)})
    for labels in ({4: 0, 5: label}, frame):
        with pytest.raises(RetrainingInputError, match=r"client 5 has label .*; expected 0 or 1"):
            known_labels(labels)


@given(st.lists(st.integers(-(2**60), 2**60) | st.floats() | st.none() | st.booleans(), max_size=6))
def test_two_clients_never_become_one(clients):
    frame = pd.DataFrame({"idx": pd.Series(clients, dtype=object), "label": [1] * len(clients)})
    try:
        known = known_labels(frame)
    except RetrainingInputError:
        return
    assert list(known) == clients


@pytest.mark.parametrize("dtype", ["float16", "float32", "Float32", "float[pyarrow]"])
def test_clients_that_a_narrow_float_has_rounded_are_refused(dtype):
    largest = 2**11 if dtype == "float16" else 2**24
    frame = pd.DataFrame({"idx": pd.array([4.0, largest - 1.0, largest + 1.0], dtype=dtype), "label": 1})

    assert list(known_labels(frame.head(2))) == [4, largest - 1]
    with pytest.raises(RetrainingInputError, match=r"row 2 has the client .*; expected a whole number"):
        known_labels(frame)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (pa.table({"idx": [1], "label": [0]}), "is of type Table; expected a pandas DataFrame"),
        (pd.Series({1: 0}), "is of type Series; expected a pandas DataFrame"),
        ([(1, 0)], "is of type list; expected a pandas DataFrame"),
        (None, "is of type NoneType; expected a pandas DataFrame"),
        (pd.DataFrame([[1, 0, 1]], columns=["idx", "label", "label"]), "has label 2 times; expected it once"),
        (pd.DataFrame({"label": [1]}), r"has the columns \['label'\] but lacks \['idx'\]"),
    ],
    ids=["arrow", "series", "list", "none", "label twice", "no client"],
)
def test_what_holds_no_labels_is_named_as_what_it_is(labels, said):
    with pytest.raises(RetrainingInputError, match=f"labels {said}"):
        known_labels(labels)


@pytest.mark.parametrize("twice", [[5, 5], [5, 5.0], [np.int8(5), np.float64(5)]], ids=repr)
def test_one_client_twice_is_refused_whatever_the_types(twice):
    with pytest.raises(RetrainingInputError, match="client 5 has two labels"):
        known_labels(pd.DataFrame({"idx": pd.Series(twice, dtype=object), "label": [0, 1]}))


@pytest.mark.parametrize(
    ("known_at", "moment"),
    [
        ("2026-11-22", MIDNIGHT),
        ("2026-11-22 00:00:00", MIDNIGHT),
        ("2026-11-22T01:00:00+01:00", MIDNIGHT),
        (" 2026-11-22T00:00:00Z ", MIDNIGHT),
        ("20261122", MIDNIGHT),
        (date(2026, 11, 22), MIDNIGHT),
        (datetime(2026, 11, 22), MIDNIGHT),  # noqa: DTZ001 - one without a zone is meant
        (datetime(2026, 11, 22, 1, tzinfo=timezone(timedelta(hours=1))), MIDNIGHT),
        (pd.Timestamp("2026-11-22"), MIDNIGHT),
        (pd.Timestamp("2026-11-22T01:00+01:00"), MIDNIGHT),
    ],
    ids=repr,
)
def test_a_time_is_read_as_what_it_says(known_at, moment):
    frame = pd.DataFrame({"idx": [5], "label": [1], "known_at": pd.Series([known_at], dtype=object)})

    (known,) = known_labels(frame).values()

    assert known.known_at == moment
    assert known.tests(MIDNIGHT - timedelta(seconds=1))
    assert not known.tests(MIDNIGHT)


@pytest.mark.parametrize(
    "known_at",
    [None, float("nan"), pd.NaT, pd.NA, "", "22.11.2026", "soon", 1_764_000_000, 20261122, True],
    ids=repr,
)
def test_a_time_that_is_missing_or_ambiguous_is_refused(known_at):
    frame = pd.DataFrame({"idx": [5], "label": [1], "known_at": pd.Series([known_at], dtype=object)})

    with pytest.raises(RetrainingInputError, match=r"client 5 has known_at .*; expected a time"):
        known_labels(frame)


def test_what_read_csv_makes_of_a_file_is_read():
    text = "idx,label,known_at\n1,0,2026-11-22\n2,1,2026-11-23 10:15:00\n"

    known = known_labels(pd.read_csv(io.StringIO(text)))

    assert (known[1].known_at, known[2].label) == (MIDNIGHT, 1)
    with pytest.raises(RetrainingInputError, match="row 1 has the client nan"):
        known_labels(pd.read_csv(io.StringIO(text + ",1,2026-11-23\n")).loc[[0, 2]])
