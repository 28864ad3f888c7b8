"""A stored model whose JSON was changed and sealed again is refused, or loads and answers; nothing else."""

import contextlib
import hashlib
import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from serving_cases import COMMON_FACTOR, ROW, predictor
from verdicts import Verdicts

from data_science.errors import ArtifactError, FeatureError
from data_science.storage import artifact
from data_science.storage.version_files import canonical, seal

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=3),
    st.just([]),
    st.just({}),
    st.sampled_from(["attr_a", "attr_b", "scd_a", "Intercept", -1, 0, 10**30, "../x", [[1]]]),
)


@pytest.fixture(scope="module", params=[None, COMMON_FACTOR], ids=["default", "common factor"])
def stored(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stored")
    model = predictor() if request.param is None else predictor(request.param)
    return artifact.save(
        folder, predictor=model, diagnostics={}, model_card="card", writers={},
        provenance={}, now=datetime(2026, 11, 22, tzinfo=UTC),
    )  # fmt: skip


def places(document, path=()):
    """Every place in a JSON document, as the keys that lead there."""
    yield path
    inner = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    for key, value in inner:
        yield from places(value, (*path, key))


def replaced(document, path, value):
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    if value is ... and len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = replaced(copy[path[0]], path[1:], value)
    return copy


def load_with(stored, folder, manifest, document):
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(stored, folder)
    if document is not None:
        content = canonical(document) if isinstance(document, dict) else json.dumps(document).encode()
        (folder / "predictor.json").write_bytes(content)
        manifest["files"]["predictor.json"] = {
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    (folder / "manifest.json").write_bytes(seal(manifest))
    loaded = artifact.load(folder)
    with contextlib.suppress(FeatureError):
        assert loaded.predictor.predict_one(ROW) in (0, 1)


@pytest.mark.parametrize("name", ["predictor.json", "manifest.json"])
def test_one_changed_value_sealed_again_is_refused_or_served(stored, tmp_path, name):
    whole = json.loads((stored / name).read_bytes())
    verdicts = Verdicts(ArtifactError)

    @settings(max_examples=150)
    @given(data=st.data())
    def load_changed(data):
        manifest = json.loads((stored / "manifest.json").read_bytes())
        path = data.draw(st.sampled_from([p for p in places(whole) if p]))
        changed = replaced(whole, path, data.draw(st.one_of(VALUES, st.just(...))))
        if name == "manifest.json":
            manifest = changed
        manifest.pop("sha256", None)

        with verdicts:
            load_with(stored, tmp_path / stored.name, manifest, changed if name == "predictor.json" else None)

    load_changed()
    verdicts.require(3)
