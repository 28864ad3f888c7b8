"""How a run reports: a live progress bar on a terminal, plain timestamped lines anywhere else."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console as Terminal
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from data_science.engines.registry import Progress as Stage

log = logging.getLogger(__name__)
_EVERY_S = 10.0  # between progress lines where there is no terminal


class Console:
    """Shows log lines, progress and the closing summary; use it as a context manager.

    Parameters
    ----------
    verbose : bool
        Details, too.
    quiet : bool
        Warnings and errors only: no progress, no summary.
    """

    def __init__(self, *, verbose: bool = False, quiet: bool = False) -> None:
        self._quiet = quiet
        self._terminal = Terminal(stderr=True)
        self._live = self._terminal.is_terminal
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[n_divergences]} divergences"),
            TimeRemainingColumn(),
            console=self._terminal,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._spoken = monotonic()
        self._level = logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO

    def __enter__(self) -> Self:
        handler: logging.Handler
        if self._live:
            handler = RichHandler(console=self._terminal, show_path=False, markup=False, rich_tracebacks=True)
            handler.setFormatter(logging.Formatter("%(message)s"))
            if not self._quiet:
                self._bar.start()
        else:
            handler = logging.StreamHandler(sys.stderr)
            handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
        for name in ("data_science", "de"):
            logging.getLogger(name).setLevel(self._level)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._bar.stop()

    def progress(self, stage: Stage) -> None:
        """Show how far a stage has come; may be called from another thread."""
        if self._quiet:
            return
        if self._live:
            if stage.stage not in self._tasks:
                self._tasks[stage.stage] = self._bar.add_task(stage.stage, total=stage.total, n_divergences=0)
            task = self._tasks[stage.stage]
            self._bar.update(task, completed=stage.done, total=stage.total, n_divergences=stage.n_divergences)
        elif monotonic() - self._spoken >= _EVERY_S:
            self._spoken = monotonic()
            log.info(
                "%s: %s of %s draws, %d divergences",
                stage.stage, f"{stage.done:,}", f"{stage.total:,}", stage.n_divergences,
            )  # fmt: skip

    def done(self, findings: Mapping[str, str]) -> None:
        """Close with what was found."""
        if self._quiet:
            return
        if not self._live:
            for heading, text in findings.items():
                log.info("%s: %s", heading, text)
            return
        self._bar.stop()
        table = Table(show_header=False, box=None, pad_edge=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for heading, text in findings.items():
            table.add_row(heading, Text(text))  # as text: "[a]" would be markup
        self._terminal.print(table)
