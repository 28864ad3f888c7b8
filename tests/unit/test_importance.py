"""What importance sampling says about itself where the shape of the ratios' tail cannot be estimated."""

import numpy as np
import pandas as pd
import pytest

from data_science import FitSettings, ModelSpecification
from data_science.engines import nested_laplace
from data_science.engines.importance import certify
from data_science.fitting.posterior_on import posed


@pytest.mark.parametrize(("n_rows", "ones"), [(100, 1), (5_000, 5)])
def test_a_rate_of_few_ones_is_certified_where_the_ratios_pile_up_at_their_bound(n_rows, ones):
    settings = FitSettings(engine="nested-laplace")
    frame = pd.DataFrame({"y": (np.arange(n_rows) < ones).astype(int)})
    problem = posed(frame, ModelSpecification("y ~ 1"), settings)

    posterior = nested_laplace.draw(problem.design, problem.compressed, settings, lambda _: None)

    assert posterior.attributes["khat"] < 0.7  # 4.14 and 1.74 by the tail's fit alone
    assert posterior.attributes["efficiency"] > 0.9


def test_ratios_with_a_heavy_tail_are_refused_as_ever():
    heavy = np.random.default_rng(1).pareto(1.0, size=10_000)

    _, certificate = certify(np.log(heavy))

    assert certificate.khat > 0.7
