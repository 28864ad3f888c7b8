"""New versions are taken up under load; bad ones are not; nobody notices but the operator."""

import shutil

import pytest
from running_service import PUBLISHED, Load
from small_models import store

from data_science.storage.registry import Registry
from deployment.model_keeper import ModelKeeper
from deployment.served_model import ServedModel


def test_versions_are_swapped_under_load_without_a_failed_request(start, tmp_path):
    store(tmp_path / "models", intercept=-4.0)
    running = start()
    versions = []

    with Load(running.url) as load:
        for swap in range(6):
            load.wait_for(50)
            path = store(tmp_path / "models", intercept=4.0 if swap % 2 == 0 else -4.0)
            running.wait_for(lambda name=path.name: running.version() == name)
            versions.append(path.name)
        load.wait_for(50)

    assert load.failed == []
    records = running.logged().predictions
    by_idx = {record.idx: record for record in records}
    assert set(by_idx) == set(load.acknowledged)
    assert {record.model_version for record in records} > set(versions)
    labels = {version: 1 - swap % 2 for swap, version in enumerate(versions)}  # the first one says 0
    for idx, label in load.acknowledged.items():
        assert label == by_idx[idx].label == labels.get(by_idx[idx].model_version, 0)


def test_promotions_and_rollbacks_are_taken_up_under_load_without_a_failed_request(start, tmp_path):
    first, second = (store(tmp_path / "models", intercept=level) for level in (-4.0, 4.0))
    running, registry = start(), Registry(tmp_path / "models")

    with Load(running.url) as load:
        load.wait_for(20)
        for _ in range(4):
            registry.rollback(why="a test")
            running.wait_for(lambda: running.version() == first.name)
            load.wait_for(20)
            registry.promote(second.name)
            running.wait_for(lambda: running.version() == second.name)
            load.wait_for(20)

    assert load.failed == []
    labels = {first.name: 0, second.name: 1}
    for record in running.logged().predictions:
        assert record.label == labels[record.model_version]
    assert [line["verb"] for line in registry.history()] == ["train", "train", *["rollback", "promote"] * 4]


def damage(version):
    (version / "predictor.json").write_text("{}")


def test_a_bad_new_version_keeps_the_old_and_is_shown_until_a_good_one_comes(start, tmp_path):
    old = store(tmp_path / "models")
    running = start()

    with Load(running.url) as load:
        load.wait_for(20)
        publish_damaged(tmp_path)
        running.wait_for(lambda: running.get("/health").json()["problems"])
        load.wait_for(20)
        health = running.get("/health")
        good = store(tmp_path / "models")
        running.wait_for(lambda: running.version() == good.name)
        load.wait_for(20)

    assert load.failed == []
    assert (health.status_code, health.json()["model_version"]) == (200, old.name)
    assert "predictor.json" in health.json()["problems"][0]
    assert f"still serving {old.name}" in health.json()["problems"][0]
    assert "predictor.json" in running.said()
    assert running.get("/health").json()["problems"] == []


def publish_damaged(tmp_path):
    """Put a version into the folder that was damaged before it became visible."""
    bad = store(tmp_path / "elsewhere")
    damage(bad)
    name = f"2099{bad.name[4:]}"
    shutil.copytree(bad, tmp_path / "models" / name)
    replace_latest(tmp_path / "models", name)


def replace_latest(folder, name):
    (folder / "LATEST.new").write_text(f"{name}\n")
    (folder / "LATEST.new").replace(folder / "LATEST")


def test_putting_latest_back_returns_to_the_older_version(start, tmp_path):
    old, new = store(tmp_path / "models"), store(tmp_path / "models", intercept=4.0)
    running = start()
    assert running.version() == new.name

    replace_latest(tmp_path / "models", old.name)

    running.wait_for(lambda: running.version() == old.name)
    assert running.post("/predict", PUBLISHED).json() == {"label": 0}


def test_the_models_may_vanish_while_one_answers(start, tmp_path):
    version = store(tmp_path / "models")
    running = start()

    shutil.rmtree(tmp_path / "models")

    running.wait_for(lambda: running.get("/health").json()["problems"])
    assert (running.version(), running.get("/health").status_code) == (version.name, 200)
    assert running.post("/predict", PUBLISHED).status_code == 200


def test_one_versions_own_folder_can_be_served(tmp_path):
    first = store(tmp_path)
    store(tmp_path)
    keeper = ModelKeeper(first, poll_s=1.0)

    keeper.refresh()

    assert (keeper.current.version, keeper.problem) == (first.name, None)


def test_at_the_start_a_fallback_is_better_than_nothing(tmp_path):
    old, new = store(tmp_path), store(tmp_path)
    damage(new)
    keeper = ModelKeeper(tmp_path, poll_s=1.0)

    keeper.refresh()

    assert keeper.current.version == old.name
    assert "predictor.json" in keeper.problem
    assert f"still serving {old.name}" in keeper.problem


def test_an_older_fallback_does_not_replace_the_version_that_answers(tmp_path):
    store(tmp_path / "models")
    current = store(tmp_path / "models")
    keeper = ModelKeeper(tmp_path / "models", poll_s=1.0)
    keeper.refresh()

    shutil.rmtree(current)
    publish_damaged(tmp_path)
    keeper.refresh()

    assert keeper.current.version == current.name
    assert f"still serving {current.name}" in keeper.problem


def test_without_latest_the_newest_version_is_served_and_that_is_said(tmp_path):
    new = store(tmp_path)
    (tmp_path / "LATEST").unlink()
    keeper = ModelKeeper(tmp_path, poll_s=1.0)

    keeper.refresh()

    assert keeper.current.version == new.name
    assert "LATEST is missing" in keeper.problem


@pytest.mark.parametrize("harm", [lambda _: None, damage], ids=["good", "damaged"])
def test_nothing_is_loaded_again_while_nothing_changes(harm, tmp_path):
    harm(store(tmp_path))
    loads = []

    def load(folder):
        loads.append(folder)
        return ServedModel.load(folder)

    keeper = ModelKeeper(tmp_path, 1.0, load)
    for _ in range(5):
        keeper.refresh()

    assert loads == [tmp_path]
