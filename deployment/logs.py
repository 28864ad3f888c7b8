"""How log lines look: text for people, or a JSON object a line for collectors; both name the request."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Literal

from deployment.request_ids import current

Format = Literal["text", "json"]
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class TextLines(logging.Formatter):
    """A line of text that ends with the request's id, if it is about one."""

    def __init__(self) -> None:
        super().__init__(_TEXT)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Return the line without what follows an exception."""
        line, ids = super().formatMessage(record), current.get()
        return line if ids is None else f"{line} [{ids.name}]"


class JsonLines(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (ids := current.get()) is not None:
            line["request_id"] = ids.name
            if ids.trace is not None:
                line["trace_id"] = ids.trace
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up(chosen: Format) -> None:
    """Log to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if chosen == "json" else TextLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
