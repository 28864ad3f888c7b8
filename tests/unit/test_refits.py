"""Rows that importance sampling cannot leave out are left out by a fit, up to a number that is counted."""

from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from data_science.errors import GateError
from data_science.evaluation import refits
from data_science.evaluation.comparison import compare_fitted
from data_science.evaluation.loo import Loo
from data_science.evaluation.pointwise import pool
from data_science.evaluation.refits import refitted
from data_science.fitting.posterior_on import Fitted, posed, posterior_on
from data_science.formula.specification import ModelSpecification
from data_science.settings.fit import FitSettings

QUICK = FitSettings(engine="nested-laplace", second_opinion=False)
COUNTS = pd.DataFrame({"sick": [1, 0, 2, 1, 14], "size": [9, 7, 11, 8, 16]})
LABELS = pd.DataFrame({"sick": [1, 0, 0, 0, 0, 0, 0], "size": 1})


def posed_with_scores(frame, khat, formula="p(sick, size) ~ 1"):
    """Return a problem without a posterior, and scores of its rows that nothing supports."""
    problem = posed(frame, ModelSpecification(formula), FitSettings())
    nodes = pool(problem.rows)
    n = len(nodes)
    found = Loo(
        np.full(n, -5.0), np.full(n, 0.5), nodes.weights, nodes.n_rows, np.broadcast_to(khat, n).copy()
    )
    return Fitted(problem, None), nodes, found


def left_out_by_quadrature(frame, row):
    """Log probability of one row's counts given the others, under the default prior of an intercept."""
    prior, others, own = stats.norm(0, 1.5), frame.drop(index=row), frame.loc[row]

    def mean_of(counted):
        def at(x):
            p = 1 / (1 + np.exp(-x))
            of_others = np.prod(stats.binom.pmf(others["sick"], others["size"], p))
            return prior.pdf(x) * of_others * (stats.binom.pmf(own["sick"], own["size"], p) if counted else 1)

        return integrate.quad(at, -12, 12, epsabs=0, epsrel=1e-9, limit=200)[0]

    return np.log(mean_of(True) / mean_of(False))


@pytest.mark.parametrize(
    ("frame", "row"), [(COUNTS, 4), (COUNTS, 0), (LABELS, 0)], ids=["far", "near", "0/1"]
)
def test_a_row_is_scored_by_the_posterior_of_the_others(frame, row):
    fitted, nodes, found = posed_with_scores(frame, 0.2)
    of_row = nodes.rows.successes == frame.loc[row, "sick"]
    of_row &= nodes.rows.trials == frame.loc[row, "size"]
    found.khat[of_row] = 0.9

    again = refitted(fitted, nodes, found)

    # Draws are some thousands, and the probability of the far row varies most: by its sixfold over them.
    assert again.pointwise[of_row] == pytest.approx(left_out_by_quadrature(frame, row), abs=0.25)
    assert (again.n_refitted, again.n_khat_high) == (1, 0)
    assert again.pointwise[~of_row] == pytest.approx(-5)
    assert again.pointwise + again.p_pointwise == pytest.approx(-4.5)


def test_the_worst_rows_come_first_and_the_rest_is_counted(monkeypatch):
    frame = pd.DataFrame({"sick": np.arange(1, 16), "size": 30})
    fitted, nodes, found = posed_with_scores(frame, np.linspace(0.71, 2, 15))
    asked = []
    monkeypatch.setattr(refits, "_left_out", lambda _, row, __: asked.append(row) or -1.0)

    again = refitted(fitted, nodes, found)

    assert len(asked) == again.n_refitted == refits.REFITS_MAX
    assert again.n_khat_high == 15 - refits.REFITS_MAX
    assert again.khat[again.khat > 0].max() < found.khat[again.khat == 0].min()


def test_equal_rows_share_one_refit_and_a_node_of_unequal_rows_has_none(monkeypatch):
    fitted, nodes, found = posed_with_scores(LABELS, 0.9)
    asked = []
    monkeypatch.setattr(refits, "_left_out", lambda _, row, __: asked.append(row) or -1.0)

    again = refitted(fitted, nodes, found)
    nowhere = refitted(
        fitted, replace(nodes, rows=replace(nodes.rows, trials=nodes.rows.trials + 0.5)), found
    )

    assert (len(asked), again.n_refitted) == (2, 7)
    assert (nowhere.n_refitted, nowhere.n_khat_high) == (0, 7)


@pytest.mark.parametrize(
    "declined", [GateError("k-hat is 0.9"), np.linalg.LinAlgError("singular")], ids=["gate", "algebra"]
)
def test_a_row_without_which_there_is_no_fit_keeps_its_warning_and_none_is_tried_after_it(
    monkeypatch, declined
):
    fitted, nodes, found = posed_with_scores(COUNTS, [0.1, 0.1, 0.1, 0.8, np.nan])
    decline = Mock(side_effect=declined)
    monkeypatch.setattr(refits, "drawn_by_engine", decline)

    again = refitted(fitted, nodes, found, seed=7)

    assert [call.args[3].seed for call in decline.call_args_list] == [7]
    assert (again.n_refitted, again.n_khat_high) == (0, 2)
    assert again.pointwise.tolist() == found.pointwise.tolist()


def test_a_comparison_refits_what_it_could_not_leave_out():
    """One herd lies far from the others: its score by importance sampling is off, by its own k-hat."""
    frame = pd.DataFrame({"sick": [2, 1, 3, 2, 1, 10], "size": [40, 35, 50, 42, 30, 24]})
    fitted = posterior_on(frame, ModelSpecification("p(sick, size) ~ 1"), QUICK)

    found = compare_fitted({"one": fitted}).loos["one"]

    assert (found.n_refitted, found.n_khat_high) == (1, 0)
    assert found.pointwise.min() == pytest.approx(left_out_by_quadrature(frame, 5), abs=0.5)
