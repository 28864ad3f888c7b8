"""`/metrics` on a port of its own, as Prometheus reads it; changes with its names.

One process is one target: several share no port and no files, so that nothing is lost or counted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deployment.meters import Distribution, Meters
from deployment.model_keeper import ModelKeeper

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric
    from prometheus_client.registry import CollectorRegistry

_PREFIX = "data_science"
_STAMP = "%Y%m%dT%H%M%SZ"  # how a version's name begins


class MetricsError(Exception):
    """The metrics cannot be served; the operator must say otherwise."""


@dataclass(frozen=True, eq=False)  # a registry keeps it by what it is
class Collected:
    """Reads the meters when it is asked, in the thread of who asks."""

    meters: Meters
    keeper: ModelKeeper

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        from prometheus_client.core import CounterMetricFamily

        meters = self.meters
        requests = CounterMetricFamily(f"{_PREFIX}_http_requests", "Responses.", labels=("route", "status"))
        for route, by_status in dict(meters.requests).items():
            for status, n in dict(by_status).items():
                requests.add_metric((route, str(status)), n)
        yield requests
        yield _histogram("http_request_duration_seconds", "Time to answer.", dict(meters.durations), "route")
        labels = CounterMetricFamily(
            f"{_PREFIX}_predictions", "Predictions that are on record.", labels=("label",)
        )
        for label, n in enumerate(meters.labels):
            labels.add_metric((str(label),), n)
        yield labels
        yield _histogram("prediction_probability", "P(label = 1).", {"": meters.probability})
        unseen = CounterMetricFamily(
            f"{_PREFIX}_unseen_levels", "Values that training has not seen.", labels=("column",)
        )
        for column, n in dict(meters.unseen).items():
            unseen.add_metric((column,), n)
        yield unseen
        yield _histogram("prediction_log_append_seconds", "Until records are on disk.", {"": meters.append})
        yield CounterMetricFamily(
            f"{_PREFIX}_prediction_log_failures", "Times that none could be stored.", meters.append_failures
        )
        yield from self._of_the_model()

    def _of_the_model(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        keeper = self.keeper
        yield CounterMetricFamily(
            f"{_PREFIX}_model_reload_failures", "Times that no version could be loaded.", keeper.failures
        )
        yield GaugeMetricFamily(
            f"{_PREFIX}_model_fallback",
            "1 if what serves is not the version that should.",
            float(keeper.problem is not None),
        )
        model = keeper.current
        if model is None:
            return
        info = GaugeMetricFamily(f"{_PREFIX}_model_info", "The version that serves.", labels=("version",))
        info.add_metric((model.version,), 1.0)
        yield info
        yield GaugeMetricFamily(
            f"{_PREFIX}_model_loaded_timestamp_seconds", "When it was loaded.", keeper.loaded_at
        )
        if (trained := _trained_at(model.version)) is not None:
            yield GaugeMetricFamily(
                f"{_PREFIX}_model_trained_timestamp_seconds", "When it was trained.", trained
            )


def serve(meters: Meters, keeper: ModelKeeper, host: str, port: int) -> Callable[[], None]:
    """Serve the metrics from a thread; return what ends that.

    Raises
    ------
    MetricsError
        If the port cannot be had, or the library is not installed.
    """
    try:
        from prometheus_client import start_http_server
    except ModuleNotFoundError as error:
        raise MetricsError(
            f"METRICS_PORT is {port}, and prometheus_client is not installed: pip install -r "
            "deployment/requirements.txt, or unset METRICS_PORT"
        ) from error
    try:
        server, thread = start_http_server(port, host, registry(meters, keeper))
    except OSError as error:
        raise MetricsError(
            f"METRICS_PORT is {port}, which cannot be had ({error.strerror}); expected a free port here"
        ) from error

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop


def registry(meters: Meters, keeper: ModelKeeper) -> CollectorRegistry:
    """Return what is served: the service's own metrics, and memory, CPU and descriptors of its process."""
    from prometheus_client import CollectorRegistry, ProcessCollector

    found = CollectorRegistry()
    found.register(Collected(meters, keeper))
    ProcessCollector(registry=found)
    return found


def _histogram(
    name: str, help_text: str, distributions: dict[str, Distribution], label: str | None = None
) -> Metric:
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(f"{_PREFIX}_{name}", help_text, labels=() if label is None else (label,))
    for value, found in distributions.items():
        counts, total = list(found.counts), found.total
        reached, buckets = 0, []
        for end, n in zip((*map(str, found.ends), "+Inf"), counts, strict=True):
            reached += n
            buckets.append((end, reached))
        family.add_metric(() if label is None else (value,), buckets, total)
    return family


def _trained_at(version: str) -> float | None:
    try:
        return datetime.strptime(version.partition("-")[0], _STAMP).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
