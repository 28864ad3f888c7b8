"""Libraries of linear algebra are held to one thread where matrices are small, and looked for as seldom as may be."""

import sys
from types import ModuleType

from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

from data_science import one_thread as held
from data_science.one_thread import one_thread


def threads():
    return {pool["num_threads"] for pool in threadpool_info()}


def test_all_are_held_to_one_thread_until_the_outermost_ends():
    with threadpool_limits(2):
        with one_thread():
            with one_thread():
                assert threads() == {1}
            assert threads() == {1}
        assert threads() == {2}


def test_they_are_looked_for_anew_only_after_something_was_imported(monkeypatch):
    found = []
    monkeypatch.setattr(held, "ThreadpoolController", lambda: found.append(1) or ThreadpoolController())
    held._libraries.cache_clear()

    for _ in range(3):
        with one_thread():
            pass
    assert len(found) == 1

    monkeypatch.setitem(sys.modules, "a library that has just been imported", ModuleType("library"))
    with one_thread():
        pass
    assert len(found) == 2
