"""Average probabilities at each value of a feature, against sums over the clients by hand."""

import numpy as np
import pytest
from hand_made import clients, learned

from data_science.evaluation.average_predictions import changes, curve

FRAME = clients(60)
DESIGN = learned("label ~ scd_a + attr_b", FRAME)
DRAWS = np.array([[-1.0, 2.0, 0.1, 0.2, 0.3], [-1.5, 1.0, 0.0, -0.2, 0.4], [-0.5, 0.5, 0.0, 0.0, 0.1]])
LEVELS = dict(zip("abcd", range(4), strict=True))


def averages(scd_a=None, attr_b=None):
    """Mean probability over the clients at each draw, with one feature the same for all."""
    x = FRAME["scd_a"].to_numpy() if scd_a is None else np.full(60, scd_a)
    levels = FRAME["attr_b"].map(LEVELS).to_numpy() if attr_b is None else np.full(60, LEVELS[attr_b])
    effects = np.column_stack([np.zeros(3), DRAWS[:, 2:]])
    eta = DRAWS[:, :1] + DRAWS[:, 1:2] * x + effects[:, levels]
    return (1 / (1 + np.exp(-eta))).mean(axis=1)


def test_a_curve_gives_every_client_the_value_and_leaves_the_rest_as_it_is():
    found = curve(DESIGN, FRAME, "scd_a", [0.1, 0.9], DRAWS)

    expected = [np.quantile(averages(scd_a=x), [0.025, 0.5, 0.975]) for x in (0.1, 0.9)]
    assert found.index.tolist() == [0.1, 0.9]
    assert found[["low", "middle", "high"]].to_numpy() == pytest.approx(np.array(expected))


def test_a_change_is_of_the_same_draw_between_two_values_or_levels():
    found = changes(DESIGN, FRAME, {"scd_a": (0.1, 0.9), "attr_b": ("a", "d")}, DRAWS)

    for name, gap in (
        ("scd_a", averages(scd_a=0.9) - averages(scd_a=0.1)),
        ("attr_b", averages(attr_b="d") - averages(attr_b="a")),
    ):
        row = found.loc[name]
        assert [row["low"], row["middle"], row["high"]] == pytest.approx(
            np.quantile(gap, [0.025, 0.5, 0.975])
        )
    assert found.loc["attr_b", ["start", "end"]].tolist() == ["a", "d"]


def test_over_many_clients_the_average_is_of_some_of_them():
    many = clients(3_000)

    found = curve(learned("label ~ scd_a + attr_b", many), many, "scd_a", [0.5], DRAWS)

    rows = many.iloc[np.unique(np.linspace(0, 2_999, 500).astype(int))]
    effects = np.column_stack([np.zeros(3), DRAWS[:, 2:]])
    eta = DRAWS[:, :1] + DRAWS[:, 1:2] * 0.5 + effects[:, rows["attr_b"].map(LEVELS).to_numpy()]
    assert found["middle"].item() == pytest.approx(np.median((1 / (1 + np.exp(-eta))).mean(axis=1)))


def test_a_row_of_many_trials_counts_as_many_clients():
    frame = FRAME.assign(n=np.arange(60) % 7 + 1)
    trials = frame["n"].to_numpy()
    each = frame.loc[frame.index.repeat(trials)]

    found = curve(learned("p(label, n) ~ scd_a + attr_b", frame), frame, "attr_b", ["a", "d"], DRAWS)

    expected = curve(DESIGN, each, "attr_b", ["a", "d"], DRAWS)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
