import hashlib
import json
import logging
import os
import pickle
import shutil
import stat
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from serving_cases import COMMON_FACTOR, ROW, predictor

from data_science.errors import ArtifactError
from data_science.storage import artifact
from data_science.storage.artifact import is_good, load, load_bambi_model, open_posterior
from data_science.storage.manifest import PROTOCOL
from data_science.storage.version_files import canonical, seal

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
FILES = (
    "bambi_model.cloudpickle",
    "diagnostics.json",
    "draws.npz",
    "model_card.md",
    "posterior.nc",
    "predictor.json",
)


def save(folder, model=None, now=NOW, **changes):
    stored = {
        "predictor": model or predictor(),
        "diagnostics": {"rhat_max": 1.001, "summary": [{"parameter": "Intercept", "mean": -1.0}]},
        "model_card": "# A model\n",
        "writers": {
            "posterior.nc": lambda path: path.write_bytes(b"posterior" * 50),
            "bambi_model.cloudpickle": lambda path: path.write_bytes(pickle.dumps({"model": 1})),
        },
        "provenance": {"n_rows": 3},
        "now": now,
    }
    return artifact.save(folder, **stored | changes)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with an older and a newer version; tests that damage it work on a copy."""
    folder = tmp_path_factory.mktemp("saved") / "models"
    save(folder, predictor(seed=1))
    save(folder, predictor(seed=2), now=NOW + timedelta(days=1))
    return folder


@pytest.fixture
def models(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "models"))


@pytest.fixture
def newest(models):
    return max(models.glob("2*"))


class Bomb:
    """Unpickling it would raise, and the tests would see it."""

    def __reduce__(self):
        return exec, ("raise SystemExit('code from the file was run')",)


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


def test_a_folder_of_versions_gives_the_newest_and_a_version_gives_itself(models, newest):
    assert load(models).path == newest
    assert [load(path).path for path in sorted(models.glob("2*"))] == sorted(models.glob("2*"))
    assert load(str(models)).path == newest


def test_a_version_can_be_copied_elsewhere_under_another_name(models, newest, tmp_path):
    copy = shutil.copytree(newest, tmp_path / "deployed")

    assert load(copy).predictor.predict_one(ROW) in (0, 1)


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
    with pytest.raises(ValueError, match="keep is 0; expected at least 1"):
        save(models, keep=0)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_any_flipped_byte_is_found_and_the_file_named(models, newest, name):
    original = (newest / name).read_bytes()
    step = max(1, len(original) // 150)

    for place in [*range(0, len(original), step), len(original) - 1]:
        flipped = bytearray(original)
        flipped[place] ^= 1 << (place % 8)
        (newest / name).write_bytes(flipped)
        with pytest.raises(ArtifactError, match=name):
            load(newest)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99, 1.01])
def test_a_truncated_or_extended_file_is_found_and_named(models, newest, name, share):
    original = (newest / name).read_bytes()
    (newest / name).write_bytes((original * 2)[: int(len(original) * share) + (share > 1)])

    with pytest.raises(ArtifactError, match=name):
        load(newest)


@pytest.mark.parametrize("name", ["predictor.json", "draws.npz", "manifest.json"])
def test_files_swapped_between_versions_are_found(models, name):
    old, new = sorted(models.glob("2*"))
    shutil.copy(old / name, new / name)

    with pytest.raises(ArtifactError, match=str(new)):
        load(new)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
@pytest.mark.parametrize("damage", ["missing", "folder", "pipe", "link", "pickle"])
def test_a_file_that_is_not_what_it_was_is_refused_and_never_run(models, newest, name, damage):
    content = (newest / name).read_bytes()
    (newest / name).unlink()
    if damage == "folder":
        (newest / name).mkdir()
    elif damage == "pipe":
        os.mkfifo(newest / name)
    elif damage == "link":
        (models / "elsewhere").write_bytes(content)
        (newest / name).symlink_to(models / "elsewhere")
    elif damage == "pickle":
        (newest / name).write_bytes(pickle.dumps(Bomb()))

    with pytest.raises(ArtifactError, match=name):
        load(newest)


def test_a_foreign_file_is_refused(newest):
    (newest / "sitecustomize.py").write_text("raise SystemExit")

    with pytest.raises(ArtifactError, match=r"sitecustomize.py is not in the manifest.*Move it away"):
        load(newest)


def forge(version, name, content, **changes):
    """Write a file and a manifest that fits it, as an attacker who knows the format would."""
    (version / name).write_bytes(content)
    manifest = json.loads((version / "manifest.json").read_bytes()) | changes
    del manifest["sha256"]
    entry = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    manifest["files"][name] = entry
    (version / "manifest.json").write_bytes(seal(manifest))


def edited(version, **changes):
    document = json.loads((version / "predictor.json").read_bytes())
    return canonical(document | changes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": PROTOCOL + 1}, "has format 2; this data_science reads up to 1: upgrade it"),
        ({"format": True}, "has format True"),
        ({"format": None}, "has format None"),
        ({"gates_passed": False}, "the gates did not pass: do not serve"),
        ({"gates_passed": 1}, "the gates did not pass: do not serve"),
        ({"files": []}, "does not describe"),
        ({"files": {}}, "does not describe"),
        ({"files": dict.fromkeys(FILES)}, "does not describe"),
        ({"probes": []}, "a probe differs by nan"),
        ({"probes": [{"features": ROW, "answer": [0, 0.5, 0.1]}]}, "cannot answer its own probes"),
        ({"probes": [{"features": ROW, "answer": [0.0, 0.5, 0.1, 0.9]}]}, "a probe differs by"),
        ({"probes": [{"features": {}, "answer": [0.0, 0.5, 0.1, 0.9]}]}, "cannot answer its own probes"),
        ({"probes": [None]}, "cannot answer its own probes"),
    ],
)
def test_a_manifest_that_says_the_wrong_thing_is_refused(newest, changes, reason):
    manifest = json.loads((newest / "manifest.json").read_bytes()) | changes
    del manifest["sha256"]
    (newest / "manifest.json").write_bytes(seal(manifest))

    with pytest.raises(ArtifactError, match=reason):
        load(newest)


def test_a_manifest_cannot_point_outside_its_folder(newest):
    manifest = json.loads((newest / "manifest.json").read_bytes())
    del manifest["sha256"]
    manifest["files"]["../../etc/passwd"] = {"bytes": 1, "sha256": ""}
    (newest / "manifest.json").write_bytes(seal(manifest))

    with pytest.raises(ArtifactError, match="does not describe"):
        load(newest)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, pickle.dumps(Bomb())],
    ids=["empty", "cut", "list", "null", "not utf-8", "NaN", "deep", "pickle"],
)
@pytest.mark.parametrize("name", ["predictor.json", "diagnostics.json", "manifest.json"])
def test_what_is_no_json_object_is_refused_even_with_the_right_digest(newest, name, content):
    if name == "manifest.json":
        (newest / name).write_bytes(content)
    else:
        forge(newest, name, content)

    with pytest.raises(ArtifactError, match=name):
        load(newest)


@pytest.mark.parametrize(
    "changes",
    [
        {"coefficients": [1.0]},
        {"coefficients": "x"},
        {"coefficients": None},
        {"coefficients": [float(i) for i in range(12)]},
        {"threshold": 2.0},
        {"threshold": "high"},
        {"unseen": "guess"},
        {"encoding": {}},
        {"encoding": {"factors": {"a": [1, "b"]}, "terms": []}},
        {"encoding": None},
        {"n_draws": 10**12},
        {"n_draws": "many"},
        {"correction": {"gap": 1.0}},
    ],
    ids=str,
)
def test_a_predictor_edited_with_the_right_digest_is_refused(newest, changes):
    forge(newest, "predictor.json", edited(newest, **changes))

    with pytest.raises(ArtifactError, match=r"predictor\.json|draws\.npz"):
        load(newest)


def npz(tmp_path, **arrays):
    np.savez(tmp_path / "made.npz", allow_pickle=True, **arrays)
    return (tmp_path / "made.npz").read_bytes()


def test_draws_edited_with_the_right_digest_are_refused_and_never_unpickled(newest, tmp_path):
    good = np.load(newest / "draws.npz")
    draws, sds = good["draws"], good["group_sd_draws"]
    objects = np.array([Bomb()], dtype=object)
    forgeries = {
        "an array of objects": npz(tmp_path, draws=objects, group_sd_draws=sds),
        "another shape": npz(tmp_path, draws=draws[:, :-1], group_sd_draws=sds),
        "another type": npz(tmp_path, draws=draws.astype("f4"), group_sd_draws=sds),
        "a missing array": npz(tmp_path, draws=draws),
        "one too many": npz(tmp_path, draws=draws, group_sd_draws=sds, more=sds),
        "NaN": npz(tmp_path, draws=draws * np.nan, group_sd_draws=sds),
        "no zip": b"PK not really",
        "a pickle": pickle.dumps(Bomb()),
        "empty": b"",
    }

    for content in forgeries.values():
        forge(newest, "draws.npz", content)
        with pytest.raises(ArtifactError, match=r"draws\.npz|predictor\.json"):
            load(newest)


@pytest.mark.parametrize(
    "text",
    ["../elsewhere", "/etc", "", "..", "20991122T101500Z-ffffff", "a" * 1000, "20261122T101500Z-zzzzzz\n\n"],
)
def test_a_latest_that_names_no_version_here_is_refused_and_the_newest_good_one_used(
    models, newest, text, caplog
):
    (models / "LATEST").write_text(text)

    with caplog.at_level(logging.WARNING):
        loaded = load(models)

    assert loaded.path == newest
    assert "LATEST" in loaded.fallback
    assert f"fell back to version {newest.name}" in caplog.text


@pytest.mark.parametrize("damage", ["missing", "link", "folder"])
def test_without_a_usable_latest_the_newest_good_version_is_used(models, newest, damage, caplog):
    (models / "LATEST").unlink()
    if damage == "link":
        (models / "LATEST").symlink_to("/etc/hostname")
    elif damage == "folder":
        (models / "LATEST").mkdir()

    assert load(models).path == newest
    assert "fell back to version" in caplog.text


def test_a_damaged_newest_version_gives_the_older_one_with_a_warning_that_says_so(models, newest, caplog):
    (newest / "predictor.json").write_bytes(b"{}")

    loaded = load(models)

    assert loaded.path != newest
    assert f"fell back to version {loaded.path.name}: {newest / 'predictor.json'} has 2 bytes" in caplog.text


def test_a_fallback_says_which_versions_it_passed_over(models, newest):
    (models / "LATEST").unlink()
    (newest / "predictor.json").write_bytes(b"{}")

    fallback = load(models).fallback

    assert "LATEST is missing" in fallback
    assert f"skipped version {newest.name}: {newest / 'predictor.json'} has 2 bytes" in fallback


def test_a_linked_version_is_refused(models, newest, tmp_path):
    shutil.move(newest, tmp_path / "moved")
    newest.symlink_to(tmp_path / "moved")

    assert load(models).path != newest


def test_if_no_version_is_good_the_error_names_the_file_and_the_remedy(models):
    for version in models.glob("2*"):
        (version / "draws.npz").unlink()

    with pytest.raises(ArtifactError, match=r"draws.npz is missing. Restore .*No other good version"):
        load(models)


@pytest.mark.parametrize("there", [False, True], ids=["no folder", "an empty folder"])
def test_a_folder_without_models_says_so(tmp_path, there):
    folder = tmp_path / "models"
    if there:
        folder.mkdir()

    with pytest.raises(ArtifactError, match=r"models.*Train (one|a model) first"):
        load(folder)


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "models").write_text("")

    with pytest.raises(ArtifactError, match="models"):
        load(tmp_path / "models")
    with pytest.raises(ArtifactError, match="could not be written"):
        save(tmp_path / "models")


def test_the_bambi_model_is_unpickled_only_on_request_and_only_if_it_is_ours(newest):
    assert load_bambi_model(newest, trust=True) == {"model": 1}
    with pytest.raises(ArtifactError, match="is a pickle, which can run any code; pass trust=True"):
        load_bambi_model(newest, trust=False)

    (newest / "bambi_model.cloudpickle").write_bytes(pickle.dumps(Bomb()))

    with pytest.raises(ArtifactError, match=r"bambi_model\.cloudpickle"):
        load_bambi_model(newest, trust=True)


def test_a_damaged_posterior_is_not_opened(newest):
    (newest / "posterior.nc").write_bytes(b"x")

    with pytest.raises(ArtifactError, match=r"posterior\.nc has 1 bytes; expected 450"):
        open_posterior(newest)


@pytest.fixture
def without_root():
    """Permissions mean nothing to root, so be somebody else for a moment."""
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(65534)
    yield
    if was_root:
        os.seteuid(0)


@pytest.fixture
def visible(models):
    """The models where somebody else may look: pytest's own folders are private."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(shutil.copytree(models, Path(folder) / "models"))


@pytest.fixture(params=["", "LATEST", "predictor.json", "manifest.json"])
def forbidden(visible, request):
    version = max(visible.glob("2*"))
    path = visible / request.param if request.param in ("", "LATEST") else version / request.param
    path.chmod(0)
    return path


def test_what_may_not_be_read_is_named(visible, forbidden, without_root):
    with pytest.raises(ArtifactError, match=rf"{forbidden} cannot be (read|listed) \(Permission denied\)"):
        raise_or_tell(visible)


def raise_or_tell(models):
    """Load, and raise the reason of a fallback, which is all that tells of it."""
    loaded = load(models)
    raise ArtifactError(loaded.fallback)


@pytest.fixture
def read_only(visible):
    visible.chmod(0o555)
    return visible


def test_a_version_in_a_read_only_folder_is_loaded_and_saving_there_is_refused(read_only, without_root):
    assert load(read_only).fallback is None
    with pytest.raises(ArtifactError, match=r"could not be written \(Permission denied\); nothing was saved"):
        save(read_only)


def test_files_are_as_readable_as_the_writer_wants_them(newest):
    umask = os.umask(0)
    os.umask(umask)

    assert stat.S_IMODE(newest.stat().st_mode) == 0o777 & ~umask
    assert stat.S_IMODE((newest / "predictor.json").stat().st_mode) == 0o666 & ~umask


def test_what_killed_processes_left_behind_is_swept_away(models):
    (models / ".saving-dead").mkdir()
    (models / ".saving-dead" / "draws.npz").write_bytes(b"half")
    (models / ".saving-file").write_bytes(b"half")
    (models / ".trash-dead").mkdir()

    save(models)

    assert not [path for path in models.iterdir() if path.name.startswith((".saving", ".trash"))]


def test_a_good_version_is_good_and_a_damaged_one_is_not(newest):
    assert is_good(newest)

    (newest / "model_card.md").write_text("better")

    assert not is_good(newest)
