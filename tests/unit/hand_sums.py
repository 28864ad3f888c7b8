"""Linear predictors summed by hand from levels and names: nothing here reads the package's tables or codes."""

from itertools import product
from statistics import NormalDist

import numpy as np

PRIMES = (2, 3, 5, 7, 11, 13)


def combinations(term):
    """Return a term's columns of levels, and the levels of each of its coefficients, in order."""
    columns = [coding.factor.column for coding in term.codings] + [group.column for group in term.groups]
    axes = [coding.levels for coding in term.codings] + [group.levels for group in term.groups]
    return columns, list(product(*axes))


def logit_of(model, row):
    """Return the logit of one clean row at the posterior means; an unseen group adds nothing."""
    return sum(parts_of(model, row).values())


def parts_of(model, row):
    """Return what each term adds to the logit of one clean row."""
    parts, at = {}, 0
    for term in model.encoding.terms:
        columns, levels = combinations(term)
        slope = np.prod([row[column] for column in term.numeric])
        own = [row[column] for column in columns]
        parts[term.name] = sum(
            slope * model.coefficients[at + place] for place, level in enumerate(levels) if list(level) == own
        )
        at += len(levels)
    return parts


def design_of(encoding, frame):
    """Return one column per coefficient, shape (row, coefficient)."""
    matrix = []
    for term in encoding.terms:
        columns, levels = combinations(term)
        slope = np.prod([frame[column].to_numpy(float) for column in term.numeric], axis=0)
        for level in levels:
            here = np.all(
                [(frame[column] == value) for column, value in zip(columns, level, strict=True)], axis=0
            )
            matrix.append(np.broadcast_to(slope * here, len(frame)))
    return np.column_stack(matrix)


def unseen_of(encoding, frame):
    """Return what multiplies each group sd where the group is unseen, shape (row, sd); no codings in groups."""
    matrix = [np.empty((len(frame), 0))]
    for term in encoding.terms:
        if term.groups:
            unseen = np.any([~frame[group.column].isin(group.levels) for group in term.groups], axis=0)
            slope = np.prod([frame[column].to_numpy(float) for column in term.numeric], axis=0)
            matrix.append((slope * unseen)[:, None])
    return np.hstack(matrix)


def even_points(n, dimension):
    """Return multiples of the square root of a prime, modulo 1, as points of a standard normal."""
    uniform = (0.5 + np.arange(1, n + 1) * np.sqrt(PRIMES[dimension])) % 1.0
    return np.array([NormalDist().inv_cdf(value) for value in uniform])


def logits_of(model, frame):
    """Return every row's logit in every draw, shape (row, draw), an unseen group at its point of each draw."""
    n_draws, n_sds = model.group_sd_draws.shape
    eta = design_of(model.encoding, frame) @ model.draws.T
    points = [even_points(n_draws, dimension) for dimension in range(n_sds)]
    effects = model.group_sd_draws.T * np.reshape(points, (n_sds, n_draws))
    return eta + unseen_of(model.encoding, frame) @ effects
