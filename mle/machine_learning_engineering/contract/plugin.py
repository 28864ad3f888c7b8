"""The options of the contract's command line, for ``pytest -p``."""

from pkgutil import resolve_name

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what names the model under contract."""
    group = parser.getgroup("contract of MLEModel")
    group.addoption(
        "--mle-model", metavar="MODULE:CLASS", help="the model, or any callable that makes an unfitted one"
    )
    group.addoption(
        "--mle-dataset",
        metavar="MODULE:FUNCTION",
        help="makes the frame to fit on (default: a small synthetic feature_store)",
    )


def named(config: pytest.Config, option: str) -> object:
    """Return the object that an option names, None if the option was not given.

    Raises
    ------
    pytest.UsageError
        If there is no such module or name in it.
    """
    name = config.getoption(option)
    if name is None:
        return None
    try:
        return resolve_name(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise pytest.UsageError(f"{option} {name}: {error}; expected package.module:name") from error
