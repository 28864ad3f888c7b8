"""Compiled code on disk that goes stale with its sources, wherever they are.

Numba's own cache looks at the file of the function that is compiled, not at those that it calls: an upgrade
that changes a prior's density alone would keep sampling the old one. Here the stamp of a cached function is
a digest of every file that takes part in it, and of the constants that are frozen into it.
"""

from __future__ import annotations

import hashlib
import inspect
import logging
import marshal
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, cast

from numba import njit
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    InTreeCacheLocator,
    UserProvidedCacheLocator,
    UserWideCacheLocator,
)

log = logging.getLogger(__name__)
_LIBRARIES = {"builtins", "numba", "numpy", "scipy"}
_FROZEN = (bool, int, float, complex, str, bytes, tuple)  # globals of these types become constants


def compiled[F: Callable[..., Any]](function: F, **options: Any) -> F:
    """Compile on first use, and for all runs where a cache can be written.

    Parameters
    ----------
    function : callable
        It may call other compiled functions, of any module.
    **options
        As for :func:`numba.njit`.
    """
    dispatcher = njit(**options)(function)
    try:
        dispatcher._cache = Cache(function)
    except RuntimeError:  # numba found no folder to write to
        say_uncached()
    return cast("F", dispatcher)


def say_uncached() -> None:
    """Tell how to keep compiled code."""
    log.info("no writable cache for compiled code: set NUMBA_CACHE_DIR to save seconds in every run")


def stamp(function: Callable[..., Any]) -> str:
    """Digest of the source files and constants that make ``function`` what it is."""
    digest = hashlib.sha256()
    for part in sorted(set(_parts(function, set()))):
        digest.update(part)
    return digest.hexdigest()


def named[F: Callable[..., Any]](function: F, *content: object) -> F:
    """Name a function that was made at run time by what it is made of, and return it.

    Numba's symbol of compiled code is the qualified name and a number, counted by each process for itself.
    Two functions of one name, one of them read from disk, can so have one symbol, and then whichever was
    loaded first is called for both.

    Parameters
    ----------
    function : callable
    *content
        What tells it from others of its name: functions, which count by their stamp, and constants.
    """
    digest = hashlib.sha256()
    for part in content:
        source = f"{part.__module__}.{part.__qualname__}" if isinstance(part, FunctionType) else repr(part)
        digest.update(f"{source} {stamp(part) if isinstance(part, FunctionType) else ''}\n".encode())
    function.__qualname__ = f"{function.__qualname__}-{digest.hexdigest()[:16]}"
    return function


def _parts(thing: Any, seen: set[int]) -> Iterator[bytes]:
    """Yield what a function and all that it names are made of; a library's part is in numba's version."""
    thing = getattr(thing, "py_func", thing)  # a compiled function is its source
    if id(thing) in seen or not isinstance(thing, FunctionType | type) or _root(thing) in _LIBRARIES:
        return
    seen.add(id(thing))
    yield _source(thing)
    if isinstance(thing, FunctionType):
        for name, value in _named(thing):
            if isinstance(value, _FROZEN):
                yield f"{thing.__module__}.{name}={value!r}".encode()
            yield from _parts(value, seen)


def _root(thing: FunctionType | type) -> str:
    """Name of the package that a thing is of."""
    return (thing.__module__ or "").partition(".")[0]


def _source(thing: FunctionType | type) -> bytes:
    """Contents of the file; of what was typed into an interpreter or a notebook, the code itself."""
    try:
        return Path(inspect.getfile(thing)).read_bytes()
    except (OSError, TypeError):
        if isinstance(thing, FunctionType):
            return marshal.dumps(thing.__code__)
        return f"{thing.__module__}.{thing.__qualname__}{getattr(thing, '_fields', ())}".encode()


def _named(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Values that a function takes from outside its body: globals, members of modules, closure, defaults."""
    outside = inspect.getclosurevars(function)
    defaults = {f"default {place}": value for place, value in enumerate(function.__defaults__ or ())}
    for name, value in {**outside.globals, **outside.nonlocals, **defaults}.items():
        yield name, value
        if isinstance(value, ModuleType):
            members = filter(partial(hasattr, value), function.__code__.co_names)
            yield from ((f"{name}.{member}", getattr(value, member)) for member in members)


class _Stamped:
    """A locator whose stamp covers all sources of the function that it is made for."""

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        super().__init__(function, file)  # type: ignore[call-arg]
        self._stamp = stamp(function)

    def get_source_stamp(self) -> str:
        """Return what must be the same for a cached result to be used."""
        return self._stamp


class _UserProvided(_Stamped, UserProvidedCacheLocator):
    """In ``NUMBA_CACHE_DIR``."""


class _InTree(_Stamped, InTreeCacheLocator):
    """Beside the source."""


class _UserWide(_Stamped, UserWideCacheLocator):
    """In the user's cache folder."""


class _CacheImpl(CompileResultCacheImpl):
    _locator_classes = (_UserProvided, _InTree, _UserWide)


class Cache(FunctionCache):
    """A folder of compiled code, by the stamp of its sources."""

    _impl_class = _CacheImpl

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return what was compiled before; where there is nothing, say what the next seconds go into."""
        found = super().load_overload(sig, target_context)
        if found is None:
            _say_compiling(self._py_func.__name__.lstrip("_"))
        return found


@cache
def _say_compiling(name: str) -> None:
    """Say it once, however many kinds of arguments a function is compiled for."""
    log.info("compiling %s for this machine: some seconds, once for all runs", name)
