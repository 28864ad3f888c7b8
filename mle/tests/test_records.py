"""What is recorded of a prediction, and which labels test it."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from machine_learning_engineering.labels import KnownLabel, known_labels
from machine_learning_engineering.records import Prediction, decode, encode, plain, plain_features
from made_predictions import START, prediction


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array(2.0), 2.0),
        (float("nan"), None),
        (np.float32("nan"), None),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (None, None),
        (pd.NA, None),
        (pd.NaT, None),
        (True, True),
        (7, 7),
        ("text", "text"),
        (pd.Timestamp("2026-11-22"), "2026-11-22 00:00:00"),
        ([1], "[1]"),
    ],
    ids=repr,
)
def test_every_value_is_recorded_as_json_can_hold_it(value, kept):
    assert plain(value) == kept
    assert type(plain(value)) is type(kept)
    record = Prediction(1, 0, plain_features({"x": value}), 0.25, "v", START)
    assert decode(encode(record)) == record


def test_a_line_with_any_byte_changed_is_no_record_and_one_of_earlier_code_is():
    record = Prediction(17, 1, {"x": 0.25, "a": 'quo"te', ',"crc32":"00000000"}': None}, 0.75, "v", START)
    line = encode(record)

    places = range(len(line) - 1)
    changed = [line[:at] + bytes([line[at] ^ flip]) + line[at + 1 :] for at in places for flip in (1, 2)]
    changed += [line[:at] + line[at + 1 :] for at in places]
    changed += [line.replace(b'"label":1', b'"label":0'), line.replace(b'"idx":17', b'"idx":71')]

    for other in changed:
        with pytest.raises(ValueError, match=r"checksum|record|Expecting|Invalid|Extra|codec|Unterminated"):
            decode(other)
    text, _, _ = line.rpartition(b',"crc32":')
    assert decode(text + b"}\n") == decode(line.removesuffix(b"\n")) == record


def test_features_keep_their_order_and_absent_ones_are_none():
    frame = pd.DataFrame([{"b": 1, "a": "x"}])

    assert list(plain_features(frame).items()) == [("b", 1), ("a", "x")]
    assert plain_features(None) == {}
    for n_rows in (0, 2):
        with pytest.raises(ValueError, match=f"features has {n_rows} rows; expected one row"):
            plain_features(pd.concat([frame] * n_rows) if n_rows else frame.head(0))


def test_a_moment_without_a_zone_is_utc():
    labels = pd.DataFrame({"idx": [1, 2], "label": [0, 1], "known_at": [datetime(2026, 11, 22), START]})  # noqa: DTZ001

    assert known_labels(labels) == {1: KnownLabel(0, START), 2: KnownLabel(1, START)}
    assert known_labels({3: 1}) == {3: KnownLabel(1, None)}


def test_a_label_tests_only_what_was_predicted_before_it_was_known():
    label = KnownLabel(1, START)

    assert label.tests(START - timedelta(microseconds=1))
    assert not label.tests(START)
    assert KnownLabel(1).tests(START)


def test_the_names_of_a_request_are_kept_and_a_record_without_them_is_of_the_first_format():
    named = replace(prediction(1, a=1), request_id="mine-4711", trace_id=None)

    assert decode(encode(named)) == named
    assert b'"format":2' in encode(named)
    assert b'"format":1' in encode(prediction(1, a=1))
    assert decode(encode(prediction(1, a=1))).request_id is None
    without_check = encode(prediction(1, a=1)).partition(b',"crc32"')[0] + b',"request_id":"x"}\n'
    with pytest.raises(ValueError, match="which format 1 does not"):
        decode(without_check)
