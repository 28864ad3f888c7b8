"""Effects that are planted into rows are seen as often as their size says, and none is seen where there is none."""

import numpy as np
import pytest
from hand_made import clients

from data_science.evaluation.planted import _at_rate, planted
from data_science.formula.specification import ModelSpecification
from data_science.settings.fit import FitSettings

QUICK = FitSettings(engine="nested-laplace", second_opinion=False, draws=250, seed=3)


def test_a_large_effect_is_seen_and_no_effect_is_not():
    frame = clients(400)

    found = planted(
        frame, ModelSpecification("label ~ scd_a + scd_b"), "scd_a", [1.0, 3.0], n_tables=6, settings=QUICK
    )

    assert found.table["seen"].tolist() == [0.0, 1.0]
    assert (found.table["others"] <= 1 / 6).all()
    assert (found.table["covered"] >= 3 / 6).all()
    assert (found.table["low"] < found.table["high"]).all()
    assert found.n_tables == 6
    assert frame.equals(clients(400))


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.9])
def test_planting_an_effect_leaves_the_rate_as_it_is(rate):
    line = np.random.default_rng(1).normal(size=1_000)

    p = _at_rate(line, rate)

    assert p.mean() == pytest.approx(rate)
    assert np.log(p / (1 - p)) - line == pytest.approx(np.log(p[0] / (1 - p[0])) - line[0])
