"""What is wrong is refused though every digest fits it."""

import hashlib
import json
import pickle

import numpy as np
import pytest
from saved_models import FILES, Bomb
from serving_cases import ROW

from data_science.errors import ArtifactError
from data_science.storage.artifact import load
from data_science.storage.manifest import PROTOCOL
from data_science.storage.version_files import canonical, seal


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
        ({"gates_passed": False}, "the fit failed its checks: do not serve"),
        ({"gates_passed": 1}, "the fit failed its checks: do not serve"),
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
