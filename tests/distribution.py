"""How the tests share the cores: which of them stay together on one worker, which go first, and no deadlines.

A module stays on one worker of pytest-xdist, so that its fixtures are made once; so do the modules that share
an expensive fixture of the session. The longest go first, so that the workers end together. Without workers
the order is pytest's own. Changes when a module begins to share something, or becomes long.
"""

import gc
import os

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

# The images; one book and one browser; one server and its first job.
TOGETHER = {
    "the containers": ("tests/containers/test_demo.py", "tests/containers/test_images.py"),
    "the book": (
        "tests/book/test_site.py",
        "tests/book/test_build.py",
        "tests/book/test_paper.py",
        "tests/book/test_visiting.py",
    ),
    "the faults": (
        "tests/faults/test_database_faults.py",
        "tests/faults/test_machine_faults.py",
        "tests/faults/test_secrets.py",
    ),
}
# From about 10 s on, as `pytest --durations=60` shows them; all others follow in pytest's order. While the first
# fits, what a fresh clone lacks is compiled: the other workers begin with what compiles nothing, and waits.
LONGEST_FIRST = (
    "the containers",
    "the book",
    "tests/integration/test_feature_store_waiting.py",
    "tests/integration/test_de_server.py",
    "tests/deployment/test_openapi.py",
    "the faults",
    "tests/site/test_pages.py",
    "tests/sampling/test_many_groups.py",
    "tests/sampling/test_published_cases.py",
    "tests/trust/test_gate_power.py",
    "tests/integration/test_main.py",
    "tests/trust/test_calibration.py",
    "tests/sampling/test_public_api.py",
    "tests/sampling/test_bambi_tools.py",
    "tests/sampling/test_posterior_against_bambi.py",
    "tests/trust/test_noise.py",
    "tests/sklearn/test_classifier.py",
    "tests/sampling/test_bambi_door.py",
    "tests/sampling/test_collapsed.py",
    "tests/sampling/test_kernel.py",
    "tests/unit/test_rhat_by_chance.py",
    "tests/unit/test_stamp.py",
    "tests/sampling/test_loo.py",
    "tests/warehouse/test_scoring_duckdb.py",
    "tests/unit/test_roles.py",
    "tests/sampling/test_density_against_bambi.py",
    "tests/unit/test_evidence.py",
    "tests/compatibility/test_mle_variants.py",
    "tests/warehouse/test_scoring_postgres.py",
    "tests/extensions/test_toys.py",
    "tests/integration/test_artifact_kill.py",
    "tests/integration/test_signal_truth.py",
    "tests/unit/test_pipeline.py",
    "tests/integration/test_feature_store_stopping.py",
    "tests/deployment/test_durability.py",
    "mle/tests/test_contract.py",
    "tests/unit/test_commit_truth.py",
    "tests/deployment/test_model_swap.py",
    "tests/unit/test_diagnostics.py",
    "tests/unit/test_column_names.py",
    "tests/integration/test_registry_kill.py",
    "tests/test_docs.py",
    "tests/warehouse/test_scoring_traps.py",
)
_GROUPS = {module: group for group, modules in TOGETHER.items() for module in modules}
_RANKS = {group: rank for rank, group in enumerate(LONGEST_FIRST)}


def group_of(nodeid: str) -> str:
    """Name the tests that must run on the same worker as this one: its module, or what that belongs to."""
    module = nodeid.split("::")[0]
    return _GROUPS.get(module, module)


class ByGroup(LoadScopeScheduling):
    """Hands out whole groups, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes():
    # Every core has a worker; more threads of linear algebra would wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    if config.getvalue("dist") != "load":  # somebody asked for another way
        return None
    config.option.loadscopereorder = False
    return ByGroup(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    # What is collected lives to the end: to look through it for garbage is a third of what collection costs.
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _RANKS.get(group_of(item.nodeid), len(_RANKS)))


def pytest_configure(config):
    # On a busy machine an example may take any time; a test that hangs is ended by its `timeout`.
    settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("busy")
