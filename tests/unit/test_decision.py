import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_science.errors import SettingsError
from data_science.settings.fit import Costs

COSTS = st.floats(0.01, 100)


@pytest.mark.parametrize(
    ("false_positive", "false_negative", "threshold"), [(1, 1, 0.5), (1, 9, 0.1), (3, 1, 0.75)]
)
def test_the_threshold_follows_the_costs(false_positive, false_negative, threshold):
    assert Costs(false_positive, false_negative).threshold == threshold


def test_both_mistakes_cost_the_same_unless_stated():
    assert Costs() == Costs(false_positive=1.0, false_negative=1.0)
    assert Costs(false_negative=3).threshold == 0.25
    assert Costs(false_positive=3).threshold == 0.75


@pytest.mark.parametrize("name", ["false_positive", "false_negative"])
@pytest.mark.parametrize("cost", [-1, 0, -0.0, float("inf"), float("nan"), "1", None, 10**400])
def test_a_cost_from_which_no_threshold_follows_is_refused(name, cost):
    with pytest.raises(SettingsError) as refused:
        Costs(**{name: cost})

    assert str(refused.value) == f"{name} is {cost!r}; expected a finite number above 0"


@pytest.mark.parametrize("costs", [(1e308, 1e308), (1e300, 1e-300), (1e-300, 1e300)])
def test_costs_that_give_every_client_the_same_label_are_refused(costs):
    with pytest.raises(SettingsError, match="the threshold would be 0 or 1"):
        Costs(*costs)


def test_costs_of_any_numeric_type_are_added_as_floats():
    assert Costs(np.int8(100), np.int8(100)).threshold == 0.5


@settings(deadline=None)
@given(false_positive=COSTS, false_negative=COSTS, probability=st.floats(0, 1))
def test_labels_by_the_threshold_have_the_least_expected_cost(false_positive, false_negative, probability):
    costs = Costs(false_positive, false_negative)
    of_one, of_zero = false_positive * (1 - probability), false_negative * probability

    chosen = of_one if probability > costs.threshold else of_zero

    assert chosen <= min(of_one, of_zero) + 1e-12 * max(of_one, of_zero)
