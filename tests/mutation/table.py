"""What a campaign found, for people: a table by package, and each mutant that no test noticed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .sample import PACKAGES, package_of

KILLED, SURVIVED, EQUIVALENT = {"killed", "timeout"}, {"survived", "uncovered"}, {"equivalent"}


def report(results: Iterable[Mapping[str, Any]]) -> str:
    """The whole closing text."""
    results = list(results)
    return "\n".join([*_table(results), "", *_survivors(results)])


def _table(results: list[Mapping[str, Any]]) -> Iterator[str]:
    yield f"{'package':<12}{'killed':>8}{'survived':>10}{'equivalent':>12}   killed of those that are not equivalent"
    for package in [*PACKAGES, "all"]:
        count = Counter(r["status"] for r in results if package in ("all", package_of(r["file"])))
        killed, survived, equivalent = (
            sum(count[status] for status in group) for group in (KILLED, SURVIVED, EQUIVALENT)
        )
        if killed + survived + equivalent:
            rate = _rate(killed, killed + survived)
            yield f"{package:<12}{killed:>8}{survived:>10}{equivalent:>12}   {rate}"
    if late := sum(result["status"] == "timeout" for result in results):
        yield f"killed by a limit of time: {late}"


def _rate(killed: int, judged: int) -> str:
    if not judged:
        return "-"
    from scipy.stats import binomtest  # brings NumPy, whose threads must not be there before a fork

    interval = binomtest(killed, judged).proportion_ci(0.95, method="wilson")
    return f"{killed / judged:4.0%}  (95 %: {interval.low:.0%} to {interval.high:.0%})"


def _survivors(results: list[Mapping[str, Any]]) -> Iterator[str]:
    for result in results:
        if result["status"] in SURVIVED:
            asked = f"{result['n_tests']} tests asked" if result["n_tests"] else "no test to ask"
            yield f"survived: {result['shown']}  [{asked}]"
