"""Makes the helper modules of this folder importable by its tests; and folders of versions that they may damage."""

import shutil
import sys
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from saved_models import NOW, save
from serving_cases import predictor


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with an older and a newer version; tests that damage it work on a copy."""
    folder = tmp_path_factory.mktemp("saved") / "models"
    save(folder, predictor(seed=1))
    save(folder, predictor(seed=2), now=NOW + timedelta(days=1))
    return folder


@pytest.fixture
def models(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "models"))


@pytest.fixture
def newest(models):
    return max(models.glob("2*"))
