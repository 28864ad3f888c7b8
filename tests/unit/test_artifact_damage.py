"""A file that is not what training wrote is found, named and never run."""

import os
import pickle
import shutil

import pytest
from saved_models import FILES, Bomb

from data_science.errors import ArtifactError
from data_science.storage.artifact import is_good, load, load_bambi_model, open_posterior


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_any_flipped_byte_is_found_and_the_file_named(models, newest, name):
    original = (newest / name).read_bytes()
    step = max(1, len(original) // 150)

    for place in [*range(0, len(original), step), len(original) - 1]:
        flipped = bytearray(original)
        flipped[place] ^= 1 << (place % 8)
        (newest / name).write_bytes(flipped)
        with pytest.raises(ArtifactError, match=name):
            load(newest)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99, 1.01])
def test_a_truncated_or_extended_file_is_found_and_named(models, newest, name, share):
    original = (newest / name).read_bytes()
    (newest / name).write_bytes((original * 2)[: int(len(original) * share) + (share > 1)])

    with pytest.raises(ArtifactError, match=name):
        load(newest)


@pytest.mark.parametrize("name", ["predictor.json", "draws.npz", "manifest.json"])
def test_files_swapped_between_versions_are_found(models, name):
    old, new = sorted(models.glob("2*"))
    shutil.copy(old / name, new / name)

    with pytest.raises(ArtifactError, match=str(new)):
        load(new)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
@pytest.mark.parametrize("damage", ["missing", "folder", "pipe", "link", "pickle"])
def test_a_file_that_is_not_what_it_was_is_refused_and_never_run(models, newest, name, damage):
    content = (newest / name).read_bytes()
    (newest / name).unlink()
    if damage == "folder":
        (newest / name).mkdir()
    elif damage == "pipe":
        os.mkfifo(newest / name)
    elif damage == "link":
        (models / "elsewhere").write_bytes(content)
        (newest / name).symlink_to(models / "elsewhere")
    elif damage == "pickle":
        (newest / name).write_bytes(pickle.dumps(Bomb()))

    with pytest.raises(ArtifactError, match=name):
        load(newest)


def test_a_foreign_file_is_refused(newest):
    (newest / "sitecustomize.py").write_text("raise SystemExit")

    with pytest.raises(ArtifactError, match=r"sitecustomize.py is not in the manifest.*Move it away"):
        load(newest)


def test_a_damaged_posterior_is_not_opened(newest):
    (newest / "posterior.nc").write_bytes(b"x")

    with pytest.raises(ArtifactError, match=r"posterior\.nc has 1 bytes; expected 450"):
        open_posterior(newest)


def test_the_bambi_model_is_unpickled_only_on_request_and_only_if_it_is_ours(newest):
    assert load_bambi_model(newest, trust=True) == {"model": 1}
    with pytest.raises(ArtifactError, match="is a pickle, which can run any code; pass trust=True"):
        load_bambi_model(newest, trust=False)

    (newest / "bambi_model.cloudpickle").write_bytes(pickle.dumps(Bomb()))

    with pytest.raises(ArtifactError, match=r"bambi_model\.cloudpickle"):
        load_bambi_model(newest, trust=True)


def test_a_good_version_is_good_and_a_damaged_one_is_not(newest):
    assert is_good(newest)

    (newest / "model_card.md").write_text("better")

    assert not is_good(newest)
