"""What a registry refuses, says and serves when a folder is not as it left it."""

import pytest
from saved_models import save

from data_science.errors import ArtifactError, SettingsError
from data_science.storage import artifact, history, roles
from data_science.storage.registry import Registry
from data_science.storage.writing import require_writable


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "models")


def trained(registry, n=1, **options):
    return [save(registry.folder, **options).name for _ in range(n)]


@pytest.mark.parametrize(
    "act",
    [
        lambda folder, name: Registry(folder).hold(name),
        lambda folder, name: Registry(folder).rollback(dry_run=True),
        lambda folder, name: require_writable(folder),
        lambda folder, name: save(folder),
    ],
)
def test_one_version_is_no_folder_of_versions_and_stays_whole(registry, act):
    (name,) = trained(registry)

    with pytest.raises(ArtifactError, match="is one version; expected the folder that holds it"):
        act(registry.folder / name, name)

    assert artifact.load(registry.folder / name).path.name == name


@pytest.mark.parametrize("content", [None, "nonsense"])
def test_without_latest_what_a_person_let_not_serve_is_served_last(registry, content):
    first, _ = trained(registry, 2)
    registry.rollback()
    (third,) = trained(registry)
    latest = registry.folder / "LATEST"
    latest.unlink() if content is None else latest.write_text(content)

    assert registry.roles().candidate == third
    assert artifact.load(registry.folder).path.name == first


@pytest.mark.parametrize("call", ["append", "_carry_out"])
def test_a_rollback_that_took_effect_says_so_though_its_history_could_not_be_written(
    registry, monkeypatch, caplog, call
):
    first, second = trained(registry, 2)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(history if call == "append" else roles, call, full)
        line = registry.rollback(why="refusals")

    assert line["after"]["champion"] == first == artifact.load(registry.folder).path.name
    assert f"the rollback of {first} took effect" in caplog.text
    registry.hold(first)
    assert [one["verb"] for one in registry.history()] == ["train", "train", "rollback", "hold"]
    assert second in registry.roles().held


def test_a_promotion_that_did_not_take_effect_changes_nothing(registry, monkeypatch):
    first, second = trained(registry, 2)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(roles, "_replace", full)
    with pytest.raises(ArtifactError, match="nothing was saved"):
        registry.promote(first)

    assert registry.roles().champion == second


def test_a_dry_run_of_prune_names_what_a_prune_removes(registry):
    names = trained(registry, 4)

    planned = registry.prune(1, dry_run=True)["evidence"]["removed"]

    assert planned == [names[1], names[0]]
    assert registry.prune(1)["evidence"]["removed"] == planned


@pytest.mark.parametrize("by", ["the registry", "a training"])
def test_a_prune_whose_line_cannot_be_written_says_what_was_removed(registry, monkeypatch, caplog, by):
    names = trained(registry, 3)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(roles, "record", full)
    if by == "a training":
        trained(registry, 1, keep=1)
        said = caplog.text
    else:
        with pytest.raises(ArtifactError) as refused:
            registry.prune(1)
        said = str(refused.value)

    assert f"{names[0]}, but the history could not be written" in said
    assert "No space left on device" in said
    assert "nothing was saved" not in said
    assert not (registry.folder / names[0]).exists()


def test_a_hold_of_what_was_rolled_back_keeps_trainings_waiting(registry):
    _, second = trained(registry, 2)
    registry.rollback(why="refusals")

    registry.hold(second)
    assert registry.roles().held == {second: "rolled back: refusals"}
    registry.hold(second, why="for the audit")

    assert registry.roles().held == {second: "rolled back: for the audit"}
    assert registry.roles().waits_for_a_person
    with pytest.raises(SettingsError, match="expected other words"):
        registry.hold(second, why="rolled back by hand")


@pytest.mark.parametrize("name", ["CANDIDATE", "HELD.json", ".pending", "HISTORY.jsonl"])
def test_a_file_that_cannot_be_replaced_is_found_before_the_fit(registry, name):
    trained(registry)
    (registry.folder / name).unlink(missing_ok=True)
    (registry.folder / name).mkdir()

    with pytest.raises(ArtifactError, match=name.replace(".", r"\.")):
        require_writable(registry.folder)


@pytest.mark.parametrize("is_restored", [True, False])
def test_a_pending_line_that_does_not_follow_is_not_written_behind_a_history(
    registry, monkeypatch, is_restored
):
    first, second = trained(registry, 2)
    log = registry.folder / "HISTORY.jsonl"
    old = log.read_bytes().splitlines(keepends=True)[0]
    with monkeypatch.context() as patched:
        patched.setattr(history, "append", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            registry.rollback()
    log.write_bytes(old) if is_restored else log.unlink()

    assert registry.roles().champion == first
    registry.hold(first)

    assert [line["verb"] for line in registry.history()] == [*["train"] * is_restored, "found", "hold"]
    assert second in registry.roles().held


def test_a_candidate_in_a_new_folder_waits_without_a_wrong_word(registry, caplog):
    trained(registry, 2, role="candidate", keep=1)

    assert "nothing serves" in caplog.text
    assert "still serves" not in caplog.text
    assert "did not finish" not in caplog.text
