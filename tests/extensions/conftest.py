"""Extensions that a test writes itself, on the path and registered for as long as it runs."""

import importlib
import sys
import textwrap
from contextlib import ExitStack

import pytest

from data_science import extension


@pytest.fixture
def added(tmp_path, monkeypatch):
    """``added(registry, name, module, source, attribute)``: write a module and register what is in it."""
    folder = tmp_path / "extensions"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    with ExitStack() as afterwards:

        def add(
            registry: extension.Registry, name: str, module: str, source: str, attribute: str = ""
        ) -> None:
            (folder / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
            importlib.invalidate_caches()
            registry.register(name, f"{module}:{attribute}" if attribute else module)
            afterwards.callback(sys.modules.pop, module, None)
            afterwards.callback(registry.unregister, name)

        yield add
