"""A table of how often each outcome came, by world and size, and how often a wrong one did, for a command."""

import argparse
from collections.abc import Callable, Sequence
from typing import Protocol


class World(Protocol):
    """What is known of the truth."""

    @property
    def name(self) -> str:
        """What the row of the table is called."""


def print_outcomes[W: World](
    description: str,
    heading: str,
    worlds: Sequence[W],
    sizes: Sequence[int],
    rates: Callable[[W, int, int], dict[str, float]],
    width: int,
    wrong: tuple[str, str, Callable[[W], bool]],
) -> None:
    """Read --runs and --sizes, and print the shares.

    ``wrong`` is what it is called, the outcome that it is, and in which worlds.
    """
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--sizes", type=int, nargs="+", default=sizes)
    chosen = parser.parse_args()
    print(heading.format(runs=chosen.runs))
    print(f"{'':<36}" + "".join(f"{n:>{width},}" for n in chosen.sizes))
    called, outcome, is_wrong = wrong
    most = 0.0
    for world in worlds:
        cells = []
        for n in chosen.sizes:
            found = rates(world, n, chosen.runs)
            cells.append(" / ".join(f"{share:.3f}"[1:] if share < 1 else "1.0" for share in found.values()))
            most = max(most, found[outcome]) if is_wrong(world) else most
        print(f"{world.name:<36}" + "".join(f"{cell:>{width}}" for cell in cells), flush=True)
    print(f"{called}, at most: {most:.3f} (bound 0.05)")
