"""One JSON object a line on standard error: timestamp, level, logger, event, service, and the ids of the request.

Lines of libraries (uvicorn, grpc) come out in the same shape.
"""

import logging
import re
import sys
from typing import Literal

import structlog

LogLevel = Literal["debug", "info", "warning", "error"]

_SECRET = re.compile(r"(fg_[a-z0-9]{12}_)[A-Za-z0-9_-]{16,}|(whsec_)[A-Za-z0-9+/=_-]{16,}")
"""An API key of a gateway, a webhook's secret: whoever puts one where it does not belong finds no copy in a log."""


QUIET = ("alembic", "httpx")
"""Libraries that say each step at the level info; httpx with the whole URL, whose query may hold a token."""


def mask_secrets(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Keep of each secret in a line no more than tells which one it was."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _SECRET.sub(r"\1\2***", value)
    return event


_SHARED: list[structlog.types.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    mask_secrets,
]


def configure_logging(service: str, level: LogLevel) -> None:
    """Send all logs of this process to standard error as JSON lines.

    Args:
        service: value of the field `service`.
        level: lines below it are dropped.
    """

    def add_service(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        event["service"] = service
        return event

    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                add_service,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
