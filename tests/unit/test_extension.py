"""Extensions are listed without being imported, added under free names, and found in installed packages."""

import importlib.metadata
import re
import sys

import pytest

from data_science import BayesianLogitModel, FitSettings, SpecificationError
from data_science.extension import ENGINES, Registry
from data_science.settings import Settings

METADATA = "Metadata-Version: 2.1\nName: others-engines\nVersion: 1\n"
POINTS = "[data_science.tests]\nfast = others_engines.fast\nkept = others_engines:KEPT\nown = nowhere\n"
#: Homes of an installed package that cannot be imported, and why.
BROKEN = {
    "no.such.module": "ModuleNotFoundError: No module named 'no'",
    "others_engines:ABSENT": "AttributeError",
    "others_engines.raising": "ZeroDivisionError: division by zero",
    "others_engines.unreadable": "SyntaxError",
    "not a home": "AttributeError",
}


@pytest.fixture
def registry():
    return Registry("test", {"own": "json.decoder"})


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a package with two entry points, and one under a name that is taken."""
    about = tmp_path / "others_engines-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(METADATA)
    (about / "entry_points.txt").write_text(POINTS)
    package = tmp_path / "others_engines"
    package.mkdir()
    (package / "__init__.py").write_text("KEPT = 'kept'\n")
    (package / "fast.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("others_engines", "others_engines.fast"):
        sys.modules.pop(name, None)


@pytest.fixture
def toy():
    ENGINES.register("toy", "no.such.module")
    yield
    ENGINES.unregister("toy")


def test_an_extension_is_imported_when_it_is_loaded(registry):
    assert registry.load("own").__name__ == "json.decoder"


def test_an_extension_may_be_an_attribute_of_a_module(registry):
    registry.register("encoder", "json:dumps")

    assert registry.load("encoder")([]) == "[]"


def test_a_name_that_is_taken_is_refused(registry, installed):
    for name in ("own", "fast"):
        with pytest.raises(SpecificationError, match=f"test '{name}' is already registered"):
            registry.register(name, "json")


@pytest.mark.parametrize("home", BROKEN)
def test_an_installed_extension_that_cannot_be_imported_is_refused_by_name(
    registry, installed, tmp_path, home
):
    (tmp_path / "others_engines" / "raising.py").write_text("1 / 0\n")
    (tmp_path / "others_engines" / "unreadable.py").write_text("def\n")
    points = tmp_path / "others_engines-1.dist-info" / "entry_points.txt"
    points.write_text(f"[data_science.tests]\nbroken = {home}\n")

    assert "broken" in registry
    with pytest.raises(SpecificationError, match=re.escape(BROKEN[home])) as caught:
        registry.load("broken")
    said = f"test 'broken' is an installed package's, {home}, which cannot be imported ("
    assert str(caught.value).startswith(said)
    assert str(caught.value).endswith("Repair or uninstall that package, or name another test")


@pytest.mark.parametrize("name", [["own"], {"own": 1}, None, 3, b"own"])
def test_what_is_no_name_is_refused_with_the_names_there_are(registry, name):
    assert name not in registry
    with pytest.raises(SpecificationError, match="; expected one of 'own'"):
        registry.load(name)


def test_an_unknown_name_is_refused_with_the_names_there_are(registry):
    registry.register("other", "json")

    with pytest.raises(SpecificationError, match="test is 'third'; expected one of 'own', 'other'"):
        registry.load("third")


def test_extensions_of_installed_packages_are_found_after_those_registered(registry, installed):
    assert list(registry) == ["own", "fast", "kept"]
    assert registry.load("fast").__name__ == "others_engines.fast"
    assert registry.load("kept") == "kept"
    assert registry.load("own").__name__ == "json.decoder"


def test_an_extension_of_ours_is_loaded_without_asking_any_installed_package(registry, monkeypatch):
    """Asking takes as long as a small fit."""
    monkeypatch.setattr(importlib.metadata, "entry_points", None)

    assert "own" in registry
    assert registry.load("own").__name__ == "json.decoder"


def test_an_engine_that_is_registered_may_be_named_wherever_one_is_without_being_imported(toy):
    assert Settings.from_environment({"ENGINE": "toy"}).engine == "toy"
    assert FitSettings(engine="toy").engine == "toy"
    assert BayesianLogitModel(engine="toy").engine == "toy"


def test_a_model_with_an_unknown_engine_is_refused_with_the_names_there_are():
    with pytest.raises(SpecificationError, match="engine is 'toy'; expected one of 'nuts', 'nested-laplace'"):
        BayesianLogitModel(engine="toy")
