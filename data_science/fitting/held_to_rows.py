"""Draws on nodes, checked against all rows: what was certified before the draws is checked again on them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from data_science.engines.posterior import Posterior
from data_science.likelihood.fidelity import Compressed
from data_science.likelihood.node_certificate import SHIFT_LIMIT
from data_science.one_thread import one_thread

log = logging.getLogger(__name__)
_DRAWS = 200  # of the posterior, weighed on all rows


def held_to_rows(
    draw: Callable[[Compressed], Posterior], compressed: Compressed, *, weighs_all_rows: bool
) -> tuple[Posterior, Compressed, tuple[str, ...]]:
    """Draw, on all rows if the nodes that stand for them are not good enough for this engine.

    Parameters
    ----------
    draw : callable
        The engine, on given cells.
    compressed : Compressed
    weighs_all_rows : bool
        Whether the engine's weights are those of all rows, so that its draws are right by themselves.

    Returns
    -------
    posterior : Posterior
    compressed : Compressed
        On which it was drawn.
    notes : tuple of str
        What the reader should know.
    """
    if compressed.on_all_rows is None:
        return draw(compressed), compressed, ()
    if weighs_all_rows and not compressed.stands_alone:
        return draw(compressed), compressed, ()
    reason = "they need exact weights, which this engine does not give"
    if compressed.stands_alone:
        posterior = draw(compressed)
        spread = spread_of_weights(posterior, compressed)
        if spread <= SHIFT_LIMIT:
            return posterior, compressed, ()
        reason = f"{spread:.2g} nats (sd) off on the draws, expected at most {SHIFT_LIMIT:g}"
    note = f"The nodes were dropped ({reason}); the fit uses every distinct row."
    log.warning("%s", note)
    whole = replace(compressed.on_all_rows(), why_lossless="matched nodes were dropped")
    return draw(whole), whole, (note,)


def spread_of_weights(posterior: Posterior, compressed: Compressed) -> float:
    """Sd over posterior draws of the log density on all rows minus that on cells, in nats.

    No posterior mean is off by more, in posterior sds.
    """
    coefficients, _ = posterior.thinned(_DRAWS)
    with one_thread():  # small products: BLAS threads only wait for each other
        return float(np.std(compressed.error_on_rows(compressed.at.from_raw(coefficients))))
