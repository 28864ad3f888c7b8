"""Weights of rows are counts, or refused with the first that is none."""

import numpy as np
import pytest

from data_science.sklearn.labels import repeats_of, require_both, two_classes

ROWS = np.zeros((4, 1))


@pytest.mark.parametrize("weights", [[1, 0, 2, 3], [1.0, 0.0, 2.0, 3.0], np.array([1, 0, 2, 3], dtype="u1")])
def test_counts_are_how_many_rows_each_row_stands_for(weights):
    found = repeats_of(weights, ROWS)

    assert found.tolist() == [1, 0, 2, 3]
    assert found.dtype == np.intp


def test_without_weights_each_row_stands_for_itself():
    assert repeats_of(None, ROWS) is None


@pytest.mark.parametrize(
    ("weights", "named"),
    [([1, 0, 2.5, -1], "2.5"), ([1, 0, -2, 0.5], "-2"), ([0, 0, 0, -1], "-1"), ([0.25, 1, 1, 1], "0.25")],
)
def test_the_first_weight_that_is_no_count_is_named(weights, named):
    with pytest.raises(ValueError, match=f"^sample_weight has {named}; expected counts"):
        repeats_of(weights, ROWS)


def test_weights_that_leave_no_row_are_refused():
    with pytest.raises(ValueError, match="at least one non-zero number"):
        repeats_of([0, 0, 0, 0], ROWS)


def test_classes_are_sorted_and_each_label_is_one_of_them():
    classes, which = two_classes(["yes", "no", "yes"])

    assert (classes.tolist(), which.tolist()) == (["no", "yes"], [1, 0, 1])
    require_both(classes, which)


def test_labels_of_one_class_are_refused_by_its_name():
    classes, _ = two_classes(["yes", "no"])

    with pytest.raises(ValueError, match=r"labels of 1 class only, .*'yes'"):
        require_both(classes, np.array([1, 1]))
