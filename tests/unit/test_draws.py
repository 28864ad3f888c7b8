"""What draws say about rows, against sums and integrals written here."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hand_sums import PRIMES, design_of, even_points, logits_of, unseen_of
from scipy import integrate, stats
from scipy.special import expit
from serving_cases import ATTR_A, ATTR_B, COMMON_FACTOR, DEFAULT, predictor

from data_science.errors import FeatureError
from data_science.formula.encoding import Encoding, Term
from data_science.prediction import draws as draws_module
from data_science.prediction.draws import normal_points
from data_science.prediction.predictor import Predictor

SLOPES = Encoding(
    (
        Term("Intercept"),
        Term("scd_a:scd_b", ("scd_a", "scd_b")),
        Term("1|attr_a", groups=(ATTR_A,)),
        Term("scd_a|attr_a", ("scd_a",), groups=(ATTR_A,)),
        Term("1|attr_a:attr_b", groups=(ATTR_A, ATTR_B)),
    )
)
ENCODINGS = {"default": DEFAULT, "common factor": COMMON_FACTOR, "slopes": SLOPES}
EACH_ENCODING = pytest.mark.parametrize("name", ENCODINGS)


def rows(n_rows=40, *, unseen=True, encoding=DEFAULT):
    rng = np.random.default_rng(2)
    b = "abcdz" if unseen and encoding is not COMMON_FACTOR else "abcd"
    return pd.DataFrame(
        {
            "attr_a": rng.integers(1, 8 if unseen else 6, n_rows),
            "attr_b": rng.choice(list(b), n_rows),
            "scd_a": rng.normal(0, 1, n_rows),
            "scd_b": rng.integers(-2, 4, n_rows),
        }
    )


@EACH_ENCODING
@pytest.mark.parametrize("unseen", [False, True], ids=["seen", "some unseen"])
def test_logits_are_sums_over_the_design_with_a_point_for_each_unseen_group(name, unseen):
    model = predictor(ENCODINGS[name], n_draws=70)
    frame = rows(unseen=unseen, encoding=ENCODINGS[name])

    found = model.posterior.logits(model.reader.all_rows(frame))

    np.testing.assert_allclose(found, logits_of(model, frame), rtol=0, atol=1e-12)


@EACH_ENCODING
@pytest.mark.parametrize("unseen", [False, True], ids=["seen", "some unseen"])
def test_the_mean_probability_is_the_mean_over_draws_and_over_unseen_effects(name, unseen):
    encoding = ENCODINGS[name]
    model, frame = predictor(encoding, n_draws=40, sd=0.8), rows(unseen=unseen, encoding=encoding)

    found = model.predict_proba(frame, "posterior")

    eta = design_of(encoding, frame) @ model.draws.T
    sd = np.sqrt(unseen_of(encoding, frame) ** 2 @ model.group_sd_draws.T**2)

    def integrand(z):
        return (expit(eta + sd * z) * stats.norm.pdf(z)).mean(axis=1)

    expected = integrate.quad_vec(integrand, -12, 12, epsabs=1e-12)[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


def test_the_mean_probability_of_an_unseen_group_is_exact_up_to_a_logit_sd_of_three():
    model = Predictor(
        Encoding((Term("Intercept"), Term("1|attr_a", groups=(ATTR_A,)))),
        np.zeros(6), np.linspace(-4, 1, 7)[:, None] * np.eye(6)[:1], np.full((7, 1), 3.0),
    )  # fmt: skip

    found = model.predict_proba_one({"attr_a": 77}, "posterior")

    expected = [
        integrate.quad(lambda z, m=m: expit(m + 3 * z) * stats.norm.pdf(z), -12, 12, epsabs=1e-13)[0]
        for m in np.linspace(-4, 1, 7)  # around 0 the errors of m and -m would cancel
    ]
    assert found == pytest.approx(np.mean(expected), abs=1e-10)


@EACH_ENCODING
def test_a_logit_is_a_line_in_any_one_number(name):
    encoding = ENCODINGS[name]
    model, frame = predictor(encoding, n_draws=30), rows(encoding=encoding)
    read = model.reader.all_rows(frame)

    for column in encoding.numeric_columns:
        at_zero, slope = model.posterior.lines(read, column)

        line = at_zero + slope * frame[column].to_numpy()[:, None]
        np.testing.assert_allclose(line, logits_of(model, frame), rtol=0, atol=1e-12)
        np.testing.assert_allclose(at_zero, logits_of(model, frame.assign(**{column: 0})), rtol=0, atol=1e-12)


@pytest.mark.parametrize("block", [1, 7, 64, 200, 2**20])
def test_blocks_hold_every_row_once_in_order_and_stay_small(block, monkeypatch):
    monkeypatch.setattr(draws_module, "BLOCK", block)
    model, frame = predictor(n_draws=20), rows()
    whole = logits_of(model, frame)

    blocks = model.posterior.blocks(40)

    assert [row for part in blocks for row in range(40)[part]] == list(range(40))
    assert all(len(range(40)[part]) <= max(1, block // 20) for part in blocks)
    assert all(part.stop <= 40 for part in blocks)
    assert len(blocks) == -(-40 // max(1, block // 20))
    seen = model.reader.all_rows(rows(unseen=False))
    expected = expit(design_of(DEFAULT, rows(unseen=False)) @ model.draws.T).mean(axis=1)
    np.testing.assert_allclose(model.posterior.mean_probability(seen), expected, rtol=0, atol=1e-14)
    np.testing.assert_allclose(
        model.predict_interval(frame, 0.5),
        np.quantile(expit(whole), [0.25, 0.75], axis=1).T,
        rtol=0,
        atol=1e-12,
    )


def test_numbers_that_overflow_in_one_draw_are_refused():
    draws = predictor().draws.copy()
    draws[17, 1] = 1e300
    model = replace(predictor(), draws=draws)

    for ask in (model.predict_interval_one, lambda row: model.predict_proba_one(row, "posterior")):
        with pytest.raises(
            FeatureError, match=r"\{'scd_a': 10000000000\.0, 'scd_b': 1\.0\} are too large to score"
        ):
            ask({"attr_a": 1, "attr_b": "a", "scd_a": 1e10, "scd_b": 1})


@pytest.mark.parametrize("dimension", range(6))
def test_points_are_multiples_of_the_square_root_of_a_prime_on_the_normal_scale(dimension):
    points = normal_points(2_000, dimension)

    np.testing.assert_allclose(points, even_points(2_000, dimension), rtol=0, atol=1e-9)
    assert stats.kstest(points, "norm").statistic < 0.004  # far evener than 2,000 random points: 0.02
    assert len(PRIMES) == 6


def test_points_of_different_dimensions_fill_the_plane_evenly():
    dimensions = np.array([normal_points(4_000, dimension) for dimension in range(4)])

    correlation = np.corrcoef(dimensions) - np.eye(4)

    assert np.abs(correlation).max() < 0.02
    quadrants = [((a > 0) & (b > 0)).mean() for i, a in enumerate(dimensions) for b in dimensions[:i]]
    np.testing.assert_allclose(quadrants, 0.25, atol=0.01)
