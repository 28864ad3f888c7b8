"""What a fit found, in words: the closing summary, from values already computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from data_science.evaluation.candidates import BASELINE, MODEL
from data_science.prediction.unseen import BOUND
from data_science.report import verdict as phrases
from data_science.report.wording import listed

if TYPE_CHECKING:
    import pandas as pd

    from data_science.data.provenance import Provenance
    from data_science.data.summary import DataSummary
    from data_science.evaluation.agreement import Agreement
    from data_science.evaluation.comparison import Comparison
    from data_science.evaluation.diagnostics import Diagnostics
    from data_science.evaluation.performance import Performance
    from data_science.formula.specification import ModelSpecification
    from data_science.judgement.verdict import Verdict
    from data_science.prediction.predictor import Predictor


@dataclass(frozen=True)
class Report:
    """The findings of one fit."""

    specification: ModelSpecification
    dataset: DataSummary  # never the rows, which would live as long as the model
    compression: str
    measured: Diagnostics
    agreement: Agreement | None
    notes: tuple[str, ...]
    comparison: Comparison
    verdict: Verdict
    summary: pd.DataFrame
    predictor: Predictor
    seconds: Mapping[str, float]
    source: Provenance | None = None  # None: a frame that somebody gave
    performance: Performance | None = None  # None: not measured
    owner: str | None = None  # who answers for the model
    made: date = field(default_factory=lambda: datetime.now(UTC).date())

    @property
    def what_features_add(self) -> str:
        """Whether the features predict anything, in one sentence of the verdict."""
        return phrases.by_heading(self.verdict)[phrases.FEATURES]

    @property
    def sentences(self) -> dict[str, str]:
        """Findings by heading, one line each."""
        return self.by_heading(str)

    def by_heading(self, shown: Callable[[str], str]) -> dict[str, str]:
        """Return findings by heading, one line each, with names of parameters as ``shown`` gives them."""
        m = self.measured
        found = {
            **phrases.by_heading(self.verdict),
            "Data": f"{self.dataset.n_rows:,} rows, {self.dataset.base_rate:.2%} positive",
            **({} if self.source is None else {"Source": self.source.sentence(self.dataset.n_rows)}),
            "Model": self.specification.formula,
            "Compression": self.compression,
            "Engine": f"{m.engine}, {m.n_chains} chains of {m.n_draws:,} draws",
            "Convergence": _convergence(m, shown),
            "Plug-in": self._plug_in(),
            **({"Unseen levels": said} if (said := self._unseen_levels()) else {}),
            "Wall time": ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.seconds.items()),
        }
        if self.agreement is not None:
            found["Second opinion"] = _agreement(self.agreement, shown)
        if self.notes:
            found["Notes"] = " ".join(self.notes)
        return found

    def __str__(self) -> str:
        width = max(map(len, self.sentences))
        return "\n".join(f"{heading:<{width}}  {text}" for heading, text in self.sentences.items())

    def to_json(self) -> dict[str, Any]:
        """Measurements with JSON types, stored as diagnostics.json."""
        gain = self.comparison.difference(MODEL, BASELINE)
        table = self.comparison.table.reset_index(names="candidate")
        return {
            "diagnostics": self.measured.to_json(),
            "agreement": None if self.agreement is None else self.agreement.to_json(),
            "comparison": {
                "against": BASELINE,
                "elpd_diff": gain.elpd,
                "se_diff": gain.se,
                "is_noise": gain.is_noise,
                "sentence": self.what_features_add,
                "candidates": table.to_dict(orient="records"),
            },
            "verdict": self.verdict.to_json(),
            "sentences": self.sentences,
            "seconds": dict(self.seconds),
            "summary": _records(self.summary),
        }

    def _plug_in(self) -> str:
        correction = self.predictor.correction
        if correction is None:
            return "probabilities at the posterior means were not compared with averages over the posterior"
        text = (
            f"probabilities at the posterior means are off by up to {correction.gap:.2g} from those averaged "
            f"over the posterior (tolerance {correction.bound:g})"
        )
        if correction.active:
            return (
                f'{text}, so labels use the corrected ones, which method="corrected" of predict_proba gives'
            )
        return f"{text}, so they are used as they are"

    def _unseen_levels(self) -> str:
        """Say how far apart both answers for an unseen level are, and which is given."""
        levels = self.predictor.unseen_levels
        if not levels:
            return ""
        (column, level), *others = levels.items()
        parts = [
            f"with an unseen level of {column} the mean probability is {level.plug_in:.2g} if it has no "
            f"effect and {level.averaged:.2g} averaged over the effects that it may have",
            *(f"with one of {name}, {one.plug_in:.2g} and {one.averaged:.2g}" for name, one in others),
        ]
        tenth = f"{BOUND - 1:.0%}"
        if self.predictor.averages_unseen:
            far = listed([column for column, level in levels.items() if level.is_far])
            given = (
                f"differ by more than {tenth} for {far}, so rows with any unseen level get the average, and "
                "their labels follow it"
            )
        else:
            given = (
                f"differ by at most {tenth}, so predict_proba gives the first, and the average "
                'with method="posterior"'
            )
        return f"{'; '.join(parts)}; the odds {given}"


def _records(summary: pd.DataFrame) -> list[dict[Any, Any]]:
    """One record per parameter; levels that were integrated out have no r_hat, which JSON calls null."""
    records: list[dict[Any, Any]] = summary.reset_index().to_dict(orient="records")
    for record in records:
        record["r_hat"] = record["r_hat"] if record["r_hat"] == record["r_hat"] else None
    return records


def _convergence(m: Diagnostics, shown: Callable[[str], str]) -> str:
    parts = [
        f"worst r_hat {m.rhat_max:.4f} ({shown(m.rhat_worst)})",
        f"smallest ESS bulk {m.ess_bulk_min:,.0f}, tail {m.ess_tail_min:,.0f} ({shown(m.ess_worst)})",
    ]
    if m.n_divergences is not None:
        parts.append(f"{m.n_divergences} divergences")
    if m.bfmi_min is not None:
        parts.append(f"E-BFMI {m.bfmi_min:.2f}")
    if m.khat is not None:
        parts.append(f"k-hat {m.khat:.2f}")
    return ", ".join(parts)


def _agreement(agreement: Agreement, shown: Callable[[str], str]) -> str:
    return (
        f"{agreement.by} agrees: posterior means differ most for {shown(agreement.worst)}, by "
        f"{agreement.distance_in_sds:.3f} sd or {agreement.distance_in_mcse:.1f} Monte Carlo standard errors "
        f"(limit {agreement.limit_in_mcse:.1f})"
    )
