"""Run the contract on a class named on the command line; further arguments go to pytest."""

import sys

import pytest


def main(arguments: list[str]) -> int:
    """Exit code of the contract's run."""
    if not arguments or ":" not in arguments[0]:
        sys.stderr.write("usage: python -m machine_learning_engineering.contract package.module:Class ...\n")
        return 2
    plugin = ["-p", "machine_learning_engineering.contract.plugin"]
    suite = ["--pyargs", "machine_learning_engineering.contract.test_given_model"]
    return int(pytest.main([*plugin, *suite, "--mle-model", *arguments]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
