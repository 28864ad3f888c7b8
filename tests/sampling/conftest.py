"""Makes the helper modules of this folder importable by its tests; says where the published cases are."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def without_windows() -> None:
    """Draw plots into memory."""
    import matplotlib as mpl

    mpl.use("agg")


@pytest.fixture(scope="session")
def cases() -> Path:
    """Folder of published data sets with reference values."""
    return Path(__file__).parent.parent / "cases"
