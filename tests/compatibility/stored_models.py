"""Small models of different kinds, and questions put to them through public names, so that any code can answer.

No random numbers but those of the fit: the golden ratio's multiples spread values evenly, alike everywhere.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data_science import BayesianLogitModel, DataScienceError, ModelSpecification, Prior

try:
    from data_science import Costs
except ImportError:  # in code of 2026-11-25, which stored some of the models
    from data_science.prediction.decision import Costs

type Rows = list[dict[str, Any]]
STORED = Path(__file__).parent / "artifacts"  # format, example: folder of versions, rows asked about, answers
ROWS, ANSWERS = "rows.json", "answers.npz"
METHODS = ("plug-in", "posterior", "corrected")
ALONG = 80  # rows that differ in one number: enough for their intervals to be found together
UNREADABLE = (None, math.nan, math.inf, "", "no such level", True, -1, 2.5, 1e300)


@dataclass(frozen=True)
class Example:
    """What is fitted, how, and the rows about which the model is asked."""

    specification: ModelSpecification
    engine: str
    costs: Costs
    frame: Callable[[], pd.DataFrame]
    rows: Callable[[], Rows]


def spread(n: int, number: int) -> np.ndarray:
    """Values that fill (0, 1) evenly, shape (n,); another sequence for each number from 1 on."""
    return np.arange(1, n + 1) * math.sqrt((2, 3, 5, 7, 11, 13)[number - 1]) % 1


def picked(levels: Iterable[Any], uniform: np.ndarray) -> list[Any]:
    """The level in whose equal share of (0, 1) each number lies."""
    levels = list(levels)
    return [levels[int(len(levels) * each)] for each in uniform]


def happened(eta: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """0/1 outcomes of logits."""
    return (uniform < 1 / (1 + np.exp(-eta))).astype(int)


def along(row: Mapping[str, Any], column: str, low: float, high: float, n: int = ALONG) -> Rows:
    """Rows that differ in one number only."""
    return [{**row, column: low + (high - low) * share} for share in spread(n, 1).tolist()]


def company() -> pd.DataFrame:
    """Clients of the default formula."""
    a, b, x, y, u = (spread(3_000, number) for number in range(1, 6))
    frame = pd.DataFrame(
        {
            "attr_a": picked(range(1, 6), a),
            "attr_b": picked("abcd", b),
            "scd_a": x,
            "scd_b": picked(range(1, 6), y),
        }
    )
    eta = -3.0 + 1.2 * frame["scd_a"] + 0.2 * frame["scd_b"] + 0.3 * (frame["attr_a"] % 3)
    return frame.assign(label=happened(eta.to_numpy(), u))


def clients() -> Rows:
    """Clients with every pair of levels, seen or not, with numbers as in training and far from it."""
    rows = [
        {"attr_a": a, "attr_b": b, "scd_a": 0.1 * a, "scd_b": 1 + len(b * a) % 5}
        for a in (1, 2, 3, 4, 5, 6, -7)
        for b in ("a", "b", "c", "d", "z")
    ]
    rows += [{**rows[0], "scd_a": value, "scd_b": 3} for value in (-1e6, -40.0, 0.0, 40.0, 1e6)]
    return rows + along(rows[8], "scd_a", -2, 3) + along(rows[-1], "scd_a", 0, 1)


def matches() -> pd.DataFrame:
    """Successes out of trials, by team and venue."""
    n = 240
    t, g, v, m, u = (spread(n, number) for number in range(1, 6))
    frame = pd.DataFrame(
        {"heat": 30 * t - 5, "team": picked(range(8), g), "venue": picked(["home", "away"], v)}
    )
    played = (1 + 20 * m).astype(int)
    eta = 0.1 + (0.02 + 0.01 * frame["team"]) * frame["heat"] - 0.4 * (frame["venue"] == "away")
    wins = (np.floor(played / (1 + np.exp(-eta)) + u)).clip(0, played).astype(int)
    return frame.assign(won=wins, played=played)


def fixtures() -> Rows:
    """Matches of every team at every venue, and of teams and venues that training had not."""
    rows = [
        {"heat": 3.5 * team - 4, "team": team, "venue": venue}
        for team in (*range(8), 8, 10**12)
        for venue in ("home", "away", " away ", "moon")
    ]
    rows += [{**rows[0], "heat": heat} for heat in (-1e5, -300, 0, 0.1 + 0.2, 300, 1e5)]
    return rows + along(rows[5], "heat", -5, 25) + along({**rows[5], "team": 99}, "heat", -5, 25)


def shoppers() -> pd.DataFrame:
    """Few rows, so a wide posterior: text, truth values, whole and real numbers."""
    n = 160
    c, m, a, i, s, u = (spread(n, number) for number in range(1, 7))
    frame = pd.DataFrame(
        {
            "city": picked(["Berlin", "Lisbon", "New York"], c),
            "member": picked([False, True], m),
            "age": (18 + 60 * a).astype(int),
            "income": 1_000 + 4_000 * i,
            "shop": picked(["north", "south", "été"], s),
        }
    )
    eta = -0.4 + 0.9 * frame["member"] + 0.02 * (frame["age"] - 45) - 0.6 * (frame["city"] == "Lisbon")
    return frame.assign(bought=happened(eta.to_numpy(), u))


def visitors() -> Rows:
    """Shoppers of every city, member or not, in shops seen or not."""
    rows = [
        {"city": city, "member": member, "age": 20 + 9 * len(shop), "income": 997.5 * len(city), "shop": shop}
        for city in ("Berlin", "Lisbon", "New York")
        for member in (False, True)
        for shop in ("north", "south", "été", "online", "")
        if shop
    ]
    rows += [{**rows[0], "age": age, "income": income} for age in (-3, 0, 130) for income in (0, 0.01, 1e6)]
    return rows + along(rows[1], "income", 500, 5_500) + along({**rows[4], "shop": "new"}, "income", 0, 9_000)


EXAMPLES = {
    "company": Example(ModelSpecification(), "nuts", Costs(1, 3), company, clients),
    "matches": Example(
        ModelSpecification(
            "p(won, played) ~ heat + (heat | team) + (1 | team:venue)",
            priors={
                "Intercept": Prior("Normal", mu=0, sigma=2.5),
                "common": Prior("StudentT", nu=4, mu=0, sigma=1),
                "group_sd": Prior("Exponential", lam=2),
                "1|team:venue": Prior("HalfStudentT", nu=3, sigma=0.7),
            },
            standardize=False,
        ),
        "nested-laplace",
        Costs(),
        matches,
        fixtures,
    ),
    "shoppers": Example(
        ModelSpecification("bought ~ city + C(member) + age * income + (1 | shop)"),
        "nuts",
        Costs(2, 1),
        shoppers,
        visitors,
    ),
}


def answers(model: BayesianLogitModel, rows: Rows) -> dict[str, np.ndarray]:
    """Everything that a model says of the rows, by question."""
    frame = pd.DataFrame(rows)
    parts = [model.explain(row) for row in rows]
    found = {
        "threshold": model.model.threshold,
        "whether the label follows the corrected probability": model.model.correction.active,
        "summary": model.summary().to_numpy(),
        "predict": [model.predict(frame.iloc[[row]]) for row in range(len(frame))],
        "predict_one": [model.predict_one(row) for row in rows],
        "predict_batch": model.predict_batch(frame),
        "explain": [[part[term] for term in sorted(part)] for part in parts],
        "unreadable": [refusal(model, row) for row in unreadable(rows[0])],
    }
    for method in METHODS:
        found[f"predict_proba, {method}"] = model.predict_proba(frame, method)
        found[f"predict_proba_one, {method}"] = [model.predict_proba_one(row, method) for row in rows]
    for container, other in containers(frame).items():
        found[f"predict_proba, {container}"] = model.predict_proba(other)
    for prob in (0.5, 0.95):
        found[f"predict_interval, {prob}"] = model.predict_interval(frame, prob)
        found[f"predict_interval, {prob}, along one number"] = model.predict_interval(
            frame.tail(2 * ALONG), prob
        )
        found[f"predict_interval_one, {prob}"] = [model.predict_interval_one(row, prob) for row in rows]
    return {question: np.asarray(answer) for question, answer in found.items()}


def containers(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The same rows as callers may bring them."""
    texts = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]
    return {
        "columns turned and others beside them": frame[frame.columns[::-1]].assign(
            idx=range(len(frame)), label=0
        ),
        "Python objects": frame.astype(object),
        "text as categories": frame.astype(dict.fromkeys(texts, "category")),
        "rows of their own": frame[::-1].reset_index(drop=True),
    }


def unreadable(row: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Rows that lack a column, or hold a value that may or may not be one of it."""
    for column in row:
        yield {name: value for name, value in row.items() if name != column}
        yield from ({**row, column: value} for value in UNREADABLE)


def refusal(model: BayesianLogitModel, row: Mapping[str, Any]) -> str:
    """Kind and column of the error that a row brings, or the probability that shows how it was read."""
    try:
        return f"{model.predict_proba_one(row):.9g}"
    except DataScienceError as error:
        return f"{type(error).__name__}, {getattr(error, 'column', None)}"


def arithmetic() -> str:
    """Digest of what this machine makes of the operations whose last bits depend on the processor."""
    x = np.linspace(-12, 12, 2**14)
    matrix = np.exp(x[: 100 * 65].reshape(100, 65) / 8)
    parts = [
        np.exp(x),
        np.array([math.exp(each) for each in x.tolist()]),
        matrix @ (x[:65] / x[:65].sum()),
        matrix.reshape(-1, 100).mean(axis=1),
        np.cov(matrix[:, :14], rowvar=False),
    ]
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
