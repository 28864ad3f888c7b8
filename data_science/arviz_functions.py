"""ArviZ's own functions of arrays (``ess``, ``rhat``, ``bfmi``, ``psislw``), without the rest of ArviZ.

``arviz_stats.base`` needs NumPy and SciPy alone, but importing it runs ``arviz_stats/__init__`` first, which
takes a fifth of a second more for plots' statistics and other samplers' formats.
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

_PACKAGE, _BASE = "arviz_stats", "arviz_stats.base"


def _imported() -> Any:
    """Import them beneath bare parents, which leave no trace: a later ``import arviz_stats`` is whole."""
    found = find_spec(_PACKAGE)
    if _PACKAGE in sys.modules or found is None or not found.submodule_search_locations:
        return import_module(f"{_BASE}.array").array_stats
    (root, *_) = found.submodule_search_locations
    try:
        for name, folder in ((_PACKAGE, root), (_BASE, f"{root}/base")):
            bare = ModuleType(name)
            bare.__path__ = [folder]
            bare.__spec__ = ModuleSpec(name, None, is_package=True)
            sys.modules[name] = bare
        return import_module(f"{_BASE}.array").array_stats
    finally:
        for name in [name for name in sys.modules if name == _PACKAGE or name.startswith(f"{_PACKAGE}.")]:
            del sys.modules[name]


array_stats: Any = _imported()
