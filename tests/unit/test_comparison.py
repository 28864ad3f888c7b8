"""Candidates compared: differences in words, common observations, stacking."""

import numpy as np
import pandas as pd
import pytest
from beta_groups import DRAWS, by_group, clients

from data_science.errors import SpecificationError
from data_science.evaluation.comparison import Comparison, Difference, compare_fits, difference, stack
from data_science.evaluation.loo import Elpd, Loo
from data_science.evaluation.pointwise import pool, union
from data_science.formula.design import encode, learn
from data_science.formula.specification import ModelSpecification


def test_candidates_are_ranked_paired_and_weighed_on_common_nodes():
    frame = clients()
    candidates = {
        "intercept only": by_group(frame, "label ~ 1"),
        "groups": by_group(frame, "label ~ 0 + g"),
    }

    found = compare_fits(candidates, frame, n_draws=DRAWS)

    table = found.table
    assert found.names == tuple(table.index) == ("groups", "intercept only")
    assert table["rank"].tolist() == [0, 1]
    assert table.loc["groups", ["elpd_diff", "se_diff"]].tolist() == [0, 0]
    assert table["elpd_diff"].tolist() == pytest.approx(
        (table["elpd_loo"] - table["elpd_loo"].max()).tolist()
    )
    assert table.loc["intercept only", "se_diff"] < table["se"].min()  # paired: much smaller than each se
    assert table["weight"].sum() == pytest.approx(1)
    assert table["weight"].idxmax() == "groups"
    assert table["waic"].tolist() == pytest.approx(table["elpd_loo"].tolist(), abs=0.1)
    assert "by more than the noise" in found.sentences[1]


def fit(pointwise: list[float], khat: float = 0.1, n: int = 1000) -> Loo:
    values = np.array(pointwise) / n
    weights = np.full(len(values), n / len(values))
    return Loo(values, 0 * values, weights, n, np.full(len(values), khat))


def comparison(gap: float, se: float, khat: float = 0.1) -> Comparison:
    """Make a "model" that is ``gap`` (SE ``se``) better than "baseline"."""
    spread = se * np.sqrt(999)
    base = fit([-300.0, -300.0])
    model = fit([-300 + gap - spread, -300 + gap + spread], khat)
    fits = dict(sorted({"baseline": base, "model": model}.items(), key=lambda kv: -kv[1].elpd))
    waics = {k: Elpd(v.pointwise, v.p_pointwise, v.weights, v.n_rows) for k, v in fits.items()}
    return Comparison(fits, waics, dict.fromkeys(fits, 0.5))


@pytest.mark.parametrize(
    ("gap", "se", "ranked"),
    [
        (0.3, 1.1, "inside the noise"),
        (-2.7, 1.7, "small anyway"),
        (9.0, 6.0, "less than 2 SE)."),
        (3.0, 0.5, "small, whatever its SE"),
        (0.0, 0.0, "small, whatever its SE"),
        (66.6, 12.2, "by more than the noise"),
        (-30.0, 5.0, "by more than the noise"),
    ],
    ids=["noise", "worse by noise", "large but noisy", "small", "equal", "better", "worse"],
)
def test_a_difference_is_said_in_words_that_its_size_allows(gap, se, ranked):
    assert ranked in comparison(gap, se).sentences[1]


@pytest.mark.parametrize("khat", [0.71, np.nan], ids=["high", "unknown"])
def test_an_unreliable_elpd_is_said_to_be(khat):
    found = comparison(66.6, 12.2, khat=khat)

    assert found.loos["model"].n_khat_high == 1000
    assert "k-hat of 'model' is not below 0.7 for 1,000 of 1,000 rows" in found.sentences[-1]
    assert not any("unreliable" in sentence for sentence in comparison(66.6, 12.2).sentences)


def test_a_difference_that_is_not_a_number_is_no_finding():
    gap = Difference(np.nan, np.nan, 10)

    assert gap.is_noise
    assert gap.is_small


def test_fits_at_different_nodes_are_not_paired():
    with pytest.raises(ValueError, match=r"different nodes \(2 and 3\); measure both with compare_fits"):
        difference(fit([1.0, 2.0]), fit([1.0, 2.0, 3.0]))


def test_candidates_for_different_responses_are_not_compared():
    frame = clients().assign(other=lambda f: 1 - f["label"])
    candidates = {"a": by_group(frame, "label ~ 1"), "b": by_group(frame, "other ~ 1")}

    with pytest.raises(SpecificationError, match=r"expected one response"):
        compare_fits(candidates, frame)


def test_candidates_that_learned_different_levels_are_not_compared():
    frame = clients()
    designs = [learn(ModelSpecification("label ~ g"), part) for part in (frame, frame[frame["g"] != "b"])]

    with pytest.raises(SpecificationError, match=r"levels of 'g': \('a', 'b', 'c'\) and \('a', 'c'\)"):
        union(designs, [encode(design, frame) for design in designs])


@pytest.mark.parametrize(("n_levels", "tail"), [(8, "7)"), (9, "7, ...)")])
def test_a_message_shows_the_first_eight_levels(n_levels, tail):
    frame = pd.DataFrame(
        {"g": np.arange(2 * n_levels) % n_levels, "label": np.arange(2 * n_levels) // n_levels}
    )
    designs = [learn(ModelSpecification("label ~ (1 | g)"), part) for part in (frame, frame[frame["g"] > 0])]

    with pytest.raises(SpecificationError) as refusal:
        union(designs, [encode(design, frame) for design in designs])

    assert f"(0, 1, 2, 3, 4, 5, 6, {tail} and (1, 2" in str(refusal.value)


def test_candidates_whose_functions_have_one_name_and_two_meanings_are_not_compared():
    frame = pd.DataFrame({"x": np.linspace(0, 1, 8), "z": np.linspace(1, 3, 8) ** 2, "y": [0, 1] * 4})
    formulas = "y ~ I((x + 1) * z)", "y ~ I(x + 1 * z)"
    designs = [learn(ModelSpecification(formula), frame) for formula in formulas]

    with pytest.raises(SpecificationError, match=r"mean different numbers by 'I\(x \+ 1 \* z\)': expand"):
        union(designs, [encode(design, frame) for design in designs])


def test_a_column_may_be_a_number_to_one_candidate_and_a_level_to_another():
    frame = clients().assign(x=lambda f: np.arange(len(f)) % 3)
    designs = [learn(ModelSpecification(f), frame) for f in ("label ~ x", "label ~ C(x) + (1|g)")]

    observations = pool(union(designs, [encode(design, frame) for design in designs]))

    assert len(observations) == 18  # 3 groups, 3 values, 2 responses
    assert observations.weights.sum() == len(frame)
    assert (observations.rows.numeric["x"] == observations.rows.codes["x"]).all()


def test_observations_with_a_continuous_covariate_keep_its_moments_per_response():
    rng = np.random.default_rng(3)
    frame = clients().assign(v=lambda f: rng.gamma(2, size=len(f)))
    design = learn(ModelSpecification("label ~ v + (1|g)"), frame)

    observations = pool(encode(design, frame), n_nodes=5)

    assert len(observations) < len(frame) / 10
    for label in (0, 1):
        nodes, of = observations.rows.successes == label, frame["label"] == label
        for degree in range(10):
            moment = observations.weights[nodes] @ observations.rows.numeric["v"][nodes] ** degree
            assert moment == pytest.approx((frame["v"][of] ** degree).sum(), rel=1e-8)


@pytest.mark.parametrize(
    ("pointwise", "expected"),
    [
        ([[-1, -2], [-1, -2]], [1, 0]),
        ([[-1, -3], [-3, -1]], [0.5, 0.5]),
        ([[-1000, -1001], [-1000, -1001]], [1, 0]),
    ],
    ids=["dominated", "each right half the time", "densities below the smallest float"],
)
def test_stacking_weights_maximise_the_log_score_of_the_mixture(pointwise, expected):
    weights = stack(np.array(pointwise, dtype=float), np.array([50.0, 50.0]))

    assert weights == pytest.approx(expected, abs=1e-6)


def test_stacking_takes_a_node_for_as_many_observations_as_it_weighs():
    pointwise = np.log([[0.8, 0.3], [0.2, 0.7]])

    weights = stack(pointwise, np.array([40.0, 60.0]))

    # 40 log(0.3 + 0.5 w) + 60 log(0.7 - 0.5 w) is largest at w = 0.2
    assert weights == pytest.approx([0.2, 0.8], abs=1e-5)
