"""The lock of a models folder: never waited for in silence or without limit, never followed out of the folder."""

import fcntl
import logging
import os
import socket
import threading
import time

import pytest

from data_science.errors import ArtifactError
from data_science.storage import folder_lock, versions
from data_science.storage.folder_lock import locked
from data_science.storage.writing import require_writable


def link(path):
    path.symlink_to(path.parent.parent / "elsewhere")


def link_to_file(path):
    (path.parent.parent / "elsewhere").write_text("mine")
    link(path)


def unix_socket(path):
    folder = os.open(path.parent, os.O_RDONLY)  # the path of a socket has at most 108 bytes
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


@pytest.mark.parametrize(
    "put",
    [os.mkfifo, link, link_to_file, os.mkdir, unix_socket],
    ids=["pipe", "link to nothing", "link", "folder", "socket"],
)
@pytest.mark.parametrize(
    "use", [lambda folder: locked(folder).__enter__(), require_writable], ids=["lock", "trial"]
)
def test_a_lock_that_is_no_plain_file_is_named_at_once_and_not_followed(tmp_path, put, use):
    folder = tmp_path / "models"
    folder.mkdir()
    put(folder / ".lock")
    before = sorted(tmp_path.iterdir())

    with pytest.raises(
        ArtifactError, match=r"\.lock is a link, a pipe, a folder .* nothing was saved\. Remove it"
    ):
        use(folder)
    assert sorted(tmp_path.iterdir()) == before


def test_a_lock_that_another_holds_is_given_up_with_words(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(folder_lock, "SAID_AFTER_S", 0.0)
    caplog.set_level(logging.WARNING)

    with locked(tmp_path), pytest.raises(ArtifactError, match=r"was held by another process for 0\.2 s"):
        locked(tmp_path, patience_s=0.2).__enter__()

    assert caplog.text.count("waiting up to 0.2 s for another process") == 1


def test_a_wait_is_announced_once_at_its_second_and_given_up_at_its_last(tmp_path, caplog, monkeypatch):
    began, said, last = 100.0, 100.0 + folder_lock.SAID_AFTER_S, 1_000.0
    clock, announced = iter([began, said - 0.01, said, said + 1, last - 0.01, last]), []
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(time, "sleep", lambda _: announced.append(len(caplog.records)))

    with (tmp_path / ".lock").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ArtifactError, match="was held by another process for 900 s"):
            locked(tmp_path, patience_s=last - began).__enter__()

    assert announced == [0, 1, 1, 1]


def test_a_lock_that_is_released_is_taken(tmp_path):
    with (tmp_path / ".lock").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        release = threading.Timer(0.2, held.close)
        release.start()

        with locked(tmp_path):
            assert held.closed
    release.join()


@pytest.mark.parametrize("name", [".saving-0a", ".trash-20261122T101500Z-0a1b2c"])
@pytest.mark.parametrize(
    "put", [os.mkfifo, link, os.mkdir, unix_socket], ids=["pipe", "link", "folder", "socket"]
)
def test_what_lies_where_a_killed_process_left_its_work_holds_nothing_up(tmp_path, name, put):
    folder = tmp_path / "m"
    folder.mkdir()
    put(folder / name)

    with versions.workplace(folder):
        pass


def test_a_latest_that_only_another_user_may_replace_is_found_before_the_wait(tmp_path, monkeypatch):
    (tmp_path / "LATEST").write_text("x")
    tmp_path.chmod(0o1777)
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)

    with pytest.raises(ArtifactError, match=r"LATEST could not be written \(only its owner may replace it"):
        require_writable(tmp_path)


def test_a_folder_in_the_place_of_latest_is_found_before_the_wait(tmp_path):
    (tmp_path / "LATEST").mkdir()

    with pytest.raises(ArtifactError, match="LATEST could not be written"):
        require_writable(tmp_path)
