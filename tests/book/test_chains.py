"""Chains that found another distribution than the others are seen, in the p-value and in the picture."""

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt

from book import chains, charts
from tests.book.drawing import figure_of

NAMES = ["scd_a", "1|attr_a_sigma", "Intercept", "scd_b"]


@pytest.fixture(scope="module")
def posterior():
    """Draws of four parameters, of which one chain found another place for `scd_b`."""
    draws = np.random.default_rng(3).normal(size=(len(NAMES), 4, 200))
    draws[-1, 2] += 2
    values = {name: (("chain", "draw"), one) for name, one in zip(NAMES, draws, strict=True)}
    return xr.DataTree.from_dict({"posterior": xr.Dataset(values, {"chain": range(4), "draw": range(200)})})


def test_a_p_value_is_small_only_where_a_chain_differs(posterior):
    found = chains.p_values(posterior, NAMES)

    assert found.index.tolist() == NAMES
    assert found["scd_b"] < 1e-6
    assert (found.drop("scd_b") > 0.001).all()
    assert (found <= 1).all()


def test_only_the_parameters_asked_for_are_tested(posterior):
    assert chains.p_values(posterior, ["scd_b"]).index.tolist() == ["scd_b"]


@pytest.mark.usefixtures("formats")
def test_the_picture_has_a_titled_panel_for_each_parameter_three_in_a_row(posterior):
    chains.draw_ranks(posterior, NAMES)

    figure = plt.gcf()
    panels = [axes for axes in figure.axes if axes.lines]
    assert [title_of(axes) for axes in panels] == ["scd_a", "spread of attr_a", "Intercept", "scd_b"]
    assert panels[0].get_gridspec().get_geometry() == (2, 3)
    assert figure_of(panels[0]).get_size_inches().tolist() == pytest.approx([charts.WIDTH, 3.6], abs=0.6)


def title_of(axes):
    return "".join(axes.get_title(where) for where in ("left", "center", "right")).strip()
