"""The verdict on tables whose truth is known: its fields, and what it says and does not say."""

import re
from collections import Counter
from dataclasses import replace

import pytest

from data_science import ModelSpecification, compare, pipeline
from data_science.engines.registry import FitSettings
from data_science.judgement.verdict import Verdict
from data_science.storage.artifact import load
from tests.trust.known_tables import world

QUICK = FitSettings(engine="nested-laplace", draws=250, second_opinion=False)


def verdict_on(kind, n_rows, seed=1, settings=QUICK):
    return pipeline.fit(world(kind, n_rows, seed), settings=replace(settings, seed=seed)).report.verdict


WORLDS = {  # what must be said of each; `-s` prints every sentence
    ("noise", 500): ("undecided", "not examined"),
    ("noise", 5_000): ("undecided", "holds"),
    ("signal", 300): ("undecided", "not examined"),
    ("signal", 500): ("add", "holds"),
    ("noise", 30_000): ("nothing found", "holds"),
    ("noise", 150_000): ("nothing found", "holds"),
    ("signal", 150_000): ("add", "holds"),
    ("even", 5_000): ("nothing found", "holds"),
    ("rare", 30_000): ("undecided", "not examined"),
    ("five", 10_000): ("undecided", "not examined"),
    ("slight", 30_000): ("add", "holds"),
    ("level", 30_000): ("add", "holds"),
    ("tail", 30_000): ("add", "wrong"),
    ("bend", 30_000): ("nothing found", "wrong"),
    ("product", 30_000): ("nothing found", "wrong"),
}
CARRIED = {"bend": ["scd_a"], "tail": ["scd_a"], "product": ["scd_a", "scd_b"]}


def check(kind, n_rows, expected):
    found = verdict_on(kind, n_rows)
    said = " ".join(found.sentences)
    print(f"\n{kind}, {n_rows:,} rows: {found.features}, form {found.form}", *found.sentences, sep="\n- ")

    assert (found.features, found.form) == expected, said
    assert found.leaks == ()
    if found.form == "wrong":
        assert found.form_seen["worst_column"] == CARRIED[kind]
        assert found.sentences[0].startswith("The model's form is wrong")
        assert all(column in found.sentences[0] for column in CARRIED[kind])
        assert "overall rate" not in " ".join(found.advice)  # who has the wrong form is not told to give up
    else:
        assert re.match("The features improve|Undecided|Nothing was found", found.sentences[0])
    assert ("improve predictions" in said) == (expected[0] == "add")


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "n_rows"), WORLDS)
def test_a_world_is_judged_as_what_it_is(kind, n_rows):
    check(kind, n_rows, WORLDS[kind, n_rows])


def test_the_job_says_that_the_form_is_wrong_and_so_does_all_that_is_stored(caplog, tmp_path):
    fit = pipeline.fit(world("bend", 2_500), settings=QUICK)

    first, *_ = fit.report.verdict.sentences
    assert re.match(r"The model's form is wrong: .* most of it is in scd_a\.$", first)
    assert first[1:-1] in caplog.text
    assert str(fit.report).startswith("Form")
    stored = load(fit.save(tmp_path))
    assert Verdict.from_json(stored.diagnostics["verdict"]) == fit.report.verdict
    card = (stored.path / "model_card.md").read_text(encoding="utf-8")
    assert f"## Verdict\n\n- {first}\n" in card
    thirds = [one for one in fit.report.performance.groups if one.column == "scd_a"]
    outside = [not one.observed[0] <= one.predicted <= one.observed[2] for one in thirds]
    assert outside == [True, True, True]  # the card shows where the form fails, by group
    assert card.count("| `scd_a` `") == 3
    assert sum(one.n_rows for one in thirds) == 2_500


#: World → what has to be added for the form to hold.
MENDED = {
    "bend": {"bs(scd_a, df=5)"},
    "product": {"scd_a:scd_b"},
    "bend and product": {"bs(scd_a, df=5)", "scd_a:scd_b"},
    "wave": {"bs(scd_a, df=15)"},
    "slopes": {"(scd_a | attr_b)"},
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", MENDED)
def test_what_a_failed_check_proposes_is_fitted_and_the_winner_is_checked(kind):
    lines = ModelSpecification()

    found = compare([ModelSpecification("label ~ 1"), lines], world(kind, 20_000))

    print(f"\n{kind}:", *found.sentences, sep="\n- ")
    first, *_ = found.proposed
    assert found.proposed[first] == lines.formula
    assert found.judged == found.names[0] == [*found.proposed][-1]
    assert all(term in found.judged for term in MENDED[kind])
    assert len(found.proposed) == len(MENDED[kind])
    assert (found.verdict.features, found.verdict.form) == ("add", "holds")
    assert found.verdict.n_candidates == 2 + len(MENDED[kind])


@pytest.mark.slow
def test_a_column_that_was_recorded_after_the_label_is_named_and_the_model_not_recommended(caplog):
    found = verdict_on("leak", 1_500)

    assert found.leaks == ("scd_a",)
    assert found.sentences[0] == "Too good to be true: scd_a alone all but determines the response."
    assert not any(advice.startswith("use ") for advice in found.advice)
    assert "too good to be true" in caplog.text


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("kind", "n_rows", "n_seeds"), [("noise", 5_000, 100), ("signal", 2_000, 100)])
def test_a_form_that_holds_is_seldom_called_wrong(kind, n_rows, n_seeds):
    """At most 5 % are: of 100 more than 12 would be in less than one in a thousand."""
    found = [verdict_on(kind, n_rows, seed) for seed in range(n_seeds)]

    wrong = sum(verdict.form == "wrong" for verdict in found)
    print(f"{kind}, {n_rows} rows: {wrong} of {n_seeds} called wrong")
    assert wrong <= 12
    if kind == "noise":
        assert sum(verdict.features == "add" for verdict in found) <= 12


#: World, rows → how many of 100 seeds must say "add": of 37 and 86 that did, fewer would in one run of a thousand.
POWER = {("signal", 500): 22, ("signal", 1_000): 74}


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("kind", "n_rows"), POWER)
def test_a_signal_is_seldom_missed_and_never_denied_where_the_data_could_not_know(kind, n_rows):
    found = [verdict_on(kind, n_rows, seed) for seed in range(100)]

    said = Counter(verdict.features for verdict in found)
    smallest = max(found[0].detectable.values())
    print(
        f"{kind}, {n_rows:,} rows: {dict(said)} of 100; detectable from an odds ratio of {smallest:.2f} per sd"
    )
    assert said["add"] >= POWER[kind, n_rows]
    assert said["nothing found"] == 0
