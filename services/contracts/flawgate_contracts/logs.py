"""One JSON object a line on standard error: timestamp, level, logger, event, service, and the ids of the request.

Lines of libraries (uvicorn, grpc) come out in the same shape.
"""

import logging
import re
import sys
from typing import Literal

import structlog

from flawgate_contracts.context import bound_context

LogLevel = Literal["debug", "info", "warning", "error"]

_SECRETS = tuple(
    (re.compile(pattern), r"\1***")
    # Each begins with plain letters, after which Python looks ten times as fast as for a choice of two.
    for pattern in (
        r"(fg_[a-z0-9]{12}_)[A-Za-z0-9_-]{16,}",
        r"(whsec_)[A-Za-z0-9+/=_-]{16,}",
        r"(earer )(?!fg_[a-z0-9]{12}_)[\w.~+/=-]{6,}",
        r"(uthorization\W{1,6}(?:[A-Za-z]+ )?+)(?!fg_[a-z0-9]{12}_)[\w.~+/=-]{6,}",
        r"(://[^\s/:@\"]*:)[^\s/\"]+(?=@)",
    )
)
"""An API key of a gateway, a webhook's secret, an Authorization header, a password in a URL: whoever puts one where it
does not belong finds no copy in a log."""


QUIET = ("alembic", "httpx")
"""Libraries that say each step at the level info; httpx with the whole URL, whose query may hold a token."""


_AS_JSON = structlog.processors.JSONRenderer()


def render(logger: object, method: str, event: structlog.types.EventDict) -> str:
    """The line; of each secret in it, wherever it stands, no more is kept than tells which one it was."""
    line = str(_AS_JSON(logger, method, event))
    for secret, kept in _SECRETS:
        line = secret.sub(kept, line)
    return line


def add_request(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Put the ids of the request that is being served on a line; its span's where the trace is kept."""
    context = bound_context()
    if context is not None:
        event.setdefault("request_id", context.request_id)
        event.setdefault("trace_id", context.trace_id)
        if context.sampled:
            event.setdefault("span_id", context.span_id)
    return event


_SHARED: list[structlog.types.Processor] = [
    structlog.contextvars.merge_contextvars,
    add_request,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
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
                render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
