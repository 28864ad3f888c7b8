"""Leaves out the tests whose need this machine does not meet, and names them at the end; where it must, they fail.

A need is a marker: the list of needs is in `bin/system_needs.py`, that of tests is their marks.
"""

from functools import cache

import pytest

from bin.system_needs import NEEDS, Need

#: Name of each need that is not met: why, and the tests that were left out for it.
LEFT_OUT = pytest.StashKey[dict[str, tuple[str, list[str]]]]()


@cache
def obstacle_of(need: Need) -> str | None:
    return need.obstacle()


def pytest_configure(config):
    config.stash[LEFT_OUT] = {}
    for need in NEEDS:
        config.addinivalue_line(
            "markers", f"{need.name}: left out where the machine lacks it; see bin/system_needs.py"
        )


@pytest.hookimpl(trylast=True)  # after what the command line deselects
def pytest_collection_modifyitems(config, items):
    for need in NEEDS:
        ours = [item for item in items if item.get_closest_marker(need.name)]
        if not ours or need.required or (obstacle := obstacle_of(need)) is None:
            continue
        items[:] = [item for item in items if not item.get_closest_marker(need.name)]
        config.hook.pytest_deselected(items=ours)
        config.stash[LEFT_OUT][need.name] = (obstacle, [item.nodeid for item in ours])
    if hasattr(config, "workeroutput"):
        config.workeroutput["left_out"] = config.stash[LEFT_OUT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """Take over what a worker of pytest-xdist left out: the controller collects nothing, and all workers the same."""
    told = getattr(node, "workeroutput", {}).get("left_out", {})
    node.config.stash[LEFT_OUT].update({name: tuple(found) for name, found in told.items()})


@pytest.hookimpl(tryfirst=True)  # before any fixture works for minutes
def pytest_runtest_setup(item):
    for need in NEEDS:
        if item.get_closest_marker(need.name) and (obstacle := obstacle_of(need)):
            pytest.fail(need.complaint(obstacle), pytrace=False)


def pytest_sessionfinish(session, exitstatus):
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and session.config.stash[LEFT_OUT]:
        session.exitstatus = pytest.ExitCode.OK  # there were tests, and the summary says why none ran


def pytest_terminal_summary(terminalreporter, config):
    left_out = config.stash[LEFT_OUT]
    for need in NEEDS:
        if need.name in left_out:
            obstacle, tests = left_out[need.name]
            terminalreporter.section(f"{len(tests)} tests did not run: {need.name}", yellow=True)
            terminalreporter.write_line(f"{obstacle}. {need.remedy}", yellow=True, bold=True)
            for test in tests:
                terminalreporter.write_line(test)
