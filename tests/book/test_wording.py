"""Numbers read as prose."""

import pytest

from data_science.report import wording


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (wording.percent(0.0913), "9.1 %"),
        (wording.between(0.089, 0.093), "8.9 % to 9.3 %"),
        (wording.percent(0.0003), "0.03 %"),
        (wording.percent(0.0005), "0.05 %"),
        (wording.percent(0.00471), "0.47 %"),
        (wording.percent(0.006, 0), "0.6 %"),
        (wording.percent(0), "0.0 %"),
        (wording.exactly(0.5), "50 %"),
        (wording.rough(0.554), "0.55"),
        (wording.rough(191.2), "191"),
        (wording.rough(39_980.4), "39,980"),
        (wording.readable("1|attr_a[3]"), "attr_a = 3"),
        (wording.readable("1|attr_a_sigma"), "spread of attr_a"),
        (wording.readable("scd_a"), "scd_a"),
        (wording.count(0, "interval"), "no interval"),
        (wording.count(1, "interval"), "1 interval"),
        (wording.count(1200, "fault", "faults"), "1,200 faults"),
        (wording.listed([]), "none"),
        (wording.listed(["a"]), "a"),
        (wording.listed(["a", "b", "c"]), "a, b and c"),
        (wording.capitalized("the ESS of scd_a"), "The ESS of scd_a"),
    ],
)
def test_numbers_read_as_prose(said, expected):
    assert said == expected
