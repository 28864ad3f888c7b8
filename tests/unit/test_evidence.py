"""What is measured about a fit, on tables whose truth is known, with posteriors that no engine drew."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from quick_fits import compared_at_mode, fitted_at_mode
from scipy import stats

from data_science.evaluation import form, reference
from data_science.evaluation.evidence_of import evidence_of
from data_science.evaluation.leak import leaks
from data_science.evaluation.missing import Missed, most_missed
from data_science.evaluation.power import power_evidence
from data_science.formula.rows import Observations
from data_science.formula.specification import ModelSpecification
from data_science.judgement.verdict import decide
from data_science.report.verdict import phrased
from tests.trust.known_tables import world


def evidence_on(kind, n_rows, specification=None):
    return evidence_of(*both(world(kind, n_rows), specification), seed=1)


def both(frame, specification):
    """Fit, and compare with the overall rate."""
    fitted = fitted_at_mode(frame, specification)
    return fitted, compared_at_mode(fitted)


@pytest.mark.parametrize(
    ("kind", "n_rows", "features", "judged"),
    [
        ("noise", 500, "undecided", "not examined"),
        ("noise", 20_000, "nothing found", "holds"),
        ("signal", 1_000, "add", "holds"),
        ("level", 20_000, "add", "holds"),
        ("five", 2_000, "undecided", "not examined"),
        ("bend", 2_500, "undecided", "wrong"),
        ("product", 8_000, "nothing found", "wrong"),
        ("tail", 10_000, "add", "wrong"),
    ],
)
def test_each_world_gives_the_evidence_for_its_verdict(kind, n_rows, features, judged):
    measured = evidence_on(kind, n_rows)

    found = decide(measured)

    assert (found.features, found.form) == (features, judged), measured
    assert measured.leaks == ()
    assert set(found.excluded) == {"scd_a", "scd_b"}
    if judged == "wrong":
        assert found.form_seen["worst_column"] == (["scd_a", "scd_b"] if kind == "product" else ["scd_a"])
    if kind == "level":
        assert found.clear == ("1|attr_b[a]",)  # the others are not called different from it


def test_what_a_function_makes_is_named_as_the_formula_and_the_table_name_it():
    frame = world("bend", 2_000).assign(after=lambda f: f["label"] + 0.1 * f["scd_b"])
    formula = "label ~ bs(scd_a, df=4) + log(scd_b) + poly(after, 2) + attr_b"

    found = phrased(decide(evidence_of(*both(frame, ModelSpecification(formula)), seed=1)))

    assert found.clear == ("poly(after, 2)",)
    assert found.leaks == ("after",)
    assert set(found.detectable) == {"log(scd_b)"}  # a piece of a spline is no effect
    assert not re.search(r"\)\[\d", " ".join(found.sentences))


def test_a_column_recorded_after_the_label_is_found_and_one_that_predicts_well_is_not():
    rng = np.random.default_rng(3)
    n = 20_000
    y = (rng.random(n) < 0.1).astype(float)
    far = rng.normal(size=n)
    outside = np.where(y == 1, np.sign(far) * (3 + np.abs(far)), far.clip(-2, 2))  # both ends, none between
    codes = {"copy": y.astype(np.intp), "own": np.arange(n), "other": rng.integers(0, 4, n)}
    numeric = {"after": 0.7 * y + 0.3 * rng.random(n), "outside": outside, "good": 2 * y + rng.normal(size=n)}

    found = leaks(Observations(codes, numeric, n, y, np.ones(n)))

    assert found == ("copy", "after", "outside")


def test_a_few_of_the_rarer_response_are_separated_by_chance():
    y = np.repeat([1.0, 0.0], [9, 991])
    rows = Observations({}, {"x": np.arange(1_000.0)}, 1_000, y, np.ones(1_000))

    assert leaks(rows) == ()


def test_an_effect_of_the_detectable_size_is_seen_nine_times_in_ten():
    rng = np.random.default_rng(4)
    n, n_effects = 20_000, 11
    x = rng.random(n)
    found = power_evidence(
        Observations({}, {"x": x}, n, (rng.random(n) < 0.1).astype(float), np.ones(n)), n_effects
    )
    slope = np.log(found.odds_ratio)
    information = n * 0.1 * 0.9

    z = rng.normal(slope * np.sqrt(information), 1, size=4_000)  # estimate over its standard error

    seen = (z > stats.norm.isf(0.025 / n_effects)).mean()
    assert seen == pytest.approx(0.9, abs=0.05)
    p = 0.1 * np.exp(slope * (x - x.mean()) / x.std())
    best, blind = found.top_tenth["x"]
    assert blind == pytest.approx(n / 100, rel=0.1)
    assert best / blind == pytest.approx(p[x > np.quantile(x, 0.9)].mean() / p.mean(), rel=0.02)


def test_scores_of_counts_are_those_of_their_single_trials():
    rng = np.random.default_rng(5)
    trials = rng.integers(1, 6, 600).astype(float)
    x = rng.normal(size=600)
    p = 1 / (1 + np.exp(1 - 2 * x))
    counted = Observations({}, {"x": x}, 600, rng.binomial(trials.astype(int), p).astype(float), trials)

    found = reference.log_scores(counted, {}, seed=1)

    truth = counted.successes * np.log(p) + (trials - counted.successes) * np.log1p(-p)
    rate = counted.successes.sum() / trials.sum()
    blind = counted.successes * np.log(rate) + (trials - counted.successes) * np.log1p(-rate)
    assert blind.sum() < found.sum() < truth.sum()
    assert (truth.sum() - found.sum()) < 0.2 * (truth.sum() - blind.sum())


@pytest.mark.parametrize("n", range(10, 56))
def test_rows_of_many_trials_are_enough_however_few_there_are(n, monkeypatch):
    rows = Observations({}, {"x": np.arange(n, dtype=float)}, n, np.full(n, 20.0), np.full(n, 100.0))
    sizes = []

    def grown(labels, held_out, *_):
        sizes.append((labels[2].sum(), held_out[2].sum()))
        return SimpleNamespace(predict_proba=lambda x: np.full((len(x), 2), 0.5))

    monkeypatch.setattr(reference, "_grown", grown)

    found = reference.log_scores(rows, {}, seed=1)

    assert all(learned >= 100 and kept >= 100 for learned, kept in sizes)
    np.testing.assert_allclose(found, 100 * np.log(0.5))


@pytest.mark.parametrize("n", [10, 20])
@pytest.mark.parametrize("only", [60.0, 100.0])
def test_where_one_row_has_all_that_happened_it_is_scored_by_the_rate_of_the_others(n, only):
    successes = np.zeros(n)
    successes[3] = only
    rows = Observations({}, {"x": np.arange(n, dtype=float)}, n, successes, np.full(n, 100.0))

    found = reference.log_scores(rows, {}, seed=1)

    p = 0.5 / (100 * np.arange(1, n) + 1)  # of some of the other rows, none of which has a success
    expected = only * np.log(p) + (100 - only) * np.log1p(-p)
    assert np.isfinite(found).all()
    assert np.abs(expected - found[3]).min() < 1e-9


@pytest.mark.parametrize(("most", "fewest_ones"), [(1, 4), (2, 0)], ids=["labels", "counts"])
def test_every_row_is_scored_once_by_what_has_not_seen_it_and_each_fold_has_its_share_of_a_rare_label(
    monkeypatch, most, fewest_ones
):
    n = 100
    trials = np.full(n, float(most))
    rows = Observations({}, {"x": np.arange(n, dtype=float)}, n, np.repeat([1.0, 0.0], [20, 80]), trials)
    ones, scored = [], []

    def grown(labels, held_out, *_):
        known = [cells[:, 0][y == 1] for cells, y, _ in (labels, held_out)]
        ones.append(20 - sum(map(len, known)))
        seen = {*labels[0][:, 0]} | {*held_out[0][:, 0]}

        def predict_proba(cells):
            scored.extend({*cells[:, 0]} - seen)
            return np.full((len(cells), 2), 0.25)

        return SimpleNamespace(predict_proba=predict_proba)

    monkeypatch.setattr(reference, "_grown", grown)
    monkeypatch.setattr(reference, "_binned", lambda values: values)

    found = reference.log_scores(rows, {}, seed=1)

    assert sorted(scored) == list(range(n))
    assert len(ones) == 5
    assert min(ones) >= fewest_ones
    expected = rows.successes * np.log(0.25) + (trials - rows.successes) * np.log(0.75)
    np.testing.assert_allclose(found, expected)


def test_a_column_of_too_many_levels_for_the_learner_is_named():
    frame = world("noise", 4_000)
    frame["shop"] = np.arange(4_000) % 100
    measured = evidence_on_frame(frame, "label ~ scd_a + (1 | shop)")

    assert measured.form.unseen == ("shop",)
    assert decide(measured).form == "not examined"


def test_a_column_of_63_levels_is_read_by_the_learner_and_one_of_64_is_named():
    frame = world("noise", 2_000)
    frame["shop"], frame["town"] = np.arange(2_000) % 64, np.arange(2_000) % 63

    assert evidence_on_frame(frame, "label ~ (1 | shop) + (1 | town)").form.unseen == ("shop",)


@pytest.mark.parametrize(
    "formula",
    [
        "label ~ 0 + attr_b",
        "label ~ attr_b",
        "label ~ 0 + (1 | attr_b)",
        "label ~ 0 + S(attr_b)",
        "label ~ 0 + bs(x, df=5, intercept=True)",
        "label ~ 0 + bs(x, df=4, intercept=True):attr_b",
    ],
)
def test_levels_that_hold_the_intercept_are_not_called_effects(formula):
    frame = world("noise", 3_000).assign(x=np.random.default_rng(2).random(3_000))

    found = evidence_on_frame(frame, formula)

    assert found.effects.clear == ()


def test_many_useless_features_that_a_learner_leaves_aside_are_no_wrong_form():
    fitted = fitted_at_mode(world("noise", 2_000))

    measured = evidence_of(fitted, compared_at_mode(fitted, n_parameters=60.0), seed=1)

    assert measured.gain.nats < -40
    assert decide(measured).form == "holds"


def offset_world(slope):
    """Rows whose label follows one column by a slope, and another not at all."""
    rng = np.random.default_rng(9)
    z, x = rng.normal(size=4_000), rng.normal(size=4_000)
    y = rng.random(4_000) < 1 / (1 + np.exp(1 - slope * z))
    return pd.DataFrame({"known z": z, "my x": x, "label": y.astype(int)})


def test_an_offset_is_taken_as_known_by_what_is_detectable_and_said():
    frame = offset_world(3.0)
    found = phrased(decide(evidence_on_frame(frame, "label ~ `my x` + offset(3 * `known z`)")))
    alone = decide(evidence_on_frame(frame, "label ~ `my x`"))

    p = 1 / (1 + np.exp(1 - 3 * frame["known z"]))
    wider = np.sqrt(alone.rate * (1 - alone.rate) / (p * (1 - p)).mean())
    assert np.log(found.detectable["my x"]) / np.log(alone.detectable["my x"]) == pytest.approx(wider, 0.02)
    assert (found.detectable_top_tenth, set(found.excluded)) == ({}, {"my x"})
    assert (found.features, found.form) == ("nothing found", "holds")
    assert "against 'intercept only' with offset(3 * known z) over" in found.sentences[0]
    assert found.advice == (
        "use what an intercept and offset(3 * known z) give each row, and look for other features",
    )


def test_an_offset_whose_slope_is_not_one_is_what_is_missed():
    formula = "label ~ offset(`my x` / 9) + `my x` + offset(`known z`)"

    found = phrased(decide(evidence_on_frame(offset_world(0.0), formula)))

    assert (found.form, found.form_seen["worst_column"]) == ("wrong", ["offset(known z)"])
    assert found.form_seen["suggestion"] == ""
    assert found.advice == (
        "do not take offset(known z) as known: put what is in it into the formula as a term",
    )


@pytest.mark.parametrize(
    ("formula", "columns", "suggestion"),
    [
        ("label ~ log(`my x`)", ["my x"], "bs(`my x`, df=5)"),
        ("label ~ poly(`my x`, 1) + S(kind)", ["my x", "kind"], "(`my x` | kind)"),
    ],
)
def test_what_functions_miss_is_said_of_the_columns_of_the_table(formula, columns, suggestion):
    rng = np.random.default_rng(10)
    x, kind = rng.uniform(1, 5, 4_000), rng.integers(0, 2, 4_000)
    slope = np.where(kind == 1, 1.5, -1.5) if "kind" in columns else np.sign(x - 3)
    y = rng.random(4_000) < 1 / (1 + np.exp(-slope * (x - 3)))
    frame = pd.DataFrame({"my x": x, "kind": np.array(["a", "b"])[kind], "label": y.astype(int)})

    found = decide(evidence_on_frame(frame, formula))

    assert (found.form_seen["worst_column"], found.form_seen["suggestion"]) == (columns, suggestion)


def test_no_spline_is_suggested_whose_knots_would_meet():
    x = np.linspace(0, 1, 300)
    missed = {"even": x, "zeros": np.maximum(x - 0.4, 0), "ones": np.minimum(x, 0.6), "middle": x.round()}
    rows = Observations({}, missed, 300, np.zeros(300), np.ones(300))
    specification = ModelSpecification(f"y ~ {' + '.join(missed)}")

    found = [form._term(specification, rows, (column,)) for column in missed]

    assert found == ["bs(even, df=5)", "", "", ""]


def test_a_formula_without_features_is_not_examined():
    found = phrased(decide(evidence_on_frame(world("noise", 1_000), "label ~ 1")))

    assert (found.features, found.form) == ("nothing found", "not examined")
    assert found.sentences[0] == "The formula has no features; the overall rate is 9.7%."
    assert found.advice == ("put features into the formula",)


def evidence_on_frame(frame, formula):
    fitted = fitted_at_mode(frame, ModelSpecification(formula))
    return evidence_of(fitted, compared_at_mode(fitted), seed=1)


@pytest.mark.parametrize(
    ("columns", "term"),
    [(("x", "z"), "x:z"), (("x", "g"), "(x | g)"), (("g", "h"), "(1 | g:h)")],
)
def test_what_is_missed_is_suggested_as_a_term_that_the_formula_takes(columns, term):
    rng = np.random.default_rng(6)
    n = 4_000
    codes = {name: rng.integers(0, 3, n) for name in ("g", "h")}
    numeric = {name: rng.normal(size=n) for name in ("x", "z")}
    factors = [numeric[name] if name in numeric else codes[name] - 1.0 for name in columns]
    y = (rng.random(n) < 1 / (1 + np.exp(1 - factors[0] * factors[1]))).astype(float)
    rows = Observations(codes, numeric, n, y, np.ones(n))
    eta = np.full(n, np.log(y.mean() / (1 - y.mean())))

    found = most_missed(rows, eta)

    assert (sorted(found.names), found.nats > 50) == (sorted(columns), True)
    assert form._term(ModelSpecification("y ~ x + z + (1 | g) + (1 | h)"), rows, columns) == term


def test_a_column_all_of_which_the_fit_has_misses_nothing():
    """The block of a factor's own levels adds no direction, and so not a fraction of a nat."""
    rows = Observations({"g": np.tile([0, 1, 2], 100)}, {}, 300, np.repeat([1.0, 0.0], 150), np.ones(300))

    assert most_missed(rows, np.zeros(300)) == Missed()


@pytest.mark.parametrize(("n_levels", "seen"), [(30, True), (31, False)])
def test_levels_are_taken_apart_up_to_thirty(n_levels, seen):
    """The first and the last of them have all the ones."""
    code = np.arange(6_200) % n_levels
    y = np.isin(code, [0, n_levels - 1]).astype(float)
    rows = Observations({"shop": code}, {"x": np.sin(np.arange(6_200.0))}, 6_200, y, np.ones(6_200))

    found = most_missed(rows, np.full(6_200, np.log(y.mean() / (1 - y.mean()))), alone=())

    assert ("shop" in found.names) is seen
    assert (found.nats > 1_000) is seen


def test_nothing_is_missed_where_the_probabilities_are_the_truth():
    rng = np.random.default_rng(7)
    n, x = 20_000, rng.normal(size=20_000)
    y = (rng.random(n) < 1 / (1 + np.exp(2 - x))).astype(float)

    found = most_missed(Observations({}, {"x": x}, n, y, np.ones(n)), x - 2)

    assert found.nats < 8  # four knots: chi-squared beyond 24 in one of 10,000
