"""Verdicts set by hand, for those who quote them."""

from dataclasses import replace
from itertools import product

from data_science.evaluation.evidence import EffectsEvidence, Evidence, FormEvidence, Gain, PowerEvidence
from data_science.judgement.verdict import Verdict, decide
from data_science.report.verdict import phrased

N_ROWS = 1_000
SEEN = {
    "gain": -5.25, "gain_se": 2.5, "n_rows": 900, "calibration": 0.41, "worst_column": [], "worst_gain": 0.0,
    "suggestion": "", "unseen": [],
}  # fmt: skip


def verdict(**changes):
    """Return a verdict of features that help in a form that holds, or with some fields changed."""
    made = Verdict(
        features="add", elpd_diff=40.0, se_diff=0.949, n_rows=N_ROWS, rate=0.09134, n_rarer=91.0, form="holds",
        form_seen=SEEN, detectable={"scd_a": 1.6543}, detectable_top_tenth={"scd_a": (16.42, 9.134)},
        excluded={"scd_a": (1.0432, 1.2345)}, clear=("scd_a",), n_effects=4,
    )  # fmt: skip
    return phrased(replace(made, **changes))


NONE = EffectsEvidence(11, (), {"scd_a": (0.97, 1.03)})
CLEAR = EffectsEvidence(11, ("scd_a",), {"scd_a": (1.1, 1.3)})
STRONG, WEAK = (PowerEvidence(size, {"scd_a": (12.0, 9.0)}) for size in (1.09, 1.85))
HOLDS = FormEvidence(Gain(-5.0, 3.0), 1_000, 0.4)
WRONG = FormEvidence(Gain(768.0, 39.0), 1_000, 0.4, ("scd_a",), 770.0, "bs(scd_a, df=5)")


def evidence(**changes):
    made = Evidence(Gain(-2.0, 1.5), 1_000, 0.1, 100.0, NONE, STRONG, HOLDS)
    return replace(made, **changes)


def every_verdict():
    """Every combination of what can be found."""
    gains = Gain(20.0, 4.0), Gain(-3.0, 1.0), Gain(-30.0, 5.0)
    forms = (
        None,
        HOLDS,
        replace(HOLDS, unseen=("shop",)),
        WRONG,
        replace(HOLDS, miscalibrated=0.0),
        replace(WRONG, suggestion=""),
        replace(HOLDS, dispersion=(5.125, 0.0)),
    )
    for gain, effects, power, form, leak in product(
        gains, (NONE, CLEAR), (STRONG, WEAK), forms, ((), ("x", "z"))
    ):
        yield phrased(decide(evidence(gain=gain, effects=effects, power=power, form=form, leaks=leak)))
