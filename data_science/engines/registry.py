"""What an engine is: a module with ``draw``, and with what it says of its relations to the others.

Imported on first use, so that each costs only its own libraries. Nested Laplace needs NumPy and SciPy; NUTS
brings PyMC, Bambi and nutpie, which take seconds to import. `data_science.extension` says where they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from data_science.engines.posterior import Posterior
from data_science.extension import ENGINES
from data_science.formula.design import Design
from data_science.likelihood.fidelity import Compressed
from data_science.settings.fit import FitSettings as FitSettings


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long stage has come."""

    stage: str
    done: int
    total: int
    n_divergences: int = 0


OnProgress = Callable[[Progress], None]


class Engine(Protocol):
    """What an engine's module offers.

    It may also define: ``TITLE``, its name in a sentence; ``SECOND_OPINION``, the name of the engine
    that checks it; ``FALLBACK``, the name of the engine that runs where it declines by a GateError;
    ``WEIGHS_ALL_ROWS``, True if it adds :meth:`Compressed.log_weights` to the weights of its draws.
    """

    def draw(
        self, design: Design, compressed: Compressed, settings: FitSettings, progress: OnProgress
    ) -> Posterior:
        """Draw from the posterior."""
        ...


def engine(name: str) -> Engine:
    """Import an engine.

    Raises
    ------
    SpecificationError
        If there is none of that name.
    """
    return cast("Engine", ENGINES.load(name))


def title(of: Engine, name: str) -> str:
    """Name of an engine in a sentence."""
    found: str = getattr(of, "TITLE", name)
    return found


def second_opinion(on: Engine) -> str | None:
    """Name of the engine that checks this one; None: it certifies itself."""
    found: str | None = getattr(on, "SECOND_OPINION", None)
    return found


def fallback(of: Engine) -> str | None:
    """Name of the engine that runs if this one declines; None if there is none."""
    found: str | None = getattr(of, "FALLBACK", None)
    return found


def weighs_all_rows(of: Engine) -> bool:
    """Whether the engine's draws are right even where cells are only nearly as good as the rows."""
    found: bool = getattr(of, "WEIGHS_ALL_ROWS", False)
    return found
