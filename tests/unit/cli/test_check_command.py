"""`data-science check` on a stored model set by hand, and that the MLE team's question gets the same reference."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from machine_learning_engineering.drift import Histogram as TheirHistogram
from machine_learning_engineering.effects import jensen_shannon_distance
from machine_learning_engineering.effects import rate_gap as their_rate_gap
from machine_learning_engineering.effects import score_shortfall as their_shortfall
from machine_learning_engineering.prediction_log import PredictionLog
from machine_learning_engineering.records import Prediction
from saved_models import save
from serving_cases import predictor

from data_science import BayesianLogitModel
from data_science.cli import check as checking
from data_science.cli import command
from data_science.storage.references import REFERENCE
from data_science.watch import effects
from data_science.watch.histograms import Histogram
from data_science.watch.reference import MOST_ROWS, Reference

MODEL = predictor(sd=0.01)
NAMES = ("attr_a", "attr_b", "scd_a", "scd_b")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(monkeypatch, tmp_path, as_it_was):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODEL_FOLDER", raising=False)


def rows(n, seed=1, power=1.0):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "idx": np.arange(n),
            "attr_a": random.integers(1, 6, n),
            "attr_b": random.choice(list("abcd"), n),
            "scd_a": random.random(n) ** power,
            "scd_b": random.integers(1, 6, n),
        }
    )
    return frame.assign(label=(random.random(n) < MODEL.predict_proba(frame)).astype(int))


STORED = Reference.learn(MODEL, rows(20_000, seed=9)).to_json()


@pytest.fixture
def stored():
    """A version with a reference."""
    return save("models", MODEL, writers={REFERENCE: lambda path: path.write_text(json.dumps(STORED))})


def check(capfdbinary, *options):
    code = command.main(["check", *options, "--json"])
    out, err = capfdbinary.readouterr()
    return code, (json.loads(out) if out else err.decode())


def verdicts(found, about):
    return {one["what"]: one["verdict"] for one in found["findings"] if one["about"] == about}


def test_rows_like_those_of_training_are_steady_and_without_labels_it_says_what_that_leaves_open(
    stored, capfdbinary
):
    rows(3_000).drop(columns="label").to_csv("new.csv", index=False)

    code, found = check(capfdbinary, "new.csv")

    assert (code, found["outcome"], found["version"]) == (0, "steady", [stored.name])
    assert set(verdicts(found, "inputs").values()) == {"within"}
    assert "Without labels nobody can see" in found["advice"]


def test_inputs_that_moved_are_no_effect_while_the_labels_say_that_the_answers_are_right(stored, capfdbinary):
    moved = rows(20_000, power=3.0)
    moved.to_csv("new.csv", index=False)

    code, found = check(capfdbinary, "new.csv", "--score", "0.05", "--rate", "0.05")

    assert verdicts(found, "inputs")["scd_a"] == "beyond"
    assert (code, found["outcome"]) == (0, "moved without effect")
    moved.assign(label=1 - moved["label"]).to_csv("wrong.csv", index=False)
    assert check(capfdbinary, "wrong.csv")[0] == 10


def test_trials_of_a_row_are_as_many_labels_of_its_client(capfdbinary):
    about = {"specification": {"formula": "p(hits, n) ~ scd_a"}}
    save("models", MODEL, provenance=about)
    frame = rows(400).drop(columns="label")
    n = np.arange(400) % 4 + 1
    hits = np.random.default_rng(2).binomial(n, MODEL.predict_proba(frame))
    frame.assign(hits=hits, n=n).to_csv("trials.csv", index=False)
    each = np.concatenate([np.arange(trials) < y for trials, y in zip(n, hits, strict=True)])
    frame.loc[frame.index.repeat(n)].assign(hits=each.astype(int), n=1).to_csv("labels.csv", index=False)

    of_trials, of_labels = (check(capfdbinary, name)[1] for name in ("trials.csv", "labels.csv"))

    assert of_trials["labelled"] == n.sum()
    for trials, labels in zip(of_trials["findings"], of_labels["findings"], strict=True):
        for name in ("value", "lower", "upper"):
            assert trials.pop(name) == pytest.approx(labels.pop(name), rel=1e-9)
        assert trials == labels


def test_few_rows_are_not_enough(stored, capfdbinary):
    rows(150).to_csv("new.csv", index=False)

    code, found = check(capfdbinary, "new.csv")

    assert (code, found["outcome"]) == (11, "not enough")
    assert "at least 200 are needed" in found["findings"][0]["sentence"]


def test_a_version_from_before_references_says_that_inputs_cannot_be_compared(capfdbinary):
    save("models", MODEL)
    rows(500).to_csv("new.csv", index=False)

    code, found = check(capfdbinary, "new.csv")

    assert (code, found["outcome"]) == (11, "not enough")
    assert "stores no reference" in found["advice"]
    model = BayesianLogitModel()
    model.load("models")
    assert model.input_reference() is None


def test_the_log_is_judged_by_what_was_answered_and_says_what_it_could_not_use(stored, capfdbinary, tmp_path):
    frame, start = rows(2_000), datetime(2026, 11, 20, tzinfo=UTC)
    with PredictionLog(tmp_path / "log") as log:
        for row in frame.head(300).to_dict("records"):
            at = start + timedelta(seconds=row["idx"])
            features = {name: row[name] for name in NAMES}
            version = stored.name if row["idx"] % 2 else "older"
            log.append(Prediction(row["idx"], 0, features, 0.9, version, at, request_id="r"))
        log.append(Prediction(5_000, 0, {"attr_a": 1}, 0.9, stored.name, start))
    (log_file,) = (tmp_path / "log").glob("*.jsonl")
    log_file.write_bytes(log_file.read_bytes() + b"torn")
    known = pd.DataFrame({"idx": [*range(290), 7_777], "label": 0, "known_at": "2026-11-20T00:00:10Z"})
    known.loc[100:, "known_at"] = "2026-11-22"
    unknown = pd.DataFrame({"idx": [3, 3], "label": [None, None], "known_at": [None, None]})
    pd.concat([known.astype(object), unknown]).to_csv("labels.csv", index=False)

    code, found = check(capfdbinary, "--log", "log", "--labels", "labels.csv")

    assert code == 10
    assert found["clients"] == 300
    assert found["labelled"] == 200  # 10 to come after the first ten seconds' labels, and 190 known later
    assert found["record"] == {
        "skipped lines": 1, "unreadable": 1, "answered by other versions": 150,
        "labels of clients not in the log": 1,
    }  # fmt: skip
    assert check(capfdbinary, "--log", "log", "--since", "1h")[0] == 3


def test_a_check_that_repeats_goes_on_after_a_fault_and_writes_its_metrics(stored, capfdbinary, monkeypatch):
    slept, codes = [], []

    def sleep(seconds):
        slept.append(seconds)
        codes.append(Path("check.prom").read_text().partition('code{verb="check"} ')[2].partition("\n")[0])
        if len(slept) == 1:
            rows(500).to_csv("new.csv", index=False)
        else:
            raise KeyboardInterrupt

    monkeypatch.setattr(checking.time, "sleep", sleep)

    code = command.main(["check", "new.csv", "--every", "36h", "--metrics", "check.prom"])

    assert code == 130
    assert (slept, codes) == ([36 * 3_600] * 2, ["3", "11"])
    written = Path("check.prom").read_text()
    assert 'data_science_check_distance{column="scd_a"}' in written


@pytest.mark.parametrize(
    "options",
    [
        (), ("new.csv", "--log", "log"), ("new.csv", "--since", "7d"), ("--log", "log", "--since", "week"),
        ("new.csv", "--distance", "0"), ("new.csv", "--every", "0d"), ("--log", "nowhere"),
        ("new.csv", "--every", "999999d"), ("--log", "log", "--since", "999999d"), ("-", "--every", "1d"),
        ("--log", "log", "--by", "idx"),
    ],
)  # fmt: skip
def test_options_that_make_no_check_are_refused(stored, capfdbinary, options):
    rows(10).to_csv("new.csv", index=False)

    code, said = check(capfdbinary, *options)

    assert code in (2, 3)
    assert "expected" in said


def test_the_mle_teams_question_uses_the_reference_of_training(stored, monkeypatch, tmp_path):
    monkeypatch.setenv("MLE_STORAGE", str(tmp_path / "log"))
    model = BayesianLogitModel()
    model.load("models")
    for row in rows(250, power=8.0).to_dict("records"):
        model.log_to_storage(row["idx"], 0, {name: row[name] for name in (*NAMES, "label")}, probability=0.2)

    decision = model.trigger_retraining({})
    model.prediction_log.close()

    assert decision.should_retrain
    assert [finding.about for finding in decision.findings] == [
        "log score", *(f"input {name}" for name in sorted(STORED["columns"], key=[*STORED["columns"]].index))
    ]  # fmt: skip
    assert "input label" not in str(decision.findings)
    assert not list((tmp_path / "log").glob("reference-*"))


def test_figures_are_those_of_the_mle_teams_package():
    random = np.random.default_rng(3)
    p, client = random.uniform(0.01, 0.9, 500), random.integers(0, 80, 500)
    y = (random.random(500) < p).astype(float)
    ours, theirs = effects.score_shortfall(p, y, client, 0.9), their_shortfall(p, y, client, 0.9)
    assert (ours.lower, ours.upper) == pytest.approx((theirs.lower, theirs.upper), rel=1e-12)
    ours, theirs = effects.rate_gap(p, y, client, 0.9), their_rate_gap(p, y, client, 0.9)
    assert (ours.lower, ours.upper) == pytest.approx((theirs.lower, theirs.upper), rel=1e-12)
    then, now = random.integers(0, 90, 12).astype(float), random.integers(0, 90, 12).astype(float)
    ours, theirs = effects.distance(then, now, 0.9), jensen_shannon_distance(then, now, 0.9)
    assert (ours.value, ours.upper) == pytest.approx((theirs.value, theirs.upper), rel=1e-12)


@pytest.mark.parametrize(
    "values",
    [
        [1, 1.0, "1", "c ", "c", None, float("nan"), "3", 3],
        list(range(300)),
        [True, False, True],
        [f"level {i}" for i in range(60) for _ in range(60 - i)],
        [-0.5, *[0.25] * 50, *np.arange(40) / 8],
    ],
    ids=["mixed", "numbers", "truth values", "many levels", "ties"],
)
def test_cells_are_those_of_the_mle_teams_package(values):
    column = pd.Series(values)
    ours, theirs = Histogram.learn(column), TheirHistogram.learn(values)
    other = [*values[::2], "unheard of", None, -99.0, 1e9]

    assert ours.edges == theirs.edges
    assert dict(zip(ours.levels, ours.counts, strict=False)) == dict(
        zip(theirs.levels, theirs.counts, strict=False)
    )
    assert sum(ours.counts) == len(values)
    assert sorted(ours.count(pd.Series(other, dtype=object))) == sorted(theirs.count(other))
    assert ours.count(column).tolist() == list(ours.counts)


def test_of_a_large_table_a_sample_is_counted():
    frame = rows(MOST_ROWS + 5_000)

    found = Reference.learn(MODEL, frame)

    assert found.n_rows == MOST_ROWS
    assert Reference.from_json(json.loads(json.dumps(found.to_json()))) == found
    with pytest.raises(ValueError, match="format 9"):
        Reference.from_json({"format": 9})
    with pytest.raises(ValueError, match="incomplete"):
        Reference.from_json({"format": 1})
