"""Files that a stranger may have written: bounded before they are parsed, finite, and one kind of error."""

import hashlib
import io
import json
import shutil
import struct
import tracemalloc
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serving_cases import predictor

from data_science.errors import ArtifactError
from data_science.prediction.correction import Correction
from data_science.storage import artifact
from data_science.storage import predictor_format as form
from data_science.storage.version_files import parse_json, seal, unseal

NOWHERE = Path("version")
CORRECTED = replace(
    predictor(n_draws=17), correction=Correction(0.0123, 0.005, np.diag(np.arange(1.0, 13.0)))
)
GOOD = form.to_npz(CORRECTED)


def with_header(header, name="draws"):
    """Return draws whose one array has another header, or other bytes at its beginning."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as good, zipfile.ZipFile(stream, "w") as forged:
        for member in good.namelist():
            data = good.read(member)
            if member == f"{name}.npy":
                data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data[128:]
            forged.writestr(member, data)
    return stream.getvalue()


SHAPE = b"{'descr': '<f8', 'fortran_order': False, 'shape': (17, 12), }"


def test_a_header_as_numpy_writes_it_is_read_however_it_is_padded():
    for padding in (b"\n", b" " * 21 + b"\n"):
        read = form.construct(form.to_json(CORRECTED), with_header(SHAPE + padding), NOWHERE)
        assert read.draws.tolist() == CORRECTED.draws.tolist()


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"(" * 60_000,
        b"[" * 60_000 + b"]" * 5_000,
        b"{'descr': '''",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (17, 12), 'more': " + b"-" * 50_000 + b"1}",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (" + b"9" * 5_000 + b",), }\n",
        b"{'descr': '|O', 'fortran_order': False, 'shape': (17, 12), }\n",
        b"{'descr': '<f8', 'fortran_order': True, 'shape': (17, 12), }\n",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (12, 17), }\n",
        b"\x00" * 100,
        b"\xff\xfe" * 50,
        SHAPE + b"\n\n",
    ],
    ids=range(12),
)
@pytest.mark.parametrize("name", ["draws", "covariance"])
def test_any_other_header_is_one_error_that_names_the_file(header, name):
    with pytest.raises(ArtifactError, match=r"draws\.npz does not contain the draws"):
        form.construct(form.to_json(CORRECTED), with_header(header, name), NOWHERE)


@settings(max_examples=300)
@given(st.data())
def test_draws_with_any_bytes_changed_are_read_or_are_one_error(data):
    forged = bytearray(GOOD)
    for place in data.draw(st.lists(st.integers(0, len(forged) - 1), max_size=6)):
        forged[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(forged)))

    for content in (bytes(forged), bytes(forged[:cut])):
        try:
            read = form.construct(form.to_json(CORRECTED), content, NOWHERE)
        except ArtifactError:
            continue
        assert np.isfinite(read.draws).all()
        assert np.isfinite(read.correction.covariance).all()


BAD = [np.nan, np.inf, -np.inf]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", ["draws", "group_sd_draws", "covariance"])
def test_a_number_that_is_not_finite_is_neither_stored_nor_served(name, bad):
    spoilt = {"draws": CORRECTED.draws.copy(), "group_sd_draws": CORRECTED.group_sd_draws.copy()}
    covariance = CORRECTED.correction.covariance.copy()
    (covariance if name == "covariance" else spoilt[name])[-1, -1] = bad

    with pytest.raises((ArtifactError, ValueError), match=r"nothing was saved|expected finite numbers"):
        form.to_npz(
            replace(CORRECTED, **spoilt, correction=replace(CORRECTED.correction, covariance=covariance))
        )

    stream = io.BytesIO()
    np.savez(stream, **spoilt, covariance=covariance)
    with pytest.raises(ArtifactError, match=f"{name} has numbers that are not finite"):
        form.construct(form.to_json(CORRECTED), stream.getvalue(), NOWHERE)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "-Infinity", "1" + "0" * 400])
@pytest.mark.parametrize("key", ["coefficients", "threshold", "correction"])
def test_a_number_in_json_that_is_not_finite_is_not_served(key, number):
    document = json.loads(form.to_json(CORRECTED))
    place = {
        "coefficients": ["coefficients", 0],
        "threshold": ["threshold"],
        "correction": ["correction", "gap"],
    }[key]
    *above, last = place
    inner = document
    for part in above:
        inner = inner[part]
    inner[last] = "HERE"
    forged = json.dumps(document).replace('"HERE"', number).encode()

    with pytest.raises(ArtifactError):
        artifact_of(forged)


def artifact_of(document):
    read = form.construct(document, GOOD, NOWHERE)
    form.reproduce(read, form.probe(CORRECTED), NOWHERE)


NESTED = {
    "lists": b'{"a": ' + b"[" * 32_000 + b"]" * 32_000 + b"}",
    "objects": b'{"a": ' * 8_000 + b"1" + b"}" * 8_000,
    "both": b'{"a": [' * 500 + b"]}" * 500,
    "4 MB of lists": b'{"a": ' + b"[" * 2_000_000 + b"]" * 2_000_000 + b"}",
    "never closed": b"[" * 4_000_000,
    "never opened": b"]" * 4_000_000,
    "quotes": b'"' + rb"\"" * 100_000,
}


@pytest.mark.parametrize("content", NESTED.values(), ids=NESTED)
def test_nesting_is_refused_before_it_is_parsed(content):
    tracemalloc.start()
    try:
        with pytest.raises(ArtifactError, match="is not JSON"):
            parse_json(content, NOWHERE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 30 * len(content) + 2**20  # it was a thousand times


def test_brackets_in_text_are_no_nesting():
    document = {"a": "[" * 1_000, 'b"[[': '\\"' + "{" * 1_000, "c": [[["\\"]]]}

    assert parse_json(json.dumps(document).encode(), NOWHERE) == document


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8) | st.just("sha256"), inner, max_size=3)
    ),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.text(max_size=8), JSON, min_size=1, max_size=4).map(
    lambda document: {key: value for key, value in document.items() if key != "sha256"} or {"a": 1}
)


@settings(max_examples=300)
@given(DOCUMENTS, st.data())
def test_what_was_sealed_is_unsealed_and_any_changed_byte_is_found(document, data):
    sealed = seal(document)
    assert unseal(sealed, NOWHERE) == document

    place = data.draw(st.integers(0, len(sealed) - 1))
    changed = bytearray(sealed)
    changed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ArtifactError):
        unseal(bytes(changed), NOWHERE)
    for other in (sealed[:place], sealed + b"\n", sealed[:place] + b" " + sealed[place:]):
        with pytest.raises(ArtifactError):
            unseal(other, NOWHERE)


def test_a_version_whose_header_is_malformed_gives_way_to_an_older_good_one(tmp_path):
    def save(seed):
        return artifact.save(
            tmp_path, predictor=predictor(seed=seed, n_draws=17), diagnostics={}, model_card="", writers={},
            provenance={}, now=datetime(2026, 11, 22, tzinfo=UTC),
        )  # fmt: skip

    older, newest = save(1), save(2)
    draws = with_header(b"{'descr': '''", "draws")
    (newest / "draws.npz").write_bytes(draws)
    manifest = json.loads((newest / "manifest.json").read_bytes())
    del manifest["sha256"]
    manifest["files"]["draws.npz"] = {"bytes": len(draws), "sha256": hashlib.sha256(draws).hexdigest()}
    (newest / "manifest.json").write_bytes(seal(manifest))

    loaded = artifact.load(tmp_path)

    assert loaded.path == older
    assert "draws.npz does not contain the draws" in loaded.fallback
    shutil.rmtree(newest)
