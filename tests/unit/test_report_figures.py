"""Every figure of the closing summary, of the model card and of diagnostics.json, read back."""

import json
import re
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from reports import AGREEMENT, MEASURED, SUMMARY, compared, report
from serving_cases import COMMON_FACTOR, predictor

from data_science.data.provenance import Provenance
from data_science.evaluation.performance import GroupPerformance, Performance
from data_science.formula.encoding import Encoding, Term
from data_science.formula.specification import ModelSpecification
from data_science.judgement.verdict import Verdict
from data_science.prediction.correction import Correction
from data_science.prediction.unseen import UnseenLevel
from data_science.report.card import card_json, model_card
from tests.held_verdicts import SEEN, verdict

IMPROVE = (
    "the features improve predictions: elpd difference 40.0 (SE 0.9) against 'intercept only' over 1,000 rows"
)
SAID = {
    "Data": "1,000 rows, 9.13% positive",
    "Model": "label ~ 1 + scd_a",
    "Compression": "1,000 rows → 20 nodes",
    "Engine": "nuts, 3 chains of 2,500 draws",
    "Convergence": (
        "worst r_hat 1.0071 (1|attr_a[3]), smallest ESS bulk 1,413, tail 813 (scd_b), 0 divergences, E-BFMI 0.88"
    ),
    "Features": f"{IMPROVE}; clear among 4 effects: scd_a; the overall rate is 9.1%",
    "Form": "the model's form holds, as far as boosted trees can see: they gain no more than chance does, -5.2 nats (SE 2.5) on 900 rows",
    "Detectable": (
        "an odds ratio of 1.65 per sd would have been seen nine times in ten; of scd_a it would put 16.4 "
        "positives into the best tenth of the rows, where a blind tenth has 9.1"
    ),
    "Ruled out": "odds ratios per sd of scd_a outside 1.04 to 1.23 are ruled out (95%)",
    "Advice": "use its probabilities with a threshold from your costs",
    "Plug-in": (
        "probabilities at the posterior means are off by up to 0.012 from those averaged over the posterior "
        '(tolerance 0.005), so labels use the corrected ones, which method="corrected" of predict_proba gives'
    ),
    "Wall time": "read 1.2 s, nuts 45.7 s",
    "Second opinion": (
        "nested Laplace agrees: posterior means differ most for 1|attr_b_sigma, by 0.031 sd or 2.7 Monte "
        "Carlo standard errors (limit 4.6)"
    ),
    "Notes": "One thing. Another.",
}
CARD = {
    "What it is": (
        "A Bayesian logistic regression, `label ~ 1 + scd_a`, that gives the probability of `churn`. It predicts 1 "
        "above a probability of 0.1, which minimises the expected cost.\n\n- Owner: the analysts\n- Made: 2026-11-29"
    ),
    "Verdict": "\n".join(
        f"- {SAID[heading][0].upper()}{SAID[heading][1:]}."
        for heading in ("Features", "Form", "Detectable", "Ruled out", "Advice")
    ),
    "Performance": (
        "Each row is predicted by leaving it out. Intervals are of 95 %, of scores two standard errors.\n\n"
        "| overall | measured | interval |\n| --- | ---: | ---: |\n"
        "| log score over intercept only, nats per 1,000 rows | 40.00 | 38.10 to 41.90 |\n"
        "| mean squared error of the probability (Brier score) | 0.0821 |  |\n"
        "| squared error saved over intercept only | 0.00123 | 0.00099 to 0.00147 |\n\n"
        "| group | rows | observed rate | predicted | nats (± 2 SE) |\n| --- | ---: | ---: | ---: | ---: |\n"
        "| `attr_b` `a` | 1,234 | 9.1% (7.5% to 10.9%) | 8.8% | -1.2 (6.8) |\n"
        "| `herd` `x\\|y` | 7 | 0.0% (0.0% to 29.2%) |  | 0.0 (0.2) |"
    ),
    "Calibration": (
        "Of models whose probabilities are right, 41.0% have a calibration curve at least as uneven as this one. A "
        "model that gives every row much the same probability passes this whatever it misses: read it beside the "
        "groups above."
    ),
    "Priors (per sd of the numeric columns)": (
        "- `Intercept`: Normal(mu=0, sigma=1.5)\n- `scd_a`: Normal(mu=0, sigma=1)"
    ),
    "Fit": (
        f"- Engine: {SAID['Engine']}\n"
        "- Convergence: worst r_hat 1.0071 (`1|attr_a[3]`), smallest ESS bulk 1,413, tail 813 (`scd_b`), "
        "0 divergences, E-BFMI 0.88\n"
        f"- Second opinion: {SAID['Second opinion'].replace('1|attr_b_sigma', '`1|attr_b_sigma`')}\n"
        f"- Notes: {SAID['Notes']}"
    ),
    "Effects (logit scale, per unit)": (
        "| effect | mean | 90 % interval |\n| --- | ---: | ---: |\n"
        "| `Intercept` | -2.345 | -2.567 to -2.134 |\n| `scd_a` | 0.06780 | -0.01230 to 0.1432 |"
    ),
    "Comparison (leave one row out)": (
        "| candidate | elpd_loo | from best (SE) | weight | largest k-hat |\n| --- | ---: | ---: | ---: | ---: |\n"
        "| `model` | -260.0 | 0.0 (0.0) | 0.81 | 0.61 |\n| `intercept only` | -300.0 | -40.0 (0.9) | 0.19 | 0.42 |\n\n"
        "elpd_loo adds up, in nats, the log probability that a fit without a row gives to that row's response: "
        "higher is better. Weight is the share in the best mixture of the candidates' predictions; where k-hat is "
        "above 0.7, a row's score is not reliable unless it was refitted.\n\n"
        "- 'model' has the highest elpd_loo: -260.0 (SE 2.5), 1,000 rows.\n"
        "- 'intercept only' is 40.0 (SE 0.9) below: it predicts worse, by more than the noise."
    ),
    "Numerical accuracy": f"P{SAID['Plug-in'][1:]}.",
}
FARES = Performance(
    1_000, 40.0, 0.949, (0.0821, 0.00123, 0.00012),
    (
        GroupPerformance("attr_b", "a", 1_234, (0.0751, 0.0912, 0.1094), 0.0876, -1.2, 3.4),
        GroupPerformance("herd", "x|y", 7, (0.0, 0.0, 0.2923), None, -0.0, 0.1),
    ),
)  # fmt: skip
REPORT = {"performance": FARES, "owner": "the analysts", "made": date(2026, 11, 29)}


def sections(card):
    title, *found = re.split(r"^## (.*)\n\n", card, flags=re.MULTILINE)
    assert title == "# Model card\n\n"
    return {heading: text.strip() for heading, text in zip(found[::2], found[1::2], strict=True)}


@pytest.mark.parametrize("heading", SAID)
def test_the_summary_says_every_figure_as_it_was_measured(heading):
    assert report().sentences[heading] == SAID[heading]


def test_what_there_is_nothing_to_say_of_has_no_heading():
    sentences = report(agreement=None, notes=()).sentences

    assert not sentences.keys() & {"Second opinion", "Notes"}
    assert sentences.keys() >= SAID.keys() - {"Second opinion", "Notes"}


def test_the_summary_is_printed_with_its_texts_below_each_other():
    lines = str(report()).splitlines()

    assert [line[:16].rstrip() for line in lines] == list(report().sentences)
    assert [line[16:] for line in lines] == list(report().sentences.values())


@pytest.mark.parametrize("heading", CARD)
def test_the_card_says_every_figure_as_it_was_measured(heading):
    assert sections(model_card(report(**REPORT)))[heading] == CARD[heading]


def test_the_card_says_whom_it_is_for_and_for_what_it_is_not_and_no_more_than_the_verdict_allows():
    helps, missed = (
        sections(model_card(report(verdict=held)))["Intended use"].splitlines()
        for held in (verdict(), verdict(form="wrong", form_seen=SEEN | {"gain": 99.0}))
    )

    assert [line.split(":")[0] for line in helps] == ["- Intended", "- Excluded"]
    assert missed[:2] == helps
    assert missed[2].startswith("- Excluded until the verdict is another one: decisions about single rows. ")
    assert "The model's form is wrong" in missed[2]


def test_what_was_not_stated_or_not_measured_is_said_to_be():
    card = sections(model_card(report(verdict=verdict(form_seen={}, form="not examined"))))

    assert "- Owner: not stated\n" in card["What it is"]
    assert re.search(r"- Made: \d{4}-\d\d-\d\d$", card["What it is"])
    assert card["Performance"] == "Not measured."
    assert card["Calibration"] == "The calibration curve was not examined."
    assert card["Data"].startswith("Where the rows come from was not stated when they were handed over.")


def test_the_card_of_a_database_says_where_each_table_comes_from():
    source = Provenance({"customer_profiles": "generated, seed 1", "labels": "generated, seed 1"})

    said = sections(model_card(report(source=source)))["Data"]

    assert "- `customer_profiles`: generated, seed 1\n- `labels`: generated, seed 1" in said


def test_the_card_for_machines_says_the_same_and_no_table_is_wider_than_a_page():
    made = report(**REPORT)
    card = json.loads(json.dumps(card_json(made), allow_nan=False))

    markdown = sections(model_card(made))
    assert list(card["sections"]) == list(markdown)
    for heading, parts in card["sections"].items():
        rest = markdown[heading]
        for part in parts:
            texts = [part["text"]] if "text" in part else part.get("list", [])
            rows = [part["table"]["columns"], *part["table"]["rows"]] if "table" in part else []
            for text in [*texts, *(cell.replace("|", r"\|") for row in rows for cell in row)]:
                assert text in rest
            assert all(len(row) <= 5 and sum(map(len, row)) <= 90 for row in rows)
    assert {"Intended use", "Limits", "When to retrain", "How to roll back"} <= card["sections"].keys()


def test_the_card_says_what_it_was_trained_on():
    said = sections(model_card(report()))["Data"]

    for part in ("1,000 rows, 9.1% positive", "fingerprint `f1a9e5`", "1,000 rows → 20 nodes."):
        assert part in said


def test_priors_are_per_unit_where_nothing_is_standardized():
    plain = report(specification=ModelSpecification("label ~ 1 + scd_a", standardize=False))

    assert "Priors (per unit)" in sections(model_card(plain))


@pytest.mark.parametrize(("n_effects", "left_out"), [(60, None), (61, "1 more"), (75, "15 more")])
def test_the_card_lists_sixty_effects_and_counts_the_others(n_effects, left_out):
    summary = pd.concat([SUMMARY.head(1)] * n_effects)

    shown = sections(model_card(report(summary=summary)))["Effects (logit scale, per unit)"]

    assert shown.count("`Intercept`") == 60
    assert ("more in diagnostics.json" in shown) == (left_out is not None)
    if left_out:
        assert shown.endswith(f"\n\n{left_out} in diagnostics.json.")


def test_what_an_engine_does_not_measure_is_left_out_and_the_rest_is_said():
    measured = replace(MEASURED, n_divergences=None, bfmi_min=None, khat=0.456)

    assert report(measured=measured).sentences["Convergence"].endswith("tail 813 (scd_b), k-hat 0.46")
    assert (
        report(measured=replace(MEASURED, n_divergences=7))
        .sentences["Convergence"]
        .endswith("7 divergences, E-BFMI 0.88")
    )


def test_the_plug_in_is_said_to_do_where_its_gap_is_small_or_was_not_measured():
    small = replace(predictor(), correction=Correction(0.0049, 0.005, np.eye(12)))

    said = report(predictor=small).sentences["Plug-in"]
    assert "off by up to 0.0049 from" in said
    assert said.endswith("(tolerance 0.005), so they are used as they are")
    assert (
        report(predictor=predictor())
        .sentences["Plug-in"]
        .endswith("were not compared with averages over the posterior")
    )


@pytest.mark.parametrize(
    ("of_a", "given"),
    [
        (
            UnseenLevel(0.11, 0.14),
            "the odds differ by more than 10% for attr_a, so rows with any unseen level get the average, and "
            "their labels follow it",
        ),
        (
            UnseenLevel(0.11, 0.112),
            "the odds differ by at most 10%, so predict_proba gives the first, and the average "
            'with method="posterior"',
        ),
    ],
    ids=["far", "near"],
)
def test_what_an_unseen_level_gets_is_said_with_the_columns_that_decide_it(of_a, given):
    levels = {"attr_a": of_a, "attr_b": UnseenLevel(0.12, 0.12)}
    made = report(predictor=replace(predictor(), unseen_levels=levels))

    said = made.sentences["Unseen levels"]

    assert said == (
        "with an unseen level of attr_a the mean probability is 0.11 if it has no effect and "
        f"{of_a.averaged:.2g} averaged over the effects that it may have; with one of attr_b, 0.12 and 0.12; "
        f"{given}"
    )
    assert f" W{said[1:]}." in sections(model_card(made))["Limits"]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (predictor(Encoding((Term("Intercept"), Term("x", ("x",))))), ""),
        (predictor(), "An unseen group gets the population effect. "),
        (predictor(unseen="refuse"), "An unseen level of `attr_a` and `attr_b` is refused. "),
        (
            predictor(COMMON_FACTOR),
            "An unseen group gets the population effect. An unseen level of `attr_b` is refused. ",
        ),
    ],
    ids=["no levels", "groups", "all refused", "a common effect"],
)
def test_the_card_names_the_columns_whose_unseen_levels_are_refused_and_only_those(model, said):
    limits = sections(model_card(report(predictor=model)))["Limits"]

    assert limits.endswith(f"not how later ones will be predicted. {said}".strip())


def test_diagnostics_hold_every_measurement_with_json_types():
    found = json.loads(json.dumps(report().to_json(), allow_nan=False))

    assert found["diagnostics"] == json.loads(json.dumps(MEASURED.to_json()))
    assert found["agreement"] == AGREEMENT.to_json()
    assert found["sentences"] == report().sentences
    assert found["seconds"] == {"read": 1.23, "nuts": 45.67}
    assert found["summary"] == SUMMARY.reset_index().to_dict(orient="records")
    comparison = found["comparison"]
    assert comparison["against"] == "intercept only"
    assert comparison["elpd_diff"] == pytest.approx(40.0)
    assert comparison["se_diff"] == pytest.approx(30 / 999**0.5, rel=1e-9)
    assert comparison["is_noise"] is False
    assert comparison["sentence"] == SAID["Features"]
    assert Verdict.from_json(found["verdict"]) == report().verdict
    assert [row["candidate"] for row in comparison["candidates"]] == ["model", "intercept only"]
    assert comparison["candidates"][1]["elpd_diff"] == pytest.approx(-40.0)


def test_diagnostics_say_when_there_was_no_second_opinion_and_when_the_gain_is_noise():
    found = report(agreement=None, comparison=compared(1.0, 0.3)).to_json()

    assert found["agreement"] is None
    assert found["comparison"]["is_noise"] is True
