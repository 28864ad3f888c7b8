"""Mutates a copy of the tree and says which changes no test notices: `make mutants`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from . import listed, sample, table
from .campaign import run
from .tests_of import LEFT_OUT

TREE = Path(__file__).parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one campaign; return 1 if an entry of the list by hand is nowhere in the tree."""
    options = _options(arguments)
    tree = options.tree.resolve()
    if options.named:
        mutants, complaints = listed.named(tree)
    else:
        complaints = []
        drawn = sample.draw(tree, options.per_package, options.seed, options.packages)
        mutants = {str(m): m for m in drawn}
    mutants = {shown: m for shown, m in mutants.items() if options.only in shown}
    print(*complaints, sep="\n", end="\n" * bool(complaints))
    if options.list:
        print(*mutants, sep="\n")
        return int(bool(complaints))

    results = run(tree, mutants, workers=options.workers, budget_s=options.budget, fresh=options.fresh)
    print("\n" + table.report(results))
    print("\nleft out: the slow tests, and")
    print(*(f"  {part}: {reason}" for part, reason in LEFT_OUT.items()), sep="\n")
    return int(bool(complaints))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants ARGS=...", description=__doc__)
    parser.add_argument("--named", action="store_true", help="the mutants of named.toml instead of a sample")
    parser.add_argument("--tree", type=Path, default=TREE, help="mutate another checkout, with its own tests")
    parser.add_argument("--per-package", type=int, default=10, help="mutants to draw of each package (10)")
    parser.add_argument("--seed", type=int, default=sample.SEED, help="of the draw")
    parser.add_argument(
        "--packages",
        nargs="+",
        default=[*sample.PACKAGES],
        choices=sample.PACKAGES,
        help="to draw from (all)",
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--budget", type=float, default=60, help="CPU seconds of tests to ask about a mutant (60)"
    )
    parser.add_argument("--only", default="", help="those whose line of text contains this")
    parser.add_argument("--fresh", action="store_true", help="forget what runs on the same code have found")
    parser.add_argument("--list", action="store_true", help="say what would be mutated, and stop")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
