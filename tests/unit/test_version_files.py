"""Files of a version are read up to their limits and checked; a manifest describes plain files."""

import pytest

from data_science.errors import ArtifactError
from data_science.storage import layout, manifest, version_files


@pytest.mark.parametrize("n_bytes", [200, 201])
def test_latest_is_read_up_to_a_limit(tmp_path, n_bytes):
    (tmp_path / "LATEST").write_text("a" * n_bytes)

    with pytest.raises(
        ArtifactError, match="expected at most 200" if n_bytes > 200 else "expected the name of"
    ):
        layout.read_latest(tmp_path)


def test_a_file_is_read_up_to_its_limit_and_no_further(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")

    assert version_files.read_small(tmp_path / "file", 5) == b"12345"
    with pytest.raises(ArtifactError, match="has 5 bytes; expected at most 4"):
        version_files.read_small(tmp_path / "file", 4)


def test_large_files_are_checked_in_pieces_and_kept_only_if_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(version_files, "SMALL", 3)
    (tmp_path / "file").write_bytes(b"12345678")
    described = version_files.describe_files(tmp_path, ["file"])["file"]

    assert described["bytes"] == 8
    assert version_files.read_checked(tmp_path / "file", 8, described["sha256"]) == b"12345678"
    assert version_files.read_checked(tmp_path / "file", 8, described["sha256"], keep=False) == b""
    with pytest.raises(ArtifactError, match="was changed after training"):
        version_files.read_checked(tmp_path / "file", 8, "0" * 64, keep=False)


@pytest.mark.parametrize("number", ["1.5e3", "-0.25", "7"])
def test_finite_numbers_are_read_as_they_are_written(tmp_path, number):
    document = version_files.parse_json(b'{"n": %s}' % number.encode(), tmp_path / "file")

    assert document == {"n": float(number)}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_what_is_no_finite_number_is_refused(tmp_path, number):
    with pytest.raises(ArtifactError, match="is not JSON"):
        version_files.parse_json(b'{"n": [%s]}' % number.encode(), tmp_path / "file")


def test_a_folder_is_made_with_all_that_is_missing_above_it_and_may_be_there(tmp_path):
    for _ in range(2):
        version_files.make_folder(tmp_path / "a" / "b" / "c")

    assert (tmp_path / "a" / "b" / "c").is_dir()


@pytest.mark.parametrize(
    "files",
    [
        {"": {"bytes": 1, "sha256": ""}},
        {".": {"bytes": 1, "sha256": ""}},
        {"..": {"bytes": 1, "sha256": ""}},
        {"a/b": {"bytes": 1, "sha256": ""}},
        {"a\\b": {"bytes": 1, "sha256": ""}},
        {"a\0b": {"bytes": 1, "sha256": ""}},
        {"more": {"bytes": True, "sha256": ""}},
        {"more": {"bytes": 1.0, "sha256": ""}},
        {"more": {"bytes": 1, "sha256": 1}},
        {"more": [1, ""]},
    ],
    ids=repr,
)
def test_a_manifest_describes_plain_files_by_size_and_digest(files):
    required = {name: {"bytes": 1, "sha256": ""} for name in manifest.REQUIRED}

    assert manifest._describes_files(required | {"more": {"bytes": 2, "sha256": "x"}})
    assert not manifest._describes_files(required | files)


@pytest.mark.parametrize("missing", sorted(manifest.REQUIRED))
def test_a_manifest_describes_all_that_is_required(missing):
    named = {name: {"bytes": 1, "sha256": ""} for name in manifest.REQUIRED if name != missing}

    assert not manifest._describes_files(named)


@pytest.mark.parametrize("n_bytes", [4 * 2**20, 4 * 2**20 + 1])
def test_a_manifest_is_read_up_to_four_mib(tmp_path, n_bytes):
    (tmp_path / "manifest.json").write_bytes(b"{}".ljust(n_bytes))
    too_large = f"manifest.json has {n_bytes} bytes; expected at most 4194304"

    with pytest.raises(
        ArtifactError,
        match=too_large if n_bytes > 4 * 2**20 else "its own digest does not match|has format None",
    ):
        manifest.read_manifest(tmp_path)
