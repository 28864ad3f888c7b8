"""What an engine is: a module with ``draw``, and with what it says of its relations to the others.

Imported on first use, so that each costs only its own libraries. Nested Laplace needs NumPy and SciPy; NUTS
brings PyMC, Bambi and nutpie, which take seconds to import. `data_science.extension` says where they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from data_science.engines.posterior import Posterior
from data_science.errors import SettingsError
from data_science.extension import ENGINES
from data_science.formula.design import Design
from data_science.likelihood.fidelity import Compressed


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How one posterior is computed.

    Parameters
    ----------
    engine : {"nuts", "nested-laplace"}
    second_opinion : bool
        After NUTS, compare with nested Laplace (which certifies itself).
    exact : bool
        No quadrature: every distinct row keeps its own term of the likelihood.
    seed : int
    draws, tune : int
        Per chain: kept, and discarded (NUTS).
    chains : int
    target_accept : float
        Of NUTS.

    Examples
    --------
    >>> from data_science import BayesianLogitModel, FitSettings
    >>> settings = FitSettings(engine="nested-laplace", seed=7)
    >>> settings.draws, settings.chains
    (2000, 4)
    >>> model = BayesianLogitModel(settings=settings)
    """

    engine: str = "nuts"
    second_opinion: bool = True  # compare with another engine, where this one does not certify itself
    exact: bool = False  # True: no quadrature, every distinct row keeps its own likelihood term
    seed: int = 1
    draws: int = 2000  # per chain, kept: benchmarks/precision.py
    tune: int = 500  # per chain, discarded (NUTS)
    chains: int = 4
    target_accept: float = 0.9  # NUTS

    def __post_init__(self) -> None:
        ENGINES.require(self.engine)

    def agreeing(self, **shorthand: Any) -> FitSettings:
        """Return these settings if what was given beside them, by the names of fields, says the same.

        Raises
        ------
        SettingsError
            If a field was given (is not None) and differs: both cannot be meant.
        """
        for name, value in shorthand.items():
            if value is not None and getattr(self, name) != value:
                raise SettingsError(
                    f"{name}={value!r} contradicts settings, which have {name}={getattr(self, name)!r}; "
                    f"give {name} once"
                )
        return self

    def stricter(self) -> FitSettings:
        """Lengthen and tighten for the one retry: twice as long, smaller steps, another seed."""
        return replace(
            self,
            draws=2 * self.draws,
            tune=2 * self.tune,
            target_accept=0.98,
            seed=(self.seed + 1_000_003) % 2**32,
        )


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

    It may say more of itself: ``TITLE``, its name in a sentence; ``SECOND_OPINION``, the name of the engine
    that checks it; ``FALLBACK``, the name of the engine that runs where it declines by a GateError.
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
    """Name of the engine that runs where this one declines; None: there is no other."""
    found: str | None = getattr(of, "FALLBACK", None)
    return found
