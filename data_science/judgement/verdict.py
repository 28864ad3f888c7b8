"""What is held of a fit, decided once from what was measured: nothing else forms an opinion about it.

Decided here as values; `report.verdict` puts them into words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from data_science.errors import ArtifactError
from data_science.evaluation.evidence import Evidence
from data_science.limits import CALIBRATION_CHANCE, OF_INTEREST, SMALL_ELPD

type Features = Literal["add", "nothing found", "undecided"]
type Form = Literal["holds", "wrong", "not examined"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The opinion about one fit, with the figures that it rests on.

    Examples
    --------
    >>> from data_science import BayesianLogitModel, ModelSpecification, Verdict
    >>> from data_science.examples import clients
    >>> model = BayesianLogitModel(ModelSpecification("label ~ scd_a"), engine="nested-laplace")
    >>> verdict = model.fit(clients(500)).verdict
    >>> verdict.features, verdict.form
    ('add', 'holds')
    >>> print(verdict.sentences[0])
    The features improve predictions: elpd difference ... against 'intercept only' over 500 rows...
    >>> Verdict.from_json(verdict.to_json()) == verdict
    True
    """

    features: Features  # do they improve predictions of new rows
    elpd_diff: float  # nats over intercept only, one row left out at a time
    se_diff: float
    n_rows: int
    rate: float
    n_rarer: float  # of the rarer response
    form: Form  # does another learner, or the calibration, find what the formula misses
    form_seen: Mapping[
        str, Any
    ]  # gain, gain_se, n_rows, calibration, worst_column, worst_gain, suggestion, unseen, dispersion
    detectable: Mapping[str, float]  # column -> odds ratio per sd, beside the others, seen nine times in ten
    detectable_top_tenth: Mapping[str, tuple[float, float]]  # positives in the best tenth then, and blindly
    excluded: Mapping[str, tuple[float, float]]  # odds ratios per sd outside it are ruled out (95 %)
    clear: tuple[str, ...] = ()  # effects that are there once all n_effects are allowed for
    n_effects: int = 0
    n_candidates: int = 1
    n_khat_high: int = 0  # rows whose leave-one-out score is not reliable
    n_refitted: int = 0  # rows that were left out by a fit of its own, importance sampling having failed
    leaks: tuple[str, ...] = ()
    offsets: tuple[str, ...] = ()  # taken as known: intercept only has them, too
    told: tuple[str, ...] = ()  # columns that others tell whole: no number of rows tells their effects apart
    n_copies: int = 0  # rows that look like copies of others: every figure counts them as new ones
    labels: Mapping[str, float] = field(default_factory=dict)  # threshold; lowest and highest probability
    provenance: Mapping[str, str] = field(default_factory=dict)
    advice: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()  # the verdict in words, most important first

    def to_json(self) -> dict[str, Any]:
        """Represent the verdict with JSON types only."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Verdict:
        """Construct the verdict from :meth:`to_json`'s representation."""
        pairs = ("detectable_top_tenth", "excluded")
        lists = ("clear", "leaks", "offsets", "told", "advice", "sentences")
        known = {one.name for one in fields(cls)}  # a newer version may know more
        return cls(
            **{
                **{name: value for name, value in document.items() if name in known},
                **{name: {k: tuple(v) for k, v in document[name].items()} for name in pairs},
                **{name: tuple(document.get(name, ())) for name in lists},  # older ones lack offsets
            }
        )


def stored(diagnostics: Mapping[str, Any], version: Path) -> Verdict | None:
    """Read the verdict of a stored version; None if it was stored before fits had one.

    Raises
    ------
    ArtifactError
        If what is stored is no verdict.
    """
    document = diagnostics.get("verdict")
    if document is None:
        return None
    try:
        return Verdict.from_json(document)
    except (AttributeError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{version / 'diagnostics.json'} holds no verdict as this data_science knows it ({error!r}). "
            "Train again"
        ) from error


def decide(measured: Evidence, provenance: Mapping[str, str] | None = None, n_candidates: int = 1) -> Verdict:
    """Form the opinion.

    Parameters
    ----------
    measured : Evidence
    provenance : mapping from table to text, optional
        Where the rows come from, if that is stated.
    n_candidates : int
        Specifications that were tried before this one was chosen, it included; as of the evidence.
    """
    effects, power = measured.effects, measured.power
    columns = [*effects.excluded, *(name for name in power.top_tenth if name not in effects.excluded)]
    return Verdict(
        features=_features(measured, n_candidates),
        elpd_diff=measured.gain.nats,
        se_diff=measured.gain.se,
        n_rows=measured.n_rows,
        rate=measured.rate,
        n_rarer=measured.n_rarer,
        form=_form(measured),
        form_seen=_seen(measured),
        detectable={
            name: power.by_column.get(name, power.odds_ratio) for name in columns if name not in power.told
        }
        or {"any": power.odds_ratio},
        detectable_top_tenth=dict(power.top_tenth),
        excluded={} if _are_too_narrow(measured) else dict(effects.excluded),
        clear=_clear(measured),
        n_effects=effects.n,
        n_candidates=n_candidates,
        n_khat_high=measured.n_khat_high,
        n_refitted=measured.n_refitted,
        leaks=measured.leaks,
        offsets=measured.offsets,
        told=power.told,
        n_copies=measured.n_copies,
        labels={} if measured.labels is None else asdict(measured.labels),
        provenance=dict(provenance or {}),
    )


def _features(measured: Evidence, n_candidates: int) -> Features:
    """Never by a single interval: one of eleven leaves zero out in four of ten tables of noise."""
    if measured.n_copies:
        return "undecided"
    gain = measured.gain
    if gain.is_clear(SMALL_ELPD, n_candidates) or (gain.nats > 0 and _clear(measured)):
        return "add"
    if measured.effects.n == 0:
        return "nothing found"
    return "undecided" if measured.power.odds_ratio > OF_INTEREST else "nothing found"


def _clear(measured: Evidence) -> tuple[str, ...]:
    return () if _are_too_narrow(measured) else measured.effects.clear


def _are_too_narrow(measured: Evidence) -> bool:
    """Whether intervals take rows for more than they tell, and so neither show an effect nor rule one out."""
    return measured.n_copies > 0 or (measured.form is not None and measured.form.is_dispersed)


def _form(measured: Evidence) -> Form:
    form = measured.form
    if form is None or measured.n_copies:
        return "not examined"
    unlikely = form.miscalibrated is not None and form.miscalibrated < CALIBRATION_CHANCE
    if form.gain.is_clear(SMALL_ELPD) or unlikely or form.is_dispersed:
        return "wrong"
    return "not examined" if form.unseen else "holds"  # the learner had less to go by than the model


def _seen(measured: Evidence) -> dict[str, Any]:
    form = measured.form
    if form is None:
        return {}
    return {
        "gain": form.gain.nats,
        "gain_se": form.gain.se,
        "n_rows": form.n_rows,
        "calibration": form.miscalibrated,
        "worst_column": list(form.missed),
        "worst_gain": form.missed_gain,
        "suggestion": form.suggestion,
        "unseen": list(form.unseen),
        **({"dispersion": form.dispersion[0]} if form.dispersion and form.is_dispersed else {}),
    }
