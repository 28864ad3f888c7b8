"""The tests' own service leaves no process behind, not even where it never comes up."""

import psutil
import pytest
from running_service import RunningService


def test_a_service_that_does_not_come_up_in_time_is_ended(tmp_path):
    started = []

    class TooLate(RunningService):
        def answers(self):
            started.append(psutil.Process(self.process.pid))
            raise AssertionError("waited in vain")

    with pytest.raises(AssertionError, match="waited in vain"):
        TooLate(tmp_path / "models", tmp_path / "log", {})

    assert not started[0].is_running()
