"""Structured logs with ids and without secrets."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET_NAME = re.compile(r"token|secret|password|authorization|credential|api_?key|jwt", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"((?:access_|refresh_|upload_)?token=|app_secret=|[?&]code=|Bearer |OAuth2 |dt[aicrs]?_|eyJ|gAAAAA)[A-Za-z0-9._~+/=-]{6,}",
    re.IGNORECASE,
)


def mask(text: str) -> str:
    """Blank out everything in `text` that looks like a credential."""
    return _SECRET_TEXT.sub(lambda match: match.group(1) + "***", text)


def _masked(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if _SECRET_NAME.search(name):
            event[name] = "***"
        elif isinstance(value, str):
            event[name] = mask(value)
    return event


def _mask_address(record: logging.LogRecord) -> bool:
    """Blank out what is secret in a line of uvicorn's access log."""
    arguments = record.args if isinstance(record.args, tuple) else ()
    record.args = tuple(mask(value) if isinstance(value, str) else value for value in arguments)
    return True


def configure(*, service: str, level: int = logging.INFO) -> None:
    """Set logging up, once, at a process's start: JSON lines on stderr."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    # Addresses hold credentials where whoever calls can send no header.
    logging.getLogger("uvicorn.access").addFilter(_mask_address)
    # httpx and aiohttp log addresses, and platforms put tokens into them.
    for name in ("httpx", "aiohttp", "arq"):
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _masked,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Asked anew for each line: what is stderr now may be closed later.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(service=service)
