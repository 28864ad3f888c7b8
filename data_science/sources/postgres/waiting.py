"""Try again until it works or the limit is reached, and say what is in the way.

Changes with how long a wait should be and how much it should log. Knows nothing of databases.
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import tenacity

from data_science.errors import DatabaseError, SettingsError
from data_science.sources.postgres.obstacles import NotReadyError, Obstacle

log = logging.getLogger(__name__)

LOGIN_LIMIT_S = 600.0  # of being refused in a row; a person may need that long to correct a password
LOOK_AT_LEAST_S = 2.0  # what one look may take even when the limit is nearer
_BACKOFF = tenacity.wait_exponential(multiplier=0.1, max=4) + tenacity.wait_random(0, 1)  # seconds


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take, in seconds, and the clock that measures them."""

    quiet_s: float = 2  # a table of unknown size counts as filled when it stays the same for so long
    short_quiet_s: float = 60  # the same for a table with fewer rows than clients
    look_s: float = 30  # one look at the table, connecting included
    silence_s: float = 60  # without a byte while reading
    repeat_s: float = 60  # between two announcements of the same obstacle
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def persist[T](
    attempt: Callable[[float], T], subject: str, wait_timeout_s: float | None, patience: Patience
) -> T:
    """Return what ``attempt`` returns once it does not raise NotReadyError.

    Parameters
    ----------
    attempt : callable
        Takes the seconds it may use.
    subject : str
        What is waited for, for the messages.
    wait_timeout_s : float, optional
        Limit of the whole wait; None: no limit, except 600 s of refused logins in a row.

    Raises
    ------
    SettingsError
        If the limit is reached while the server refuses the login.
    DatabaseError
        If it is reached while anything else is in the way.
    """
    wait = _Wait(subject, wait_timeout_s, patience)
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(NotReadyError),
        after=wait.note,
        wait=wait.pause_s,
        stop=wait.is_over,
        sleep=patience.sleep,
        reraise=True,
    )
    try:
        result = retrying(lambda: attempt(max(wait.left_s(), LOOK_AT_LEAST_S)))
    except NotReadyError as error:
        raise wait.verdict(error.obstacle) from error
    wait.end()
    return result


class _Wait:
    """What one wait has seen so far."""

    def __init__(self, subject: str, wait_timeout_s: float | None, patience: Patience) -> None:
        self._subject = subject
        self._limit_s = math.inf if wait_timeout_s is None else wait_timeout_s
        self._login_limit_s = LOGIN_LIMIT_S if wait_timeout_s is None else wait_timeout_s
        self._patience = patience
        self._start = patience.clock()
        self._obstacle: Obstacle | None = None
        self._announced = self._refused = math.inf  # times; inf: not yet, or not now

    def note(self, state: tenacity.RetryCallState) -> None:
        """Remember the obstacle; announce it when it is news, and again from time to time."""
        error = state.outcome.exception() if state.outcome else None
        if not isinstance(error, NotReadyError):
            return
        now, obstacle = self._patience.clock(), error.obstacle
        self._refused = min(self._refused, now) if obstacle.login else math.inf
        is_news = self._obstacle is None or self._obstacle.kind != obstacle.kind
        self._obstacle = obstacle
        if is_news or now - self._announced >= self._patience.repeat_s:
            self._announced = now
            log.warning("waiting for %s: %s. %s%s", *self._words(obstacle, now))

    def left_s(self) -> float:
        """Seconds until the limit."""
        now = self._patience.clock()
        return min(self._start + self._limit_s, self._refused + self._login_limit_s) - now

    def pause_s(self, state: tenacity.RetryCallState) -> float:
        """Seconds until the next look: exponential backoff with jitter, not beyond the limit."""
        return max(0.0, min(_BACKOFF(state), self.left_s()))

    def is_over(self, _: tenacity.RetryCallState) -> bool:
        """Whether the limit is reached."""
        return self.left_s() <= 0

    def end(self) -> None:
        """Log that the wait is over."""
        if self._obstacle is not None:
            log.info("%s is ready after %.0f s", self._subject, self._patience.clock() - self._start)

    def verdict(self, obstacle: Obstacle) -> SettingsError | DatabaseError:
        """Return the error to raise when the limit is reached."""
        kind = SettingsError if obstacle.login else DatabaseError
        waited_s = self._patience.clock() - self._start
        return kind(
            f"{self._subject} could not be read within {waited_s:.0f} s: {obstacle.what}. {obstacle.remedy}."
        )

    def _words(self, obstacle: Obstacle, now: float) -> tuple[str, str, str, str]:
        waited_s, left_s = now - self._start, self.left_s()
        times = [f"waited {waited_s:.0f} s"] if waited_s >= 1 else []
        times += [f"giving up in {left_s:.0f} s"] if 0 < left_s < math.inf else []
        return self._subject, obstacle.what, obstacle.remedy, f" ({', '.join(times)})" if times else ""
