"""Histograms of inputs against what one counts by hand."""

from datetime import timedelta
from itertools import pairwise

import pandas as pd
import pytest
from machine_learning_engineering.drift import BINS, DISTINCT_MAX, LEVELS_MAX, Histogram, InputReference
from made_predictions import START, prediction


@pytest.mark.parametrize(("n_distinct", "binned"), [(DISTINCT_MAX, False), (DISTINCT_MAX + 1, True)])
def test_a_numeric_feature_is_binned_from_its_twenty_first_value_on(n_distinct, binned):
    histogram = Histogram.learn([float(i) for i in range(n_distinct)] * 2)

    assert DISTINCT_MAX == 20
    assert bool(histogram.edges) == binned
    assert bool(histogram.levels) != binned
    assert sum(histogram.counts) == 2 * n_distinct
    assert len(histogram.counts) == (BINS + 1 if binned else n_distinct + 1)


def test_text_is_never_binned_and_rare_levels_are_counted_together():
    values = [name for i in range(LEVELS_MAX + 3) for name in [f"level {i}"] * (100 - i)]

    histogram = Histogram.learn([*values, "1.5", None])

    assert LEVELS_MAX == 50
    assert histogram.levels == tuple(f"level {i}" for i in range(50))
    assert histogram.counts[-1] == (50 + 49 + 48) + 1 + 1
    assert histogram.counts[:2] == (100, 99)


def test_a_value_on_an_edge_belongs_to_the_bin_above_it():
    histogram = Histogram.learn([float(i) for i in range(101)])

    assert histogram.edges == tuple(float(10 * i) for i in range(1, 10))
    assert all(later > sooner for sooner, later in pairwise(histogram.edges))
    assert histogram.counts == (10, 10, 10, 10, 10, 10, 10, 10, 10, 11, 0)
    assert histogram.count([10, 9.999, float("inf"), " 95 ", "high"]).tolist() == [
        1,
        1,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        1,
        2,
    ]


def test_a_reference_is_of_features_and_keeps_from_when_it_is(tmp_path):
    frame = pd.DataFrame({"idx": [1, 2], "label": [0, 1], "a": ["x", "y"]})
    assert set(InputReference.learn(frame).features) == {"a"}
    assert set(InputReference.learn(frame, exclude=("a",)).features) == {"idx", "label"}
    assert InputReference.learn(frame).until is None

    made = [prediction(1, a=1), prediction(3, b="x"), prediction(2, a=2, b="y")]
    learned = InputReference.learn_from_log(made)
    learned.save(tmp_path, None)

    assert learned.until == START + timedelta(seconds=3)
    assert learned.features["a"] == Histogram((1.0, 2.0), (), (1, 1, 1))
    assert learned.features["b"] == Histogram(("x", "y"), (), (1, 1, 1))
    assert (tmp_path / "reference-unversioned.json").is_file()
    assert InputReference.load(tmp_path, None) == learned
    assert InputReference.load(tmp_path, "another") is None
