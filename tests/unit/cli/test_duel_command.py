"""`data-science duel` on two stored models set by hand."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from saved_models import save
from serving_cases import predictor

from data_science.cli import command
from data_science.prediction.predictor import Predictor
from data_science.storage.registry import Registry

TRAINED = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(monkeypatch, tmp_path, as_it_was):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODEL_FOLDER", raising=False)


def off(model, by):
    """The same model with every log odds off by so much."""
    shift = np.zeros(len(model.coefficients))
    shift[0] = by
    return Predictor(
        model.encoding,
        model.coefficients + shift,
        model.draws + shift,
        model.group_sd_draws,
        response="label",
    )


@pytest.fixture
def truth():
    """A right model that waits, beside a wrong one that serves."""
    right = predictor(sd=0.01)
    save("models", off(right, 0.8), now=TRAINED)
    save("models", right, now=TRAINED + timedelta(days=1), role="candidate")
    return right


def labelled(model, n, first=0, seed=1):
    random = np.random.default_rng([seed, first])
    frame = pd.DataFrame(
        {
            "idx": np.arange(n) + first,
            "attr_a": random.integers(1, 6, n),
            "attr_b": random.choice(list("abcd"), n),
            "scd_a": random.random(n),
            "scd_b": random.integers(1, 6, n),
        }
    )
    return frame.assign(label=(random.random(n) < model.predict_proba(frame)).astype(int))


def duel(capfdbinary, *options):
    code = command.main(["duel", *options, "--json"])
    out, err = capfdbinary.readouterr()
    return code, (json.loads(out) if out else err.decode())


def test_a_better_candidate_is_promoted_and_the_history_has_the_evidence(truth, capfdbinary):
    labelled(truth, 2_000).to_csv("labels.csv", index=False)

    code, found = duel(capfdbinary, "labels.csv", "--apply")

    assert (code, found["outcome"], found["applied"]) == (0, "promote", True)
    assert (found["clients"], found["looks"]) == (2_000, 1)
    assert 0 < found["log_score"]["lower"] < found["log_score"]["mean"] < found["log_score"]["upper"]
    registry = Registry("models")
    assert registry.roles().champion == found["candidate"]
    line = registry.history()[-1]
    assert (line["verb"], line["why"]) == ("promote", "duel: promote")
    assert line["evidence"]["duel"]["lower"] == found["log_score"]["lower"]


def test_a_worse_candidate_is_kept_from_serving_and_a_decided_duel_is_not_fought_again(truth, capfdbinary):
    labelled(truth, 2_000).to_csv("labels.csv", index=False)
    registry = Registry("models")
    wrong, right = registry.roles().champion, registry.roles().candidate
    sides = ("--champion", right, "--candidate", wrong)

    code, found = duel(capfdbinary, "labels.csv", *sides)
    again = duel(capfdbinary, "labels.csv", *sides)

    assert (code, found["outcome"]) == (10, "keep")
    assert again[1] == {**found, "left_out": {**found["left_out"], "counted before": 2_000}}


def test_each_client_counts_once_and_nights_add_up(truth, capfdbinary):
    few = labelled(truth, 60)
    few.to_csv("first.csv", index=False)
    pd.concat([few, labelled(truth, 70, first=60)]).to_csv("second.csv", index=False)

    code, found = duel(capfdbinary, "first.csv")
    later = duel(capfdbinary, "second.csv")[1]

    assert (code, found["outcome"], found["looks"], found["clients"]) == (11, "not enough", 0, 60)
    assert (later["clients"], later["looks"]) == (130, 1)
    assert later["left_out"]["counted before"] == 60


def test_rows_without_a_name_are_told_apart_by_what_they_hold(truth, capfdbinary):
    rows = labelled(truth, 50).drop(columns="idx")
    pd.concat([rows, rows.head(3)]).to_csv("labels.csv", index=False)

    first, second = duel(capfdbinary, "labels.csv")[1], duel(capfdbinary, "labels.csv")[1]

    assert (first["clients"], second["clients"]) == (53, 53)


def test_labels_without_a_time_count_as_new_and_it_is_said(truth, capfdbinary, caplog):
    labelled(truth, 3).to_csv("labels.csv", index=False)

    duel(capfdbinary, "labels.csv")

    assert caplog.messages == [
        "labels.csv has no column known_at: all labels count as newer than both trainings"
    ]


def test_a_client_has_one_sum_whatever_its_rows(truth, capfdbinary):
    rows = labelled(truth, 300).assign(idx=lambda frame: frame["idx"] // 3)
    rows.rename(columns={"idx": "owner"}).to_csv("labels.csv", index=False)

    found = duel(capfdbinary, "labels.csv", "--by", "owner")[1]

    assert (found["clients"], found["rows"]) == (100, 300)


def test_labels_that_were_known_before_training_and_rows_that_cannot_be_read_are_left_out(truth, capfdbinary):
    rows = labelled(truth, 8).astype(object)
    rows["known_at"] = (TRAINED + timedelta(days=2)).isoformat()
    rows.loc[0, "known_at"] = TRAINED.isoformat()
    rows.loc[1, "scd_a"] = "high"
    rows.loc[2, "label"] = None
    rows.to_csv("labels.csv", index=False)

    found = duel(capfdbinary, "labels.csv")[1]

    assert found["clients"] == 5
    assert found["left_out"] == {
        "without a label": 1, "known before training": 1, "unreadable": 1, "counted before": 0
    }  # fmt: skip


def test_labels_are_joined_with_what_the_log_kept(truth, capfdbinary, tmp_path):
    from machine_learning_engineering.prediction_log import PredictionLog
    from machine_learning_engineering.records import Prediction

    rows = labelled(truth, 150)
    with PredictionLog(tmp_path / "log") as log:
        for row in rows.to_dict("records"):
            features = {name: row[name] for name in ("attr_a", "attr_b", "scd_a", "scd_b")}
            log.append(Prediction(row["idx"], 0, features, 0.5, "v"))
    (log_file,) = (tmp_path / "log").glob("*.jsonl")
    log_file.write_bytes(log_file.read_bytes() + b'{"torn')
    pd.concat([rows[["idx", "label"]], pd.DataFrame({"idx": [999], "label": [1]})]).to_csv(
        "l.csv", index=False
    )

    with_log = duel(capfdbinary, "l.csv", "--log", "log", "--dry-run")[1]
    rows.to_csv("whole.csv", index=False)
    whole = duel(capfdbinary, "whole.csv", "--dry-run")[1]

    assert with_log["left_out"]["not in the log"] == 1
    assert with_log["log_score"]["nats"] == pytest.approx(whole["log_score"]["nats"])
    assert not list(tmp_path.glob("models/duel-*"))


def test_rows_without_a_name_are_looked_at_once_since_nobody_could_tell_which_are_new(truth, capfdbinary):
    labelled(truth, 60).drop(columns="idx").to_csv("first.csv", index=False)
    labelled(truth, 70, first=60).drop(columns="idx").to_csv("second.csv", index=False)
    labelled(truth, 70, first=60).to_csv("named.csv", index=False)
    duel(capfdbinary, "first.csv")
    before = next(Path("models").glob("duel-*")).read_bytes()

    for options, expected in (("second.csv", 3), ("named.csv", 2)):
        code, said = duel(capfdbinary, options)
        assert (code, "begins anew" in said) == (expected, True)
    assert next(Path("models").glob("duel-*")).read_bytes() == before


def test_a_client_is_the_same_in_a_csv_and_in_a_table_of_floats(truth, capfdbinary):
    rows = labelled(truth, 60)
    rows.to_csv("labels.csv", index=False)
    rows.assign(idx=rows["idx"].astype(float)).to_parquet("labels.parquet")

    duel(capfdbinary, "labels.csv")
    again = duel(capfdbinary, "labels.parquet")[1]

    assert (again["clients"], again["left_out"]["counted before"]) == (60, 60)


def test_what_changed_hands_while_a_duel_was_looked_at_is_not_promoted_over(truth, capfdbinary, monkeypatch):
    labelled(truth, 2_000).to_csv("labels.csv", index=False)
    registry, promote = Registry("models"), Registry.promote
    wrong, right = registry.roles().champion, registry.roles().candidate

    def held_first(self, *version, dry_run, **options):
        if not dry_run:
            self.hold(wrong, why="audit")
        return promote(self, *version, dry_run=dry_run, **options)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Registry, "promote", held_first)
        code, said = duel(capfdbinary, "labels.csv", "--apply")

    assert (code, "is held (audit)" in said) == (2, True)
    assert registry.roles().champion == wrong
    registry.release(wrong)
    registry.promote(right)
    registry.rollback(why="complaints")
    code, said = duel(capfdbinary, "labels.csv", "--apply", "--candidate", right)
    assert (code, "only a person promotes it again" in said) == (2, True)


def test_the_record_of_a_duel_goes_with_the_first_of_its_versions_and_no_sooner(truth, capfdbinary):
    labelled(truth, 60).to_csv("labels.csv", index=False)
    duel(capfdbinary, "labels.csv")
    registry = Registry("models")
    registry.prune(1)
    assert len(list(Path("models").glob("duel-*"))) == 1  # both have a role

    for day in (2, 3, 4):
        save("models", truth, now=TRAINED + timedelta(days=day))
    registry.prune(1)

    assert not list(Path("models").glob("duel-*"))


def test_features_that_were_asked_with_after_the_label_was_known_are_not_judged_by_it(truth, capfdbinary):
    from machine_learning_engineering.prediction_log import PredictionLog
    from machine_learning_engineering.records import Prediction

    rows = labelled(truth, 3)
    known = TRAINED + timedelta(days=9)
    with PredictionLog(Path("log")) as log:
        for row in rows.to_dict("records"):
            features = {name: row[name] for name in ("attr_a", "attr_b", "scd_a", "scd_b")}
            if row["idx"] > 0:
                log.append(Prediction(row["idx"], 0, features, 0.5, "v", known - timedelta(days=1)))
            log.append(Prediction(row["idx"], 0, {**features, "scd_a": row["label"] * 9.0}, 0.5, "v", known))
    labels = rows[["idx", "label"]].assign(known_at=known.isoformat())
    undecided = pd.DataFrame({"idx": [2], "label": [None], "known_at": [None]})
    pd.concat([labels.astype(object), undecided]).to_csv("labels.csv", index=False)
    rows.tail(2).to_csv("whole.csv", index=False)

    found = duel(capfdbinary, "labels.csv", "--log", "log", "--dry-run")[1]

    assert (found["clients"], found["left_out"]["not in the log"]) == (2, 1)
    assert found["log_score"]["nats"] == duel(capfdbinary, "whole.csv", "--dry-run")[1]["log_score"]["nats"]


def test_what_would_bend_a_duel_is_refused_and_leaves_it_as_it_was(truth, capfdbinary, tmp_path):
    rows = labelled(truth, 150)
    rows.to_csv("labels.csv", index=False)
    duel(capfdbinary, "labels.csv")
    (record,) = tmp_path.glob("models/duel-*")
    before = record.read_bytes()
    assert record.stat().st_mode & 0o137 == 0  # it tells of clients: nobody else reads it

    assert duel(capfdbinary, "labels.csv", "--alpha", "0.1")[0] == 2
    rows.assign(label=1 - rows["label"]).to_csv("other.csv", index=False)
    code, said = duel(capfdbinary, "other.csv")
    assert code == 3
    assert "label is not what it was" in said
    Registry("models").hold(Registry("models").roles().champion, why="audit")
    code, said = duel(capfdbinary, "labels.csv", "--apply")
    assert (code, "is held (audit)" in said) == (2, True)
    assert record.read_bytes() == before
    record.write_bytes(before.replace(b'"n": 150', b'"n": 151'))
    assert duel(capfdbinary, "labels.csv")[0] == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--candidate", "champion"), "expected two versions"),
        (("--alpha", "0.5"), "--alpha is 0.5"),
        (("--margin", "-1"), "--margin is -1.0"),
        (("--horizon", "7"), "--horizon is 7"),
        (("--by", "owner"), "no column 'owner'"),
        (("--by", ""), "no column ''"),
    ],
)
def test_options_that_make_no_duel_are_refused(truth, capfdbinary, options, said):
    labelled(truth, 3).to_csv("labels.csv", index=False)

    code, words = duel(capfdbinary, "labels.csv", *options)

    assert code in (2, 3)
    assert said in words
