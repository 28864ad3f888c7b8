"""The verdict is a function of what was measured, and every sentence of it is read off a field."""

import json
import re
from dataclasses import replace
from statistics import NormalDist

import pytest

from data_science.evaluation.evidence import (
    Gain,
    LabelsEvidence,
    standard_errors,
)
from data_science.judgement.verdict import Verdict, decide
from data_science.report.verdict import by_heading, phrased, rate, trouble
from tests.held_verdicts import (
    CLEAR,
    HOLDS,
    NONE,
    SEEN,
    STRONG,
    WEAK,
    WRONG,
    every_verdict,
    evidence,
    verdict,
)


@pytest.mark.parametrize(
    ("gain", "effects", "power", "features"),
    [
        (Gain(11.4, 5.6), NONE, WEAK, "add"),
        (Gain(11.4, 5.8), NONE, STRONG, "nothing found"),
        (Gain(3.9, 0.5), NONE, STRONG, "nothing found"),
        (Gain(0.5, 5.0), CLEAR, WEAK, "add"),
        (Gain(-0.5, 5.0), CLEAR, STRONG, "nothing found"),
        (Gain(-0.5, 5.0), CLEAR, WEAK, "undecided"),
        (Gain(-2.0, 1.5), NONE, WEAK, "undecided"),
        (Gain(float("nan"), 1.5), CLEAR, STRONG, "nothing found"),
    ],
)
def test_features_add_by_a_clear_gain_or_a_clear_effect_and_only_data_that_could_say_no(
    gain, effects, power, features
):
    assert decide(evidence(gain=gain, effects=effects, power=power)).features == features


@pytest.mark.parametrize(
    ("measured", "form"),
    [
        (None, "not examined"),
        (HOLDS, "holds"),
        (WRONG, "wrong"),
        (replace(HOLDS, gain=Gain(3.9, 0.1)), "holds"),
        (replace(HOLDS, gain=Gain(40.0, 21.0)), "holds"),
        (replace(HOLDS, miscalibrated=0.002), "wrong"),
        (replace(HOLDS, miscalibrated=None), "holds"),
        (replace(HOLDS, gain=Gain(float("nan"), 1.0)), "holds"),
        (replace(HOLDS, unseen=("shop",)), "not examined"),
        (replace(WRONG, unseen=("shop",)), "wrong"),
        (replace(HOLDS, dispersion=(1.5, 0.002)), "wrong"),
        (replace(HOLDS, dispersion=(1.5, 0.004)), "holds"),
    ],
)
def test_the_form_is_wrong_by_a_clear_gain_of_another_learner_or_by_its_calibration(measured, form):
    assert decide(evidence(form=measured)).form == form


@pytest.mark.parametrize(
    ("gain", "n_candidates", "features"),
    [(Gain(10.1, 5.0), 1, "add"), (Gain(10.1, 5.0), 2, "nothing found"), (Gain(13.2, 5.0), 5, "add")],
)
def test_the_best_of_several_candidates_must_be_farther_from_chance(gain, n_candidates, features):
    made = phrased(decide(evidence(gain=gain), n_candidates=n_candidates))

    assert (made.features, made.n_candidates) == (features, n_candidates)
    said = f"the best of {n_candidates} candidates, which the limit allows for"
    assert (said in by_heading(made)["Features"]) == (n_candidates > 1)


def test_of_several_looks_any_one_may_be_far_out_as_often_as_of_one():
    alone, of_seven = (NormalDist().cdf(-standard_errors(n)) for n in (1, 7))

    assert standard_errors(1) == pytest.approx(2)
    assert 7 * of_seven == pytest.approx(alone)


def test_rows_that_no_importance_sampling_leaves_out_are_counted():
    said = by_heading(verdict(n_refitted=1, n_khat_high=12))["Features"]

    assert "(1 row left out by refitting; 12 rows of high k-hat, whose scores are not reliable)" in said


def test_every_figure_that_was_measured_is_in_the_verdict_under_its_own_name():
    measured = evidence(leaks=("copied",), n_khat_high=7, offsets=("known",), effects=CLEAR, form=WRONG)

    found = decide(measured, {"labels": "generated"}, n_candidates=3)

    assert (found.elpd_diff, found.se_diff) == (-2.0, 1.5)
    assert (found.n_rows, found.rate, found.n_rarer) == (1_000, 0.1, 100.0)
    assert (found.n_effects, found.n_candidates, found.n_khat_high) == (11, 3, 7)
    assert (found.clear, found.excluded) == (("scd_a",), {"scd_a": (1.1, 1.3)})
    assert (found.detectable, found.detectable_top_tenth) == ({"scd_a": 1.09}, {"scd_a": (12.0, 9.0)})
    assert (found.leaks, found.offsets, found.provenance) == (
        ("copied",),
        ("known",),
        {"labels": "generated"},
    )
    assert found.form_seen == {
        "gain": 768.0, "gain_se": 39.0, "n_rows": 1_000, "calibration": 0.4, "worst_column": ["scd_a"],
        "worst_gain": 770.0, "suggestion": "bs(scd_a, df=5)", "unseen": [],
    }  # fmt: skip


def test_every_verdict_survives_json_and_says_what_its_fields_say():
    for made in every_verdict():
        assert Verdict.from_json(json.loads(json.dumps(made.to_json(), allow_nan=False))) == made
        said = by_heading(made)
        assert made.sentences == tuple(f"{text[0].upper()}{text[1:]}." for text in said.values())
        assert ("improve predictions" in said["Features"]) == (made.features == "add")
        assert said["Form"].startswith(
            {
                "wrong": "the model's form is wrong",
                "holds": "the model's form holds",
                "not examined": "the model's form was not examined",
            }[made.form]
        )
        first = "Warning" if made.leaks else "Form" if made.form == "wrong" else "Features"
        assert next(iter(said)) == first
        assert list(trouble(made)) == ["Warning"] * bool(made.leaks) + ["Form"] * (made.form == "wrong")
        recommended = [advice for advice in made.advice if advice.startswith("use ")]
        assert not recommended or made.form != "wrong"
        assert not any("its probabilities" in advice for advice in recommended) or not made.leaks
        assert made.advice


def test_every_number_of_a_sentence_is_that_of_a_field():
    made = verdict(
        features="nothing found", elpd_diff=-3.5, se_diff=1.25, clear=(), rate=0.0005, n_rarer=5.0,
        form="wrong", form_seen=SEEN | {"gain": 768.25, "gain_se": 39.0, "worst_column": ["scd_a", "scd_b"]},
    )  # fmt: skip

    numbers = re.findall(r"\d[\d,]*(?:\.\d+)?", " ".join(made.sentences))

    known = {
        "768.2",
        "39.0",
        "900",
        "3.5",
        "1.2",
        "1,000",
        "0.050",
        "1.65",
        "16.4",
        "9.1",
        "1.04",
        "1.23",
        "95",
        "1",
        "4",
    }
    assert set(numbers) <= known
    assert "no more than unused parameters may cost" in " ".join(made.sentences)


@pytest.mark.parametrize(
    ("changes", "is_said"),
    [
        ({"features": "undecided"}, True),
        ({"features": "nothing found"}, True),
        ({"features": "undecided", "excluded": {"scd_a": (0.81, 1.19)}}, False),
        ({"features": "undecided", "n_effects": 1}, False),
        ({"features": "add", "clear": ("scd_a",)}, False),
        ({"features": "add", "clear": ("g = a",)}, True),
    ],
)
def test_an_interval_without_one_does_not_contradict_a_verdict_that_found_nothing(changes, is_said):
    said = by_heading(verdict(**{"clear": (), **changes}))["Ruled out"]

    assert said.endswith("; that 1 is outside for scd_a may be chance among 4 effects") is is_said


def test_an_interval_that_all_but_touches_one_says_on_which_side_it_ends():
    said = by_heading(verdict(features="nothing found", clear=(), excluded={"scd_a": (1.0012, 1.0414)}))

    assert "odds ratios per sd of scd_a outside 1.0012 to 1.04 are ruled out" in said["Ruled out"]


def test_nothing_is_not_said_to_be_less_than_nothing():
    made = verdict(features="undecided", elpd_diff=-0.02, form_seen=SEEN | {"gain": -0.04})

    assert "-0.0" not in " ".join(made.sentences)


@pytest.mark.parametrize(("nats", "part"), [(384.0, "most"), (383.0, "a part")])
def test_a_column_has_most_of_what_is_missed_only_from_half_of_it_on(nats, part):
    form = replace(WRONG, missed_gain=nats)

    said = phrased(decide(evidence(form=form))).sentences[0]

    assert said.endswith(f"; {part} of it is in scd_a.")


def test_a_small_rate_is_not_rounded_away():
    assert [rate(share) for share in (0.0913, 0.5, 0.0005, 0.00098, 0.00001)] == [
        "9.1%", "50.0%", "0.050%", "0.098%", "0.0010%",
    ]  # fmt: skip


def test_what_would_have_to_be_is_asked_for_where_the_data_could_not_say():
    made = phrased(decide(evidence(power=WEAK)))

    (advice,) = made.advice
    assert advice == "ask again with about 10,000 rows, which would show an odds ratio of 1.2"


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (
            (0.5, 0.07, 0.115),
            " (at the present one, 50.0%, every row that was fitted is labelled 0: none has more than 11.5%)",
        ),
        (
            (0.1, 0.12, 0.3),
            " (at the present one, 10.0%, every row that was fitted is labelled 1: none has less than 12.0%)",
        ),
        ((0.1, 0.07, 0.115), ""),
    ],
)
def test_a_threshold_that_no_row_reaches_or_all_do_is_said_beside_the_advice_to_set_it(labels, said):
    made = phrased(decide(evidence(gain=Gain(20.0, 4.0), labels=LabelsEvidence(*labels))))

    assert made.advice == (f"use its probabilities with a threshold from your costs{said}",)
    assert made.labels == dict(zip(("threshold", "lowest", "highest"), labels, strict=True))


@pytest.mark.parametrize(("elpd", "is_said"), [(7.9, True), (8.9, False), (3.9, True)])
def test_a_gain_that_alone_could_be_chance_is_not_left_to_contradict_the_effect_that_is_clear(elpd, is_said):
    said = by_heading(verdict(elpd_diff=elpd, se_diff=4.4 if elpd > 4 else 1.0))["Features"]

    assert (", which alone could be chance; clear among 4 effects: scd_a" in said) is is_said


def test_a_detectable_effect_of_very_many_rows_does_not_read_as_none():
    said = by_heading(verdict(detectable={"scd_a": 1.0042}, detectable_top_tenth={}))["Detectable"]

    assert said == "an odds ratio of 1.0042 per sd would have been seen nine times in ten"


def test_levels_alone_are_detected_by_halves_of_the_rows():
    said = by_heading(verdict(detectable={"any": 1.5}, detectable_top_tenth={}, excluded={}))["Detectable"]

    assert said == (
        "an odds ratio of 1.5 per sd, 2.25 between two halves of the rows, would have been seen nine times in ten"
    )


def test_the_sources_of_the_rows_are_part_of_the_verdict():
    assert decide(evidence(), {"labels": "generated, seed 1"}).provenance == {"labels": "generated, seed 1"}
