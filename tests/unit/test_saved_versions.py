"""Which saved version is read while others are published, pruned or damaged, and what it records."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from serving_cases import predictor

from data_science.errors import ArtifactError
from data_science.storage import artifact, layout, loading

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)


def save(folder, seed=1, now=NOW):
    return artifact.save(
        folder, predictor=predictor(seed=seed), diagnostics={}, model_card="", writers={},
        provenance={}, now=now,
    )  # fmt: skip


def damage(version):
    (version / "draws.npz").write_bytes(b"")


def test_a_reader_that_is_overtaken_follows_latest(tmp_path, monkeypatch):
    opened, real = [], loading.opened

    def overtaken(version):
        opened.append(version.name)
        if len(opened) == 1:  # while it is read, a newer one is published and this one pruned
            newer = save(tmp_path, now=NOW + timedelta(days=1))
            opened.clear()
            opened.append(newer.name)
            raise ArtifactError("gone")
        return real(version)

    save(tmp_path)
    monkeypatch.setattr(loading, "opened", overtaken)
    loaded = artifact.load(tmp_path)

    assert loaded.path.name == layout.read_latest(tmp_path)
    assert loaded.fallback is None


def test_a_reader_that_is_always_overtaken_gives_up_after_twenty_attempts(tmp_path, monkeypatch):
    save(tmp_path)
    attempts = []
    monkeypatch.setattr(loading, "_moved_on", lambda *_: True)
    monkeypatch.setattr(loading, "opened", lambda version: attempts.append(version) or refuse())

    with pytest.raises(ArtifactError, match="LATEST changed 20 times while it was read"):
        artifact.load(tmp_path)
    assert len(attempts) == 20


def refuse():
    raise ArtifactError("gone")


def test_a_fallback_is_to_an_older_version_before_a_newer_one_and_warns(tmp_path, caplog):
    paths = [save(tmp_path, seed) for seed in range(4)]
    (tmp_path / "LATEST").write_text(paths[2].name)
    damage(paths[2])

    with caplog.at_level(logging.WARNING):
        assert artifact.load(tmp_path).path == paths[1]
    assert f"fell back to version {paths[1].name}" in caplog.text

    for path in paths[:2]:
        damage(path)
    loaded = artifact.load(tmp_path)
    assert loaded.path == paths[3]
    for path in paths[:2]:
        assert f"skipped version {path.name}" in loaded.fallback
    assert f"skipped version {paths[2].name}" not in loaded.fallback


def test_a_manifest_records_when_with_what_and_how_the_version_was_made(tmp_path):
    path = artifact.save(
        tmp_path, predictor=predictor(), diagnostics={"a": 1}, model_card="card", writers={},
        provenance={"seed": 7}, now=NOW.astimezone(None) + timedelta(microseconds=5),
    )  # fmt: skip

    recorded = artifact.load(path).manifest
    assert recorded["format"] == 1
    assert recorded["saved_at"] == "2026-11-22T10:15:00+00:00"
    assert recorded["provenance"] == {"seed": 7}
    assert recorded["version"] == path.name
    assert set(recorded["packages"]) >= {"python", "data_science", "numpy", "pandas"}
    assert set(recorded["files"]) == {"predictor.json", "draws.npz", "diagnostics.json", "model_card.md"}
    assert Path(path, "model_card.md").read_text() == "card"
    assert path.name[:17] == "20261122T101500Z-"
    assert path.name.removeprefix(path.name[:17]) == recorded["files"]["predictor.json"]["sha256"][:6]


def test_five_versions_are_kept_unless_another_number_is_asked_for(tmp_path):
    for seed in range(6):
        save(tmp_path, seed)

    assert len(layout.listed(tmp_path)) == 5
