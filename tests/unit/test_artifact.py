"""What a version holds, which are kept, and what a failed save leaves."""

import json
from datetime import timedelta

import numpy as np
import pytest
from saved_models import FILES, NOW, save
from serving_cases import COMMON_FACTOR, ROW, predictor

from data_science.errors import ArtifactError
from data_science.storage.artifact import load


def test_what_is_loaded_answers_exactly_as_what_was_saved(tmp_path):
    for model in (predictor(), predictor(COMMON_FACTOR, threshold=0.2, unseen="refuse", response="churn")):
        loaded = load(save(tmp_path, model))

        assert loaded.predictor.predict_proba_one(ROW) == model.predict_proba_one(ROW)
        assert loaded.predictor.predict_interval_one(ROW) == model.predict_interval_one(ROW)
        assert loaded.predictor.encoding == model.encoding
        assert (loaded.predictor.threshold, loaded.predictor.unseen) == (model.threshold, model.unseen)
        assert loaded.predictor.response == model.response
        assert loaded.diagnostics["rhat_max"] == 1.001
        assert loaded.fallback is None


def test_a_version_holds_the_documented_files_in_the_documented_size(newest):
    assert sorted(path.name for path in newest.iterdir()) == sorted((*FILES, "manifest.json"))
    assert sum(path.stat().st_size for path in newest.iterdir() if path.name != "posterior.nc") < 400_000


def test_every_version_says_what_every_reader_asks_that_its_fit_passed_the_gates(newest):
    assert json.loads((newest / "manifest.json").read_bytes())["gates_passed"] is True


def test_an_error_in_a_writer_leaves_no_trace(models, newest):
    def fail(path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(path))

    before = sorted(models.iterdir())
    with pytest.raises(
        ArtifactError, match=r"could not be written \(No space left on device\); nothing was saved"
    ):
        save(models, writers={"posterior.nc": fail})

    assert sorted(models.iterdir()) == before
    assert load(models).path == newest


@pytest.mark.parametrize("document", [{"a": np.int64(1)}, {"a": float("nan")}, {"a": {1, 2}}])
def test_diagnostics_that_are_no_json_are_refused_when_saved(tmp_path, document):
    with pytest.raises(ArtifactError, match="the diagnostics cannot be stored as JSON"):
        save(tmp_path, diagnostics=document)


def test_a_clock_set_back_does_not_make_an_older_model_the_newest(models, newest):
    later = save(models, now=NOW - timedelta(days=900))

    assert later.name > newest.name
    assert load(models).path == later
    assert load(models).manifest["saved_at"].startswith("2024-06-05")


def test_the_newest_good_versions_are_kept_and_damaged_ones_do_not_count(models):
    names = [save(models, now=NOW + timedelta(days=2 + day)).name for day in range(3)]
    (models / names[-1] / "draws.npz").write_bytes(b"")

    last = save(models, now=NOW + timedelta(days=9), keep=2)

    assert [path.name for path in sorted(models.glob("2*"))] == [names[1], names[2], last.name]


def test_keeping_no_version_is_refused(models):
    with pytest.raises(ValueError, match="keep is 0; expected a whole number of at least 1"):
        save(models, keep=0)


def test_what_killed_processes_left_behind_is_swept_away(models):
    (models / ".saving-dead").mkdir()
    (models / ".saving-dead" / "draws.npz").write_bytes(b"half")
    (models / ".saving-file").write_bytes(b"half")
    (models / ".trash-dead").mkdir()

    save(models)

    assert not [path for path in models.iterdir() if path.name.startswith((".saving", ".trash"))]
