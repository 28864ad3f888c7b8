"""What may not be read or written is named."""

import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest
from saved_models import save

from data_science.errors import ArtifactError
from data_science.storage.artifact import load


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
