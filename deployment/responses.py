"""What happens at each response beside sending it: it is counted and, if asked or slow, logged."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from time import perf_counter

from deployment.meters import Meters

logger = logging.getLogger("deployment.access")

SLOW_S = 1.0
OTHER = "other"
_BETWEEN_S = 1.0  # lines on slow answers: when all are slow, one each would make it worse


@dataclass(slots=True)
class Responses:
    """Told of every response."""

    meters: Meters
    logs_all: bool = False
    _said_at: float = 0.0

    def sent(self, route: str, status: int, started: float) -> None:
        """Count a response, and log it if that is set, or it took long."""
        now = perf_counter()
        seconds = now - started
        self.meters.answered(route, status, seconds)
        if self.logs_all:
            self._say(logging.INFO, "answered", route, status, seconds)
        elif seconds > SLOW_S and now - self._said_at >= _BETWEEN_S:
            self._said_at = now
            self._say(logging.WARNING, "slow answer", route, status, seconds)

    def _say(self, level: int, what: str, route: str, status: int, seconds: float) -> None:
        fields = {"route": route, "status": status, "duration_s": round(seconds, 6)}
        logger.log(level, "%s: %s %d, %.4f s", what, route, status, seconds, extra={"fields": fields})


def route_of(path: str) -> str:
    """Return the route of a path that is no prediction: of few, whatever callers send."""
    return "/health" if path == "/health" or path.startswith("/health/") else OTHER
