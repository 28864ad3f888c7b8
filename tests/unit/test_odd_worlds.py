"""Tables in which a verdict could be false for a reason of their own, with posteriors that no engine drew."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from quick_fits import compared_at_mode, fitted_at_mode

from data_science.evaluation import form
from data_science.evaluation.copies import n_copies
from data_science.evaluation.dispersion import dispersion
from data_science.evaluation.evidence_of import evidence_of
from data_science.evaluation.performance import performance
from data_science.evaluation.power import power_evidence
from data_science.formula.rows import Observations
from data_science.formula.specification import ModelSpecification
from data_science.judgement.verdict import decide
from data_science.report.verdict import by_heading, phrased
from tests.trust.known_tables import world


def held(frame, formula="label ~ scd_a + scd_b + (1 | attr_a) + (1 | attr_b)"):
    fitted = fitted_at_mode(frame, ModelSpecification(formula))
    return phrased(decide(evidence_of(fitted, compared_at_mode(fitted), seed=1)))


def counted(spread, n=300, seed=9):
    """Counts out of fifty that follow nothing, on log odds that differ from row to row by ``spread``."""
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(2 - spread * rng.normal(size=n)))
    return pd.DataFrame({"y": rng.binomial(50, p), "n": 50, "x": rng.normal(size=n)})


def test_counts_that_differ_by_more_than_chance_have_a_wrong_form_and_claim_no_effect():
    found = held(counted(1.0), "p(y, n) ~ x")

    assert (found.form, found.clear) == ("wrong", ())
    assert found.form_seen["dispersion"] > 3
    assert found.sentences[0].startswith("The model's form is wrong: counts differ from row to row with ")
    assert found.advice == (
        "number the rows in a column, such as row, and fit again with `(1 | row)` in the formula",
    )
    assert found.excluded == {}  # its intervals are too narrow
    assert found.detectable["x"] > held(counted(0.0), "p(y, n) ~ x").detectable["x"]


def test_counts_that_differ_by_chance_alone_have_a_form_that_holds():
    rng = np.random.default_rng(3)
    n = 200
    chances = []
    for _ in range(50):
        p = 1 / (1 + np.exp(2 - rng.normal(size=n)))
        rows = Observations({}, {}, n, rng.binomial(30, p).astype(float), np.full(n, 30.0))
        chances.append(dispersion(rows, np.log(p / (1 - p)), seed=1)[1])

    assert held(counted(0.0), "p(y, n) ~ x").form == "holds"
    assert np.mean(np.array(chances) < 0.5) == pytest.approx(0.5, abs=0.28)  # four standard errors
    assert dispersion(Observations({}, {}, 2, np.ones(2), np.ones(2)), np.zeros(2), seed=1) is None


def test_a_form_is_not_said_to_hold_where_the_rows_looked_at_have_hardly_any_of_the_rarer_response(
    monkeypatch,
):
    monkeypatch.setattr(form, "MOST_ROWS", 1_000)
    rng = np.random.default_rng(3)
    x = rng.normal(size=40_000)
    bent = 1 / (1 + np.exp(6 - 0.5 * x**2))

    found = held(pd.DataFrame({"x": x, "label": (rng.random(40_000) < bent).astype(int)}), "label ~ x")

    assert found.n_rarer > 200
    assert found.form == "not examined"
    assert "fewer than 50 are in the sample of rows that another learner" in by_heading(found)["Form"]


def test_rows_that_are_copies_of_others_are_no_evidence():
    once = world("noise", 400)

    found = held(pd.concat([once] * 10, ignore_index=True).assign(idx=range(4_000)))

    assert (found.n_copies, found.features, found.form) == (4_000, "undecided", "not examined")
    assert found.sentences[0].startswith("4,000 of 4,000 rows look like copies")
    assert found.advice == ("keep one row of each set of copies, and fit again",)
    assert held(once).n_copies == 0


def test_rows_of_few_values_and_responses_of_their_own_are_no_copies():
    rng = np.random.default_rng(2)
    n, few = 3_000, np.arange(3_000) % 600
    rows = Observations({"client": few}, {}, n, (rng.random(n) < 0.1).astype(float), np.ones(n))

    assert n_copies(rows, np.full(n, np.log(1 / 9))) == 0


def test_rows_that_agree_since_one_value_has_one_response_are_no_copies():
    once = world("noise", 4_000)
    spike = (once["label"] == 1) & (np.arange(4_000) % 2 == 0)

    assert held(once.assign(scd_a=once["scd_a"].mask(spike, 2.0))).n_copies == 0


@pytest.mark.parametrize("trials", [1.0, 20.0])
def test_a_column_that_another_tells_must_have_a_larger_effect_to_be_seen(trials):
    rng = np.random.default_rng(4)
    n, x = 5_000, rng.normal(size=5_000)
    columns = {"x": x, "z": 0.95 * x + np.sqrt(1 - 0.95**2) * rng.normal(size=n), "own": rng.random(n)}
    rows = Observations({}, {**columns, "square": x**2}, n, np.full(n, 0.1 * trials), np.full(n, trials))

    found = power_evidence(rows, 3, sources={"square": ("x",)})

    times = {name: np.log(size) / np.log(found.odds_ratio) for name, size in found.by_column.items()}
    told = 1 / np.sqrt(1 - 0.95**2)
    assert times == pytest.approx({"x": told, "z": told, "own": 1, "square": 1}, rel=0.05)


def test_what_a_column_that_another_tells_would_have_needed_is_said_of_it():
    rng = np.random.default_rng(5)
    x = rng.normal(size=3_000)
    frame = pd.DataFrame({"x": x, "z": x + 0.3 * rng.normal(size=3_000), "own": rng.random(3_000)})

    found = held(frame.assign(label=(rng.random(3_000) < 0.1).astype(int)), "label ~ x + z + own")

    said = by_heading(found)["Detectable"]
    assert said.startswith(f"an odds ratio of {found.detectable['own']:.3g} per sd would have been seen nine")
    assert "; of own it would put " in said
    assert said.endswith(f"takes more: {found.detectable['x']:.3g} of x and {found.detectable['z']:.3g} of z")


def test_of_a_column_and_its_copy_in_another_unit_no_number_of_rows_is_said_to_show_an_effect():
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"metres": rng.normal(size=2_000), "own": rng.random(2_000)})
    frame = frame.assign(feet=frame["metres"] / 0.3048, label=(rng.random(2_000) < 0.1).astype(int))

    found = held(frame, "label ~ metres + feet + own")
    pair = held(frame, "label ~ metres + feet")

    assert found.told == pair.told == ("metres", "feet")
    assert set(found.detectable) == {"own"}
    assert set(pair.detectable) == {"any"}
    for one in (found, pair):
        assert all(1 < size < 2 for size in one.detectable.values())
        said = by_heading(one)["Detectable"]
        assert said.endswith(
            "; of metres and feet, which other columns tell, no number of rows would show it"
        )
        assert one.advice[0] == "leave out one of metres and feet before their effects are read one by one"


@pytest.mark.parametrize(
    ("formula", "columns"),
    [
        ("label ~ scd_a * scd_b", set()),
        ("label ~ scd_a + I(scd_a**2) + scd_b", {"scd_b"}),
        ("label ~ scd_a + scd_b + (scd_a | attr_b)", {"scd_b"}),
        ("label ~ log(scd_b) + scd_a", {"log(scd_b)", "scd_a"}),
    ],
)
def test_only_a_slope_that_is_all_of_its_column_is_ruled_out(formula, columns):
    """Beside a product, a square or slopes of groups it is that of nobody in particular."""
    assert set(held(world("noise", 1_000), formula).excluded) == columns


def test_a_column_that_acts_through_a_product_alone_has_no_effect_on_the_average_row():
    found = held(world("product", 8_000), "label ~ scd_a * scd_b")

    assert found.clear == ("scd_a:scd_b",)


def test_an_effect_of_the_reference_alone_is_seen_as_one_of_any_other_level():
    found = held(world("level", 20_000), "label ~ scd_a + attr_b")

    assert found.clear[0] == "attr_b[a]"
    assert found.n_effects == 5


def test_groups_of_a_column_whose_rows_were_merged_show_where_the_form_fails():
    fitted = fitted_at_mode(world("bend", 3_000))
    left_out = compared_at_mode(fitted)
    compared = replace(left_out, nodes=fitted.problem.rows, continuous="scd_a")

    found = performance(compared, fitted.design.encoding, fitted)

    thirds = [one for one in found.groups if one.column == "scd_a"]
    assert found.merged == "scd_a"
    assert [one.n_rows for one in thirds] == [1_000, 1_000, 1_000]
    assert not any(one.observed[0] <= one.predicted <= one.observed[2] for one in thirds)
    assert sum(one.gain for one in thirds) == pytest.approx(found.gain, abs=1e-6)
    assert performance(compared, fitted.design.encoding).merged is None


def test_columns_made_of_the_seed_of_the_folds_are_no_wrong_form():
    """Dealt by those very numbers, the folds are alike in the column, and trees beat the truth itself."""
    rng = np.random.default_rng(1)
    x = rng.random(40_000)
    straight = 1 / (1 + np.exp(4 - 2 * x))

    found = held(pd.DataFrame({"x": x, "label": (rng.random(40_000) < straight).astype(int)}), "label ~ x")

    assert found.form == "holds"


def test_a_wave_is_bent_finely_and_what_no_pair_has_is_said_to_be_in_none():
    frame = world("noise", 20_000)
    wave = 1 / (1 + np.exp(2.3 - 0.6 * np.sin(10 * np.pi * frame["scd_a"])))
    rng = np.random.default_rng(8)
    three = pd.DataFrame(rng.integers(0, 2, (8_000, 3)), columns=["a", "b", "c"])
    odd = 1 / (1 + np.exp(1.5 - 1.5 * (three.sum(axis=1) % 2)))

    waved = held(frame.assign(label=(rng.random(20_000) < wave).astype(int)), "label ~ scd_a + scd_b")
    parity = held(three.assign(label=(rng.random(8_000) < odd).astype(int)), "label ~ a + b + c")

    assert waved.form_seen["suggestion"] == "bs(scd_a, df=15)"
    assert waved.sentences[0].endswith("most of it is in scd_a.")
    assert parity.sentences[0].endswith("it is in no bend of one column and in no pair of columns.")
    assert parity.advice == ("look at combinations of three columns before the model is used",)
