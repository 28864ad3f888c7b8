"""Odd rows of typed columns, models of every kind, and what `predict_batch` decides of each row."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
from hand_made import clients, learned
from serving_cases import COMMON_FACTOR, DEFAULT, predictor

from data_science.errors import FeatureError
from data_science.formula.encoding import Encoding, Factor, Term
from data_science.prediction.combinations import Combinations
from data_science.prediction.correction import Correction, covariance_of
from data_science.prediction.unseen import UnseenLevel

ODD_NUMBERS = [
    None, math.nan, math.inf, -math.inf, 0.0, -0.0, 1e308, -1e308, 1e200, -1e160, 5e-324, 1e-310, 1e-200,
    -1.0, 1.0, 0.1, 1e15 + 0.3, 700.0, -745.0, 4000.0, -4000.0,
]  # fmt: skip
ODD_INTEGERS = [None, 0, -1, 6, 99, 2**31 - 1, -(2**31)]
ODD_TEXTS = [
    None, "", "  ", "e", "A", " a", "b  ", "\tc\n", "\u2003d\u00a0", "\x1ca", "NaN", "null", "1", "a'", "ab", "ä",
]  # fmt: skip
MANY = Encoding(
    (
        Term("Intercept"),
        Term("scd_a", ("scd_a",)),
        Term("1|attr_b", groups=(Factor("attr_b", (*(f"l{k}" for k in range(40)), "a", "it's", "b\\")),)),
        Term("scd_a|attr_a", ("scd_a",), groups=(Factor("attr_a", tuple(range(-20, 15))),)),
        Term("1|attr_c", groups=(Factor("attr_c", (False, True)),)),
        Term("1|scd_b", groups=(Factor("scd_b", (0.1, 0.5, 1.0, 1e15 + 0.3)),)),
    )
)
JOINED = Encoding(
    (*DEFAULT.terms[:2], Term("1|attr_b", groups=(Factor("attr_b", tuple(f"l{k}" for k in range(31))),)))
)
LEVELS_ONLY = Encoding((JOINED.terms[0], JOINED.terms[2]))
A, B = Factor("attr_a", (1, 2, 3, 4, 5)), Factor("attr_b", ("a", "b", "c"))
PAIRS = Encoding((*DEFAULT.terms[:2], Term("1|attr_a:attr_b", groups=(A, B))))
SIX_A, SIX_B = Factor("attr_a", (1, 2, 3, 4, 5, 6)), Factor("attr_b", ("a", "b", "c", "d", "l7", "it's"))
MANY_PAIRS = Encoding((*DEFAULT.terms[:2], Term("1|attr_a:attr_b", groups=(SIX_A, SIX_B))))
SEEN_PAIRS = Combinations(("attr_a", "attr_b"), (5, 3), np.arange(15) % 4 > 0)
FUNCTIONS = (
    "label ~ scale(scd_a) + bs(scd_b, df=5) + log(scd_b) + I(scd_a**2) + sqrt(scd_a) + exp(scd_a) + log1p(scd_a)"
    " + expm1(scd_a) + I(scd_a * scd_b**-1.0 - 1) + abs(scd_a) + (scale(scd_a) | attr_a) + offset(log(scd_b + 1))"
)
POLYNOMIALS = "label ~ poly(scd_a, 3) + poly(scd_b, 2, raw=True) + C(attr_b, Sum) + log2(scd_b) + log10(scd_b) + exp2(scd_a)"


def models():
    """Return models of every kind of prediction, by name."""
    frame = clients()
    found = {
        "default": predictor(),
        "refusing": predictor(unseen="refuse"),
        "common": predictor(COMMON_FACTOR, threshold=0.4),
        "many levels": predictor(MANY),
        "functions": predictor(learned(FUNCTIONS, frame).encoding),
        "polynomials": predictor(learned(POLYNOMIALS, frame).encoding),
    }
    default = found["default"]
    found["corrected"] = replace(default, correction=Correction(0.1, 0.005, covariance_of(default.draws)))
    found["corrected by draws"] = replace(found["common"], correction=Correction(0.1, 0.005, None))
    groups = predictor(Encoding(DEFAULT.terms[:1] + DEFAULT.terms[3:]))
    found["pairs"] = replace(predictor(PAIRS), combinations=(SEEN_PAIRS,))
    found["refusing pairs"] = replace(found["pairs"], unseen="refuse")
    many_pairs = Combinations(("attr_a", "attr_b"), (6, 6), np.arange(36) % 4 > 0)
    found["many pairs"] = replace(predictor(MANY_PAIRS), combinations=(many_pairs,))
    joined = predictor(JOINED)
    found["many levels corrected"] = replace(
        joined, correction=Correction(0.1, 0.005, covariance_of(joined.draws))
    )
    found["many levels averaged"] = replace(
        predictor(LEVELS_ONLY), unseen_levels={"attr_b": UnseenLevel(0.1, 0.4)}
    )
    found["averaged"] = replace(groups, unseen_levels={"attr_a": UnseenLevel(0.1, 0.4)})
    return found


def odd_rows(n_rows=10_000, seed=1, integers=ODD_INTEGERS):
    """Return a frame of typed columns with odd values among ordinary ones; objects, so that NULL stays."""
    rng = np.random.default_rng(seed)

    def column(ordinary, odd):
        values = [ordinary(k) for k in range(n_rows)]
        for k in np.flatnonzero(rng.random(n_rows) < 0.15):
            values[k] = odd[rng.integers(len(odd))]
        return pd.Series(values, dtype=object)

    texts = [*"abcd", "l7", "l39", "it's", "b\\"]
    return pd.DataFrame(
        {
            "idx": np.arange(n_rows),
            "attr_a": column(lambda _: int(rng.integers(1, 6)), integers),
            "attr_b": column(lambda _: texts[rng.integers(8 if rng.random() < 0.2 else 4)], ODD_TEXTS),
            "attr_c": column(lambda _: bool(rng.integers(2)), [None]),
            "scd_a": column(lambda _: float(rng.random()), ODD_NUMBERS),
            "scd_b": column(lambda _: float(rng.choice([0.1, 0.5, 1.0, 2.0, 4.7])), ODD_NUMBERS),
        }
    )


def decided(model, frame):
    """Return whether each row is read, and labels and probabilities of those that are."""

    def reads(row):
        try:
            model.predict_one(row)
        except FeatureError:
            return False
        return True

    read = np.array([reads(row) for row in frame.to_dict("records")])
    accepted = frame[read]
    return read, model.predict_batch(accepted), model.predict_proba(accepted)


def require_equal(model, frame, scores, rtol=1e-15):
    """Hold scores, in the frame's order, to the model's own decisions."""
    read, labels, chances = decided(model, frame)
    np.testing.assert_array_equal(scores["unread"].to_numpy(bool), ~read)
    assert read.any()
    assert not read.all()
    kept = scores[read]
    np.testing.assert_allclose(kept["probability"].to_numpy(float), chances, rtol=rtol, atol=0)
    np.testing.assert_array_equal(kept["label"].to_numpy(int), labels)
    unseen = model.reader.with_unseen(model.reader.all_rows(frame[read]))
    np.testing.assert_array_equal(kept["unseen"].to_numpy(bool), unseen)
    for name in ("probability", "lower", "upper", "label"):
        assert scores.loc[~read, name].isna().all()
    bounds = kept[["lower", "probability", "upper"]].dropna().to_numpy(float)
    assert len(bounds) > 0.9 * len(kept)
    assert (np.diff(bounds, axis=1) >= -1e-15).all() or model.averages_unseen
