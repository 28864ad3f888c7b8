"""Effects of levels as differences from their average, and which are there beyond chance."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from data_science.evaluation import effects

RNG = np.random.default_rng(8)
LEVELS = np.array([-0.5, 0.0, 0.5])
SHIFT = RNG.normal(0, 1, (2, 2_000, 1))  # the average, which the intercept takes back
TREE = xr.DataTree.from_dict(
    {
        "posterior": xr.Dataset(
            {
                "scd_a": (("chain", "draw"), RNG.normal(0.2, 0.1, (2, 2_000))),
                "1|attr_a": (
                    ("chain", "draw", "attr_a__factor_dim"),
                    LEVELS + SHIFT + RNG.normal(0, 0.01, (2, 2_000, 3)),
                ),
                "1|attr_a_sigma": (("chain", "draw"), np.abs(RNG.normal(0.5, 0.1, (2, 2_000)))),
            },
            {"chain": range(2), "draw": range(2_000), "attr_a__factor_dim": ["1", "2", "3"]},
        )
    }
)


def test_levels_are_known_well_though_their_average_is_not():
    found = effects.table(effects.levels(TREE, ["attr_a"]))

    assert found.index.tolist() == ["attr_a = 1", "attr_a = 2", "attr_a = 3"]
    assert found["middle"].to_numpy() == pytest.approx(LEVELS, abs=5 * 0.01 / 4_000**0.5 * 1.25)
    assert (found["high"] - found["low"] < 0.05).all()


def test_the_spread_of_these_levels_is_theirs_and_not_that_of_levels_at_large():
    found = effects.spreads(TREE, ["attr_a"])

    assert np.median(found["these attr_a"]) == pytest.approx(LEVELS.std(ddof=1), abs=0.001)
    assert np.array_equal(found["attr_a at large"], TREE["posterior"]["1|attr_a_sigma"].values.ravel())


def test_a_slope_is_per_standard_deviation_of_its_feature():
    found = effects.slopes(TREE, pd.Series({"scd_a": 3.0}))

    assert np.array_equal(found["scd_a"], 3 * TREE["posterior"]["scd_a"].values.ravel())


def test_everything_together_has_the_shape_of_a_posterior():
    found = effects.all_of(TREE, pd.Series({"scd_a": 1.0}), ["attr_a"])

    assert set(found.sizes) == {"chain", "draw"}
    assert list(found) == [
        "scd_a",
        *(f"attr_a = {level}" for level in "123"),
        "spread of these attr_a",
        "spread of attr_a at large",
    ]
