"""The one way from rows to a posterior: learn the design, encode, compress, draw. It holds no opinion."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import pandas as pd

from data_science.engines.posterior import Posterior
from data_science.engines.registry import Engine, FitSettings, OnProgress, engine, fallback, weighs_all_rows
from data_science.errors import GateError
from data_science.fitting.held_to_rows import held_to_rows
from data_science.formula import design
from data_science.formula.design import Design
from data_science.formula.rows import Observations
from data_science.formula.specification import ModelSpecification
from data_science.formula.tallied import TalliedFrame
from data_science.likelihood.compression import Cells
from data_science.likelihood.fidelity import Compressed, compress_enough
from data_science.likelihood.separation import require_held
from data_science.likelihood.tallied import compress_tallied
from data_science.progress import Stopwatch

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """A specification on its rows, ready for any engine."""

    design: Design
    rows: Observations  # encoded once; to be used by all who need them again
    compressed: Compressed
    sampled: Observations | None = None  # some rows, where ``rows`` stand for those of an engine
    ends: Observations | None = None  # the outermost rows of its cells

    @property
    def sample(self) -> Observations:
        """Rows as they are: all, or of a table that stays in its engine those that were fetched."""
        return self.rows if self.sampled is None else self.sampled

    @property
    def outermost(self) -> Observations:
        """Rows among which are the least and the largest linear predictor; nodes lie within them."""
        return self.rows if self.ends is None else self.ends

    @property
    def covariates(self) -> Cells:
        """Covariate rows of training, or cells that represent them everywhere.

        Matched nodes represent rows in sums only: rows may lie farther out than any node.
        """
        rows = self.rows
        if self.compressed.nodes is None:
            return self.compressed.cells
        return Cells(rows.codes, rows.numeric, len(rows), rows.trials, len(rows), None, None)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A posterior, and the problem that it solves."""

    problem: Problem
    posterior: Posterior
    notes: tuple[str, ...] = ()  # what the reader should know: an engine that declined

    @property
    def design(self) -> Design:
        """What training learned about the columns."""
        return self.problem.design


def posed(
    frame: pd.DataFrame | TalliedFrame, specification: ModelSpecification, settings: FitSettings
) -> Problem:
    """Learn the design of validated rows, encode and compress them.

    Raises
    ------
    GateError
        If the rows separate the response and no prior holds it, or there is no proper mode.
    """
    if isinstance(frame, TalliedFrame):
        return _posed_in_engine(frame, specification, settings)
    learned = design.learn(specification, frame)
    rows = design.encode(learned, frame)
    require_held(learned, rows)
    return Problem(learned, rows, compress_enough(learned, rows, exact=settings.exact, seed=settings.seed))


def _posed_in_engine(
    table: TalliedFrame, specification: ModelSpecification, settings: FitSettings
) -> Problem:
    learned = table.learned(specification)
    rows, sample = table.encoded(learned), table.sampled(learned)
    ends = design.encode(learned, table.extremes)
    require_held(learned, rows, ends)
    compressed = compress_tallied(learned, rows, sample, table.expected, seed=settings.seed)
    return Problem(learned, rows, compressed, sample, ends)


def posterior_on(
    rows: pd.DataFrame | TalliedFrame | Problem,
    specification: ModelSpecification,
    settings: FitSettings,
    progress: OnProgress = lambda _: None,
    watch: Stopwatch | None = None,
) -> Fitted:
    """Fit one specification to validated rows, without measuring or judging the fit.

    Parameters
    ----------
    rows : DataFrame, TalliedFrame or Problem
        From :func:`data_science.formula.training_data.validated`, or the same of a table in its engine; or,
        to draw once more, the problem of an earlier fit.
    specification : ModelSpecification
    settings : FitSettings
    progress : callable, optional
        Called during sampling.
    watch : Stopwatch, optional
        Receives the stages' wall times.

    Raises
    ------
    GateError
        If no engine gives a posterior.
    """
    watch = watch or Stopwatch()
    if isinstance(rows, Problem):
        problem = rows
    else:
        with watch.stage("compress"):
            problem = posed(rows, specification, settings)
    posterior, compressed, notes = _drawn(problem, settings, progress, watch)
    return Fitted(replace(problem, compressed=compressed), posterior, notes)


def drawn_by_engine(
    chosen: Engine, design: Design, compressed: Compressed, settings: FitSettings, progress: OnProgress
) -> tuple[Posterior, Compressed, tuple[str, ...]]:
    """Draw with one engine, held to all rows: what it returns is that of :func:`held_to_rows`."""
    return held_to_rows(
        lambda cells: chosen.draw(design, cells, settings, progress),
        compressed,
        weighs_all_rows=weighs_all_rows(chosen),
    )


def _drawn(
    problem: Problem, settings: FitSettings, progress: OnProgress, watch: Stopwatch
) -> tuple[Posterior, Compressed, tuple[str, ...]]:
    """Compute the posterior with the engine asked for; if that declines, with its fallback, if it has one.

    Whose draws they are is in the posterior's attribute ``engine``.
    """

    def drawn_by(name: str) -> tuple[Posterior, Compressed, tuple[str, ...]]:
        chosen = engine(name)
        with watch.stage(name):
            posterior, used, notes = drawn_by_engine(
                chosen, problem.design, problem.compressed, settings, progress
            )
        if posterior.attributes.get("engine") == name:
            return posterior, used, notes
        return replace(posterior, attributes={**posterior.attributes, "engine": name}), used, notes

    try:
        posterior, used, notes = drawn_by(settings.engine)
    except GateError as declined:
        other = fallback(engine(settings.engine))
        if other is None:
            raise
        log.warning("%s", declined)
        posterior, used, notes = drawn_by(other)
        return posterior, used, (f"{declined}.", *notes)
    way = posterior.attributes.get("way")
    if way is None:
        return posterior, used, notes
    log.info("%s: %s", settings.engine, way)
    return posterior, used, (f"{settings.engine}: {way}.", *notes)
