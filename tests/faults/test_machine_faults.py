"""The machine fails: no space, no permission, SIGKILL, another training at the same time."""

import random
import shutil
import time
from pathlib import Path

import pytest
from job import Job, is_documented, train

from data_science.errors import ArtifactError
from data_science.storage import artifact, layout


@pytest.fixture
def models(first, tmp_path: Path) -> Path:
    """A folder with one model."""
    folder = tmp_path / "models"
    shutil.copytree(first.folder, folder)
    return folder


@pytest.mark.util_linux
def test_a_file_that_cannot_be_written_whole_ends_the_job_with_code_2(company, models):
    before = artifact.load(models).path.name

    ended = train(company, models, "prlimit", "--fsize=100000")

    assert ended.code == 2, ended.said
    assert is_documented(ended), ended.said
    assert "could not be written" in ended.said
    assert (
        "importing" in ended.said
    )  # it failed where a version is written, not at the first look at the folder
    assert artifact.load(models).path.name == before
    assert [path.name for path in models.iterdir() if path.name.startswith(".saving")] == []


@pytest.mark.util_linux
def test_a_full_disk_ends_a_save_with_an_error_that_says_so(full_disk, fitted):
    for kb in (4, 50, 120, 600):
        with full_disk(kb) as folder:
            with pytest.raises(ArtifactError, match=r"written \((No space left on device|File too large)\)"):
                fitted.save(folder / "models")
            assert [path.name for path in (folder / "models").iterdir()] == [".lock"]


@pytest.mark.util_linux
def test_a_folder_that_may_not_be_written_ends_the_job_with_code_2(company, models, unprivileged):
    before = artifact.load(models).path.name
    models.chmod(0o555)

    ended = train(company, models, *unprivileged)

    assert ended.code == 2, ended.said
    assert "could not be written (Permission denied)" in ended.said
    assert artifact.load(models).path.name == before


def killed_somewhere(company, models, seed, duration_s):
    moments = random.Random(seed)
    before = artifact.load(models).path.name
    job = Job(company, models, SEED=str(seed))
    time.sleep(moments.uniform(0.4, 1.1) * duration_s)
    job.kill()
    ended = job.end()
    loaded = artifact.load(models)
    assert loaded.fallback is None
    assert (loaded.path.name != before) or ended.code == -9
    return ended.code


def test_sigkill_at_a_random_moment_leaves_a_model_and_the_next_run_sweeps_up(company, models, first, warm):
    for seed in range(2):
        killed_somewhere(company, models, seed, first.ended.seconds)

    assert train(company, models, program=warm).code == 0
    left = [path.name for path in models.iterdir() if path.name.startswith((".saving", ".trash"))]
    assert left == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_sigkill_at_many_random_moments_never_loses_a_model(company, models, first):
    codes = [killed_somewhere(company, models, seed, first.ended.seconds) for seed in range(40)]

    assert codes.count(-9) > 10
    assert train(company, models).code == 0


def test_two_trainings_at_once_store_two_good_versions(company, models, warm):
    jobs = [Job(company, models, program=warm, SEED=str(seed)) for seed in (11, 12)]

    ends = [job.end() for job in jobs]

    assert [ended.code for ended in ends] == [0, 0], ends
    versions = [path for path in models.iterdir() if layout.NAME.fullmatch(path.name)]
    assert len(versions) == 3
    assert all(artifact.is_good(version) for version in versions)
    assert artifact.load(models).path == max(versions)
