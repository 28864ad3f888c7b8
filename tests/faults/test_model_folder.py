"""A model folder that cannot take a version is found before the job waits for anything, not after the fit."""

import subprocess
import sys

import pytest
from job import ROOT

from data_science.errors import ArtifactError
from data_science.storage.writing import require_writable
from tests.environment import inherited

NOWHERE = {"DB_HOSTNAME": "127.0.0.1", "DB_PORT": "1", "DS_DB_USER": "u", "DS_DB_PASSWORD": "p"}


def train(folder, *before, **environment):
    """Run a job that would wait for its database until the limit."""
    return subprocess.run(
        [*before, sys.executable, "main.py"],
        cwd=ROOT,
        env={**inherited(), **NOWHERE, "MODEL_FOLDER": str(folder), "WAIT_TIMEOUT_S": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_folder_is_made_with_those_above_it_and_nothing_is_left_in_it(tmp_path):
    require_writable(tmp_path / "of" / "models")

    assert list((tmp_path / "of" / "models").iterdir()) == []


def test_what_is_in_a_folder_stays_as_it_is(tmp_path):
    (tmp_path / ".lock").write_text("held")
    (tmp_path / "LATEST").write_text("a name")

    require_writable(tmp_path)

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        ".lock": "held",
        "LATEST": "a name",
    }


@pytest.mark.parametrize("below", ["", "models", "models/of/mine"])
def test_a_file_in_the_place_of_the_folder_or_above_it_is_named(below, tmp_path):
    (tmp_path / "file").write_text("mine")

    with pytest.raises(
        ArtifactError, match=r"file.* could not be written \(a file is in its place, or above it\)"
    ):
        require_writable(tmp_path / "file" / below)

    assert (tmp_path / "file").read_text() == "mine"


def test_a_link_that_leads_nowhere_is_refused(tmp_path):
    (tmp_path / "models").symlink_to(tmp_path / "gone")

    with pytest.raises(ArtifactError, match="models could not be written"):
        require_writable(tmp_path / "models")


def test_a_full_disk_is_found_and_left_as_it_was(full_disk):
    with full_disk(16) as folder:
        with pytest.raises(ArtifactError, match=rf"^{folder} could not be written \(.*\); nothing was saved"):
            require_writable(folder)
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "fault", ["a read-only folder", "a folder that cannot be made", "another's lock", "a file"]
)
def test_the_job_says_so_before_it_waits_and_ends_with_code_2(fault, tmp_path, unprivileged):
    models = tmp_path / "models"
    if fault == "a file":
        models.write_text("mine")
    elif fault == "a folder that cannot be made":
        tmp_path.chmod(0o555)
    else:
        models.mkdir()
        (models / ".lock").touch()
        (models if fault == "a read-only folder" else models / ".lock").chmod(0o555)

    ended = train(models, *unprivileged)
    tmp_path.chmod(0o755)

    assert ended.returncode == 2, ended.stderr
    assert f"{models}" in ended.stderr
    assert "could not be written" in ended.stderr
    assert "no model was saved" in ended.stderr
    for later in ("waiting for", "starting an embedded", "importing"):
        assert later not in ended.stderr


def test_the_embedded_database_is_not_started_in_vain(tmp_path):
    (tmp_path / "models").write_text("mine")

    ended = train(tmp_path / "models", DB_HOSTNAME="")

    assert ended.returncode == 2
    assert "starting an embedded" not in ended.stderr


def test_a_folder_that_can_be_written_lets_the_job_wait_without_the_libraries_for_training(tmp_path):
    program = (
        "import sys, main; code = main.main([]);"
        "print(code, [name for name in ('pymc', 'arviz', 'bambi', 'scipy', 'numba') if name in sys.modules])"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**inherited(), **NOWHERE, "MODEL_FOLDER": str(tmp_path), "WAIT_TIMEOUT_S": "0.5"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert ended.stdout == "3 []\n"
    assert "waiting for feature_store at 127.0.0.1:1" in ended.stderr
