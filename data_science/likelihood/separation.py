"""Separation, found before anything is drawn: effects that the data push to infinity, and no prior holds.

Some combination of columns is never negative for a success and never positive for a failure: the likelihood
grows along it for ever (Albert and Anderson 1984, doi:10.1093/biomet/71.1.1). Whether there is one is a
linear programme, here over the coefficients with flat priors only, since any other prior holds its own.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog

from data_science.arrays import Floats, Ints, Mask
from data_science.errors import GateError
from data_science.formula.design import Design, blocks
from data_science.formula.encoding import Term
from data_science.formula.places import strands
from data_science.formula.priors import IndependentPriors
from data_science.formula.rows import Observations
from data_science.likelihood.log_joint import Coordinates, Statistics, standard_priors

#: A prior is flat if it falls by less than so many nats between no effect and one of so many logits per sd of
#: the column: a normal's sd is beyond 15 then, and sampling up to the prior's own sd fails by divergences.
FAR, FLAT_NATS = 50.0, 5.0
_NOTICED = 1e-5  # logits by which a direction of length one must move some row
_ALLOWED = 1e-6  # logits by which it may move another the wrong way: the programme's own tolerance
_ROWS_AT_ONCE = 2_000  # rows that a programme begins with, and that are added as long as any contradicts


class SeparationError(GateError):
    """The data push effects to infinity, and their prior does not hold them."""


def require_held(design: Design, rows: Observations, outermost: Observations | None = None) -> None:
    """Refuse effects that the data push to infinity and a flat prior does not hold.

    Parameters
    ----------
    design : Design
    rows : Observations
        All of training.
    outermost : Observations, optional
        Those that can contradict an effect, where ``rows`` only stand for them.

    Raises
    ------
    SeparationError
        With the terms' names and a prior that would hold them.
    """
    if not design.specification.priors:  # the default ones hold whatever comes
        return
    at = Coordinates.of(design, Statistics.of(design.encoding, rows))
    common, sds = standard_priors(design, at)
    flat = _is_flat(common, 0.0)
    rows = rows if outermost is None else outermost
    if flat.any() and (names := _separating(design, rows, at, flat)):
        raise SeparationError(_message(names, design, "Normal", "mu=0, sigma=2.5"))
    for (term, expression), is_flat in zip(blocks(design.encoding), _is_flat(sds, 1.0), strict=True):
        if is_flat and _is_separated_by_level(term, expression, rows):
            raise SeparationError(_message([term.name], design, "HalfNormal", "sigma=2.5"))


def _is_flat(priors: IndependentPriors, nowhere: float) -> Mask:
    """Whether each prior, in standard coordinates, hardly tells a huge value from none."""
    here, far = (priors.log_density(np.full(priors.size, at)).value for at in (nowhere, FAR))
    return np.asarray(np.abs(here - far) < FLAT_NATS)


def _message(names: list[str], design: Design, family: str, arguments: str) -> str:
    several = len(names) > 1
    priors = "; ".join(f"{name}: {design.priors[name]}" for name in names)
    remedy = ", ".join(f'"{name}": Prior("{family}", {arguments})' for name in names)
    return (
        f"{' and '.join(names)} separate{'' if several else 's'} the response: no row contradicts "
        f"{'effects' if several else 'an effect'} without bound, and a flat prior does not hold "
        f"{'them' if several else 'it'} ({priors}); expected a prior that does, as in "
        f"specification=ModelSpecification({design.specification.formula!r}, priors={{{remedy}}})"
    )


def _separating(design: Design, rows: Observations, at: Coordinates, flat: Mask) -> list[str]:
    """Names of the fewest terms that separate together, dropping one after the other; none if none do."""
    encoding = design.encoding
    terms = [t for t in encoding.common if t.name != "Intercept" and flat[encoding.slices[t.name]].any()]
    free_intercept = at.intercept is not None and bool(flat[at.intercept])

    def is_separated_by(some: list[Term]) -> bool:
        matrix, centre = _columns(design, rows, at, flat, some)
        return _is_separated(matrix, None if free_intercept else centre, rows)

    if free_intercept and is_separated_by([]):
        return ["Intercept"]
    if not is_separated_by(terms):
        return []
    for term in list(terms):
        rest = [one for one in terms if one is not term]
        if rest and is_separated_by(rest):
            terms = rest
    return [term.name for term in terms]


def _columns(
    design: Design, rows: Observations, at: Coordinates, flat: Mask, terms: list[Term]
) -> tuple[sp.csr_array, Floats]:
    """Return a column of ones and the terms' scaled columns with flat priors, and their centres."""
    kept, centre = [sp.csr_array(np.ones((len(rows), 1)))], [np.zeros(1)]
    for term in terms:
        own = np.flatnonzero(flat[design.encoding.slices[term.name]])
        scale = at.scale[design.encoding.slices[term.name]]
        table = sp.csr_array((len(rows), term.n_coefficients))
        for strand in strands(term):
            places = strand.places.rows(rows.codes, len(rows))
            index = np.flatnonzero(places < term.n_coefficients)
            values = strand.multipliers(rows.numeric, len(rows))[index] / scale[places[index]]
            table = table + sp.csr_array((values, (index, places[index])), shape=table.shape)
        kept.append(sp.csr_array(table)[:, own])
        centre.append((at.centre[design.encoding.slices[term.name]] / scale)[own])
    return sp.csr_array(sp.hstack(kept, format="csr")), np.concatenate(centre)


def _is_separated(columns: sp.csr_array, centre: Floats | None, rows: Observations) -> bool:
    """Whether a direction moves some row the way of its response, and none the other way.

    Parameters
    ----------
    columns : array, shape (row, 1 + column)
        The first one is the intercept.
    centre : array or None
        Where the prior holds the intercept of centred columns; None where it does not.
    rows : Observations
    """
    index, sign = _pulls(rows)
    signed = sp.csr_array(columns[index].multiply(sign[:, None]))
    wanted = np.asarray(signed.sum(axis=0)).ravel() / len(index)
    width = columns.shape[1]
    reach = float(np.abs(columns).max(axis=0).toarray().sum())
    held = {} if centre is None else {"A_eq": (np.eye(1, width) + centre)[:1], "b_eq": [0.0]}
    known = np.unique(np.linspace(0, len(index) - 1, min(len(index), _ROWS_AT_ONCE)).astype(np.intp))
    while True:
        found = linprog(
            -wanted,
            A_ub=-signed[known],
            b_ub=np.zeros(len(known)),
            bounds=[(-reach, reach), *[(-1, 1)] * (width - 1)],
            method="highs",
            **held,
        )
        if found.x is None:  # the solver's own trouble is no proof: the gates remain
            return False
        moved = signed @ found.x
        if not moved.max() > _NOTICED:
            return False
        against = np.flatnonzero(moved < -_ALLOWED)
        new = np.setdiff1d(against[np.argsort(moved[against])[:_ROWS_AT_ONCE]], known)
        if not len(new):
            return True
        known = np.concatenate([known, new])


def _pulls(rows: Observations) -> tuple[Ints, Floats]:
    """Rows and the ways in which they pull: a row of successes and failures pulls both ways."""
    up, down = np.flatnonzero(rows.successes > 0), np.flatnonzero(rows.successes < rows.trials)
    return np.concatenate([up, down]), np.repeat([1.0, -1.0], [len(up), len(down)])


def _is_separated_by_level(term: Term, expression: int, rows: Observations) -> bool:
    """Whether hardly a level of the group tells how large its effect is: one alone does not give an sd."""
    is_pulled = np.zeros((2, term.n_groups), dtype=bool)
    index, sign = _pulls(rows)
    for strand in strands(term):
        places = strand.places.rows(rows.codes, len(rows))[index]
        pull = sign * strand.multipliers(rows.numeric, len(rows))[index]
        own = (places < term.n_coefficients) & (places // term.n_groups == expression) & (pull != 0)
        is_pulled[(pull[own] > 0).astype(np.intp), places[own] % term.n_groups] = True
    return int(is_pulled.all(axis=0).sum()) < 2
