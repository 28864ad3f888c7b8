"""Forms that compute in the reader's browser: what other costs would change, and one client's probability.

Changes with what a form asks or is given. `_static/forms.js` computes and shows them: without it, and on
paper, they stay hidden, and the tables beside them stand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd

from data_science.evaluation.contacted import PER_UNIT, Tally
from data_science.prediction.predictor import Predictor


def costs(tally: Tally, alarm: float, missed: float) -> str:
    """Ask for two costs; answer with the threshold, whom it contacts, and what that costs.

    Parameters
    ----------
    tally : Tally
        Clients and positives above each threshold.
    alarm, missed : float
        Costs of a false alarm and of a missed positive to begin with.
    """
    asked = [
        _number("alarm", "Cost of a false alarm", alarm, least=0),
        _number("missed", "Cost of a missed positive", missed, least=0),
    ]
    answers = {
        "threshold": "Threshold",
        "contacted": "Clients contacted",
        "found": "Positives found",
        "cost": "Expected cost, all clients",
        "nobody": "Cost if nobody is contacted",
        "everybody": "Cost if everybody is contacted",
    }
    given = {
        "n": tally.n_clients,
        "perUnit": PER_UNIT,
        "positives": tally.n_positives,
        "steps": tally.above.index.tolist(),
        "clients": tally.above["clients"].tolist(),
        "found": tally.above["positives"].tolist(),
    }
    return _form("costs", "Other costs", asked, answers, given, "Both costs must be numbers above 0.")


def client(predictor: Predictor, frame: pd.DataFrame, threshold: float) -> str:
    """Ask for the features of one client; answer with its probability, and its label.

    Where labels follow probabilities that are corrected by the posterior's variance, which the page does not
    have, it gives none.

    Parameters
    ----------
    predictor : Predictor
        Of a formula whose terms add up: one slope for each number, one effect for each level.
    frame : DataFrame
        Clients, for the values to begin with.
    threshold : float
    """
    numbers = {one.name: float(frame[one.name].median()) for one in predictor.columns if one.levels is None}
    levels = {one.name: one.levels for one in predictor.columns if one.levels is not None}
    first = {name: values[0] for name, values in levels.items()}
    parts = predictor.explain({**dict.fromkeys(numbers, 1.0), **first})
    effects = {
        name: [predictor.explain({**numbers, **first, name: one})[f"1|{name}"] for one in values]
        for name, values in levels.items()
    }
    given = {
        "intercept": parts["Intercept"],
        "slopes": {name: parts[name] for name in numbers},
        "effects": effects,
        "threshold": threshold,
    }
    asked = [_choice(name, [str(one) for one in values]) for name, values in levels.items()]
    asked += [_number(name, name, round(value, 3)) for name, value in numbers.items()]
    answers = {"probability": "Probability of label 1"}
    if predictor.correction is None or not predictor.correction.active:
        answers["label"] = "Predicted label"
    return _form("client", "One client", asked, answers, given, "Every number must be filled in.")


def _number(name: str, label: str, value: float, *, least: float | None = None) -> str:
    bound = "" if least is None else f' min="{least:g}"'
    field = f'<input type="number" name="{escape(name)}" value="{value:g}" step="any"{bound} required>'
    return f"<label>{escape(label)} {field}</label>"


def _choice(name: str, values: list[str]) -> str:
    options = "".join(f"<option>{escape(value)}</option>" for value in values)
    return f'<label>{escape(name)} <select name="{escape(name)}">{options}</select></label>'


def _form(
    kind: str,
    title: str,
    asked: list[str],
    answers: Mapping[str, str],
    given: Mapping[str, Any],
    refused: str,
) -> str:
    shown = "".join(
        f'<div><dt>{escape(label)}</dt><dd data-answer="{name}"></dd></div>'
        for name, label in answers.items()
    )
    data = json.dumps(given).replace("<", "\\u003c")  # a level may be named </script>
    return (
        f'<form class="book-form" data-form="{kind}" aria-label="{title}" hidden>'
        f'<script type="application/json">{data}</script>'
        f'<div class="asked">{"".join(asked)}</div>'
        f'<div role="status"><p class="refused" hidden>{refused}</p><dl>{shown}</dl></div></form>'
    )
