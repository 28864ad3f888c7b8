"""One thread of BLAS and OpenMP around small matrices, for which several only wait for each other."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold every library that is loaded to one thread; nests."""
    with _libraries(len(sys.modules)).limit(limits=1):
        yield


@lru_cache(maxsize=1)
def _libraries(n_modules: int) -> ThreadpoolController:  # noqa: ARG001 (what was imported may have brought one)
    """Look for them; that takes milliseconds, and a fit asks several times."""
    return ThreadpoolController()
