"""JSON lines on standard error, one an event.

What a cluster's log collector reads without a pattern.
"""

import logging
import sys
from datetime import UTC, datetime
from typing import Any

import orjson

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object.

    Time, level, logger, message, then whatever came as ``extra``.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record's line."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(entry, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def log_json(level: str) -> None:
    """Log everything from ``level`` on, as JSON lines on standard error.

    The level is ``log.level`` in the settings.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # uvicorn's own news (process started, waiting for connections) are told here in our words.
    # Its warnings, of what is no HTTP, are anybody's to bring about: they are counted here.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
