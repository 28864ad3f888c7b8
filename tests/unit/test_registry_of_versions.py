"""Promote, roll back, hold, release, prune: what then serves, what a training does, and what the history says."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest
from saved_models import save

from data_science.cli import command
from data_science.errors import ArtifactError
from data_science.storage import artifact, history, roles
from data_science.storage.layout import listed, read_latest
from data_science.storage.registry import Registry


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "models")


def trained(registry, n=1, **options):
    return [save(registry.folder, **options).name for _ in range(n)][-1]


def agrees(registry):
    """The last line says what the files say, and what is loaded is what serves."""
    now, lines = roles.seen(registry.folder)
    assert lines[-1]["after"] == asdict(now)
    assert artifact.load(registry.folder).path.name == now.champion == read_latest(registry.folder)
    return now


def verbs(registry):
    return [line["verb"] for line in registry.history()]


def test_a_training_serves_at_once_and_its_line_says_so(registry):
    first, second = trained(registry), trained(registry, why="nightly")

    line = registry.history()[-1]
    assert agrees(registry).champion == second
    assert (line["seq"], line["verb"], line["version"], line["from"], line["why"]) == (
        1,
        "train",
        second,
        first,
        "nightly",
    )
    assert line["by"]["program"].startswith("data-science ")
    assert registry.previous() == first


def test_a_candidate_waits_for_its_promotion(registry):
    first, second = trained(registry), trained(registry, role="candidate")
    assert agrees(registry) == roles.Roles(first, second)

    third = trained(registry)  # what waits is not passed over
    line = registry.promote(why="better")

    assert agrees(registry) == roles.Roles(third)
    assert (line["verb"], line["version"], line["from"]) == ("promote", third, first)


def test_a_rollback_goes_back_holds_what_it_left_and_trainings_wait_until_a_person_promotes(registry):
    first, second = trained(registry), trained(registry)

    registry.rollback(why="refusals")
    night = trained(registry)

    now = agrees(registry)
    assert now == roles.Roles(first, night, {second: "rolled back: refusals"})
    registry.promote(night)
    assert agrees(registry) == roles.Roles(night)
    assert agrees(registry).champion == night
    assert trained(registry) == agrees(registry).champion
    assert verbs(registry) == ["train", "train", "rollback", "train", "promote", "train"]


def test_two_rollbacks_go_back_by_two_and_a_third_says_that_there_is_none(registry):
    names = [trained(registry) for _ in range(3)]

    registry.rollback()
    registry.rollback()

    assert agrees(registry).champion == names[0]
    with pytest.raises(ArtifactError, match="no earlier version to go back to"):
        registry.rollback()


def test_a_version_that_cannot_be_trusted_is_neither_promoted_nor_rolled_back_to(registry):
    first, second = trained(registry), trained(registry)
    (registry.folder / first / "predictor.json").write_text("{}")

    for attempt in (lambda: registry.promote(first), registry.rollback):
        with pytest.raises(ArtifactError, match=r"predictor\.json"):
            attempt()

    assert agrees(registry).champion == second
    assert verbs(registry) == ["train", "train"]


def test_pruning_spares_what_serves_served_before_waits_or_is_held(registry):
    held, previous, champion = trained(registry), trained(registry), trained(registry)
    registry.hold(held, why="audit")
    waits = trained(registry, role="candidate", keep=1)
    bystanders = [trained(registry, role="champion", keep=9) for _ in range(2)]
    registry.promote(champion)

    line = registry.prune(1)

    assert set(listed(registry.folder)) == {held, bystanders[1], champion, waits}
    assert set(line["evidence"]["removed"]) == {previous, bystanders[0]}
    agrees(registry)
    registry.release(held)
    assert registry.prune(1)["evidence"]["removed"] == [held]


def test_a_held_champion_is_not_replaced_by_a_training(registry):
    first = trained(registry)
    registry.hold(first)

    second = trained(registry)

    assert agrees(registry) == roles.Roles(first, second, {first: ""})


def test_a_folder_from_before_the_registry_goes_on_working(registry):
    names = [trained(registry) for _ in range(3)]
    (registry.folder / "HISTORY.jsonl").unlink()
    assert registry.previous() == names[1]

    registry.rollback()

    assert agrees(registry).champion == names[1]
    assert verbs(registry) == ["found", "rollback"]


def test_a_latest_edited_by_hand_is_obeyed_and_recorded_by_the_next_writer(registry):
    first, second = trained(registry), trained(registry)
    (registry.folder / "LATEST").write_bytes(f" {first}\r\n".encode())

    assert artifact.load(registry.folder).path.name == first
    registry.hold(second)

    assert verbs(registry) == ["train", "train", "found", "hold"]
    assert agrees(registry).champion == first


def test_half_a_line_at_the_end_is_cut_and_a_line_that_was_changed_is_refused(registry):
    trained(registry)
    first = trained(registry)
    path = registry.folder / "HISTORY.jsonl"
    whole = path.read_bytes()

    path.write_bytes(whole + whole[:50])
    registry.hold(first)
    assert verbs(registry) == ["train", "train", "hold"]

    path.write_bytes(path.read_bytes().replace(b'"train"', b'"found"', 1))
    with pytest.raises(ArtifactError, match=r"HISTORY\.jsonl, line 1, was changed"):
        registry.history()
    with pytest.raises(ArtifactError, match=r"HISTORY\.jsonl, line 1, was changed"):
        registry.hold(first)


def test_a_failure_at_any_step_of_a_change_leaves_the_old_or_the_new_state_and_the_next_writer_agrees(
    registry, monkeypatch
):
    first, second = trained(registry), trained(registry)
    steps = ["write_durably", "sync", "_replace", "_carry_out", "_forget_pending"]
    seen = set()

    for step in steps:
        for at in (1, 2, 3):
            calls = []
            real = getattr(roles, step)

            def fail(*given, real=real, calls=calls, at=at):
                calls.append(1)
                if len(calls) == at:
                    raise OSError(28, "No space left on device")
                return real(*given)

            before = registry.roles()
            other = first if before.champion == second else second
            with monkeypatch.context() as patch:
                patch.setattr(roles, step, fail)
                try:
                    registry.promote(other)
                except ArtifactError:
                    seen.add("refused")
            after, lines = roles.seen(registry.folder)
            assert after.champion in (first, second)
            assert lines[-1]["after"] == asdict(after)
            registry.hold(after.champion)
            assert agrees(registry).champion == after.champion
            registry.release(after.champion)

    assert seen == {"refused"}


def test_two_who_promote_at_once_take_turns_and_the_history_has_both(registry):
    names = [trained(registry) for _ in range(3)]

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(registry.promote, name) for name in names[:2] * 20]
        lines = [one.result() for one in done]

    assert agrees(registry).champion in names[:2]
    assert sorted(line["seq"] for line in lines) == list(range(3, 43))
    assert len({line["sha256"] for line in registry.history()}) == 43


def test_a_reader_on_a_read_only_mount_sees_a_change_that_was_committed_but_not_finished(
    registry, monkeypatch
):
    first, second = trained(registry), trained(registry)
    with monkeypatch.context() as patch:
        patch.setattr(roles, "finish", lambda *_: 1 / 0)  # as if killed after the commit
        with pytest.raises(ZeroDivisionError):
            registry.promote(first)

    now, lines = roles.seen(registry.folder)

    assert now.champion == first
    assert lines[-1]["verb"] == "promote"
    assert history.read(registry.folder)[-1]["verb"] == "train"
    registry.hold(second)
    assert verbs(registry) == ["train", "train", "promote", "hold"]


def test_the_verbs_of_the_command_change_the_folder_and_say_what_they_did(registry, monkeypatch, capfdbinary):
    first, second = trained(registry), trained(registry)
    monkeypatch.chdir(registry.folder.parent)

    def told(*line, code=0):
        assert command.main([*line]) == code
        return capfdbinary.readouterr().out.decode()

    assert f"serves: {first}" in told("rollback", "--dry-run")
    assert json.loads(told("rollback", "--why", "slow", "--json"))["after"]["champion"] == first
    listed_ = json.loads(told("versions", "--json"))
    assert [(one["version"], one["role"], one["good"], one["held"]) for one in listed_] == [
        (second, None, True, "rolled back: slow"),
        (first, "champion", True, None),
    ]
    assert second in told("versions")
    assert told("promote", second[:17]).startswith(f"promote: {second}\n")
    assert told("card", "previous") == "# A model\n"
    assert f"held: {second} (audit)" in told("hold", "champion", "--why", "audit")
    assert told("release", second).startswith("release: ")
    assert "nothing to remove" in told("prune", "--keep", "2")
    told("promote", code=2)  # no candidate
    told("release", first, code=2)  # not held
    assert agrees(registry).champion == second
    assert Path("models/HISTORY.jsonl").read_text().count("\n") == 7
