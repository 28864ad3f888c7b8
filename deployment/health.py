"""Whether the service is alive and can predict and store; changes with what an operator must know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fastapi import Response
from machine_learning_engineering.segments import try_to_store

from deployment.messages import Health, Live, Ready
from deployment.model_keeper import ModelKeeper


@dataclass(frozen=True)
class HealthReport:
    """The three endpoints."""

    keeper: ModelKeeper
    log_folder: Path

    async def live(self) -> Live:
        """Whether the process answers; restart it if not."""
        return Live()

    def ready(self, response: Response) -> Ready:
        """Whether predictions can be made and stored; 503 if not, with the reason."""
        model = self.keeper.current
        storage = storage_problem(self.log_folder)
        problems = [problem for problem in (self.keeper.problem, storage) if problem is not None]
        ready = model is not None and storage is None
        response.status_code = 200 if ready else 503
        return Ready(ready=ready, model_version=model.version if model else None, problems=problems)

    def both(self, response: Response) -> Health:
        """Live and ready in one answer."""
        return Health(**self.ready(response).model_dump())


def storage_problem(folder: Path) -> str | None:
    """Explain why nothing can be stored in the folder now, or None: checked before a prediction fails."""
    try:
        try_to_store(folder)
    except OSError as error:
        return (
            f"predictions cannot be stored in {folder}: {error.strerror}. Free space or let this user write"
        )
    return None
